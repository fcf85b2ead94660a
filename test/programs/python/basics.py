#!/usr/bin/python3
# The library's breadth: json, re, hashlib, decimal, datetime, pickle, zlib, struct, random, and the garbage collector.
import collections, csv, datetime, decimal, functools, gc, hashlib, heapq, io, itertools, json, math, os, pickle, random, re, shutil, statistics, string, struct, sys, tempfile, textwrap, time, unicodedata, uuid, zlib
print(sys.version_info[:2], sys.platform, sys.byteorder, sys.maxsize, os.name)
print(json.dumps({"b": [1, 2.5, None, True], "a": "é"}, sort_keys=True), re.findall(r"(\w)(\d+)", "a1 b22 c333"))
print(hashlib.sha256(b"x" * 100000).hexdigest()[:16], hashlib.md5(b"").hexdigest(), zlib.crc32(b"hello"), len(zlib.compress(b"a" * 10000)))
decimal.getcontext().prec = 50; print(decimal.Decimal(2).sqrt(), math.factorial(30), math.pi, 2 ** 200)
print(datetime.datetime(2024, 2, 29, tzinfo=datetime.timezone.utc).isoformat(), datetime.date(2024, 1, 31) + datetime.timedelta(days=30), time.strftime("%F", time.gmtime(0)))
random.seed(42); print([random.randint(0, 99) for _ in range(8)], random.choice(string.ascii_letters), len(os.urandom(16)), uuid.uuid5(uuid.NAMESPACE_DNS, "example.org"))
print(pickle.loads(pickle.dumps({1: {2, 3}, "x": (1, [2])})), struct.pack("<IhQ", 1, -2, 3).hex(), unicodedata.name("é"))
print(collections.Counter("mississippi").most_common(2), heapq.nsmallest(3, [5, 1, 4, 2]), list(itertools.permutations("abc", 2))[:3], functools.reduce(lambda a, b: a * b, range(1, 10)))
print(statistics.mean(range(10)), textwrap.fill("word " * 20, 40).count("\n"), list(csv.reader(io.StringIO('a,"b,c"\n1,2'))))
with tempfile.TemporaryDirectory() as d:
    p = os.path.join(d, "f"); open(p, "w").write("line\n" * 1000); print(os.path.getsize(p), sum(1 for _ in open(p)), os.listdir(d)); shutil.copytree(d, d + ".copy"); shutil.rmtree(d + ".copy")
    with open(p, "r+b") as f: f.seek(-5, 2); f.truncate(); f.seek(0, 2); print(f.tell(), os.fstat(f.fileno()).st_nlink)
    os.symlink("f", d + "/l"); print(os.readlink(d + "/l"), sorted(e.name for e in os.scandir(d) if e.is_symlink())); os.replace(p, d + "/g"); print(os.path.exists(d + "/l"), os.path.lexists(d + "/l"))
class Node: pass
for _ in range(10000): a, b = Node(), Node(); a.o, b.o = b, a
print(gc.collect() >= 0, sys.getrecursionlimit()); print(sum(i * i for i in range(300000)))
def rec(n): return 0 if n == 0 else 1 + rec(n - 1)
print(rec(900))
try: rec(100000)
except RecursionError as e: print("RecursionError", str(e)[:36])
try: open("/nonexistent")
except FileNotFoundError as e: print(e.errno, e.strerror)
for f, *args in ((os.mkdir, "/proc/x"), (os.rmdir, "/tmp"), (os.kill, 999999, 0), (os.listdir, "/etc/passwd"), (os.chdir, "/etc/passwd"), (os.read, 99, 1)):
    try: f(*args)
    except OSError as e: print(f.__name__, type(e).__name__, e.errno)
