#!/bin/sh
# gcc: preprocess, assemble, link, static and shared, warnings and errors
cat > hello.c <<'E'
#include <stdio.h>
#include <stdlib.h>
int twice(int);
int main(int argc, char **argv) { printf("hello %d from %s\n", twice(argc), argv[0]); return argc > 1 ? atoi(argv[1]) : 0; }
E
echo 'int twice(int x) { return 2 * x; }' > twice.c
gcc -O2 -Wall -o hello hello.c twice.c && ./hello; ./hello 5; echo $?
gcc -c hello.c twice.c && ar rcs libtwice.a twice.o && gcc -o s hello.o -L. -ltwice && ./s
gcc -fPIC -shared -o libtwice.so twice.c && rm libtwice.a && gcc -o d hello.o -L. -ltwice && ./d; echo $?; LD_LIBRARY_PATH=. ./d; gcc -static -o st hello.c twice.c && ./st; gcc -E hello.c | grep -c printf | grep -c '[1-9]'; gcc -S -O1 twice.c -o - | grep -c 'ret'
echo 'int main(void) { return x; }' > bad.c; gcc bad.c 2>&1 | grep -o 'error: .*'; echo 'int f(); int main(void) { return f(); }' > u.c; gcc u.c 2>&1 | grep -o 'undefined reference to.*'; gcc -g -O0 -fsanitize=undefined -o ub -x c - <<'E' 2>/dev/null || echo no ubsan
int main(int c, char **v) { int x = 2147483647; return (x + c) == 0; }
E
./ub 2>&1 | grep -o 'runtime error.*'; nm hello | grep -c ' T main'; objdump -d hello | grep -c '<main>:'; strip hello && ./hello; readelf -h hello | grep Type | awk '{print $2}'; gcc -pipe -flto -O2 -o lto hello.c twice.c && ./lto; ldd hello | awk '{print $1}' | grep libc; size st >/dev/null && echo size
