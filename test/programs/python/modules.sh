#!/bin/sh
# Modules, zip applications, unittest, the compiler, profiles of start-up; a traceback
mkdir -p pkg/sub; echo 'VALUE = 1' > pkg/__init__.py; echo 'from pkg import VALUE; print("sub", VALUE)' > pkg/sub/__init__.py; echo 'print("main", __name__)' > pkg/__main__.py
python3 -m pkg; python3 -c 'import pkg.sub'; ls pkg/__pycache__ | sed 's/cpython-[0-9]*/V/'; python3 -m zipapp pkg -o a.pyz && python3 a.pyz; echo 'raise ValueError("x")' > t.py; python3 t.py; echo $?; python3 -c 'import sys; sys.exit(9)'; echo $?; echo 'print(1+1)' | python3; python3 -c '
import unittest
class T(unittest.TestCase):
    def test_a(self): self.assertEqual(1, 1)
    def test_b(self): self.fail("on purpose")
unittest.main()' 2>&1 | sed 's/in [0-9.]*s/in T/'; python3 -c 'import os, signal; os.kill(os.getpid(), signal.SIGINT)' 2>&1 | tail -1; { python3 -X faulthandler -c 'import ctypes; ctypes.string_at(0)' >o 2>&1; } 2>/dev/null; head -1 o; python3 -m json.tool <<E
{"a": [1, 2]}
E
python3 -m base64 -e <<E
text
E
python3 -m tarfile -c t.tar pkg && python3 -m tarfile -l t.tar | head -2
python3 -m py_compile t.py; python3 -c 'import this' | tail -1; python3 -c 'import venv; venv.create("v", symlinks=True)' 2>&1 | tail -1; v/bin/python -c 'import sys; print(sys.prefix != sys.base_prefix)'
