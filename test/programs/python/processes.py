#!/usr/bin/python3
import multiprocessing as mp, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import shared_memory
def square(x): return x * x
def put(q, i): q.put((i, i * i))
def inc(v, l):
    for _ in range(500):
        with l: v.value += 1
def echo(c):
    while (m := c.recv()) is not None: c.send(m.upper() if isinstance(m, str) else m)
def touch(name): s = shared_memory.SharedMemory(name); s.buf[0] = 42; s.close()
def crash(): os._exit(7)
def hang(): time.sleep(100)
if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        ctx = mp.get_context(method)
        with ctx.Pool(3) as p: print(method, p.map(square, range(8)), p.apply(square, (5,)), sorted(p.imap_unordered(square, range(4))), flush=True)
    mp.set_start_method("fork", force=True); q = mp.Queue(); ps = [mp.Process(target=put, args=(q, i)) for i in range(4)]; [p.start() for p in ps]; print(sorted(q.get() for _ in ps)); [p.join() for p in ps]
    v, l = mp.Value("i", 0), mp.Lock(); ps = [mp.Process(target=inc, args=(v, l)) for _ in range(4)]; [p.start() for p in ps]; [p.join() for p in ps]; print(v.value)
    a, b = mp.Pipe(); p = mp.Process(target=echo, args=(b,)); p.start(); a.send("hello"); print(a.recv()); a.send(bytes(1000000)); print(len(a.recv())); a.send(None); p.join(); print(p.exitcode)
    s = shared_memory.SharedMemory(create=True, size=4096); p = mp.Process(target=touch, args=(s.name,)); p.start(); p.join(); print(s.buf[0]); s.close(); s.unlink()
    p = mp.Process(target=crash); p.start(); p.join(); print(p.exitcode); p = mp.Process(target=hang); p.start(); p.terminate(); p.join(); print(p.exitcode); p = mp.Process(target=hang); p.start(); p.join(0.1); print(p.is_alive()); p.kill(); p.join(); print(p.exitcode)
    with mp.Manager() as m: d = m.dict(); ps = [mp.Process(target=d.__setitem__, args=(i, i)) for i in range(3)]; [p.start() for p in ps]; [p.join() for p in ps]; print(dict(sorted(d.items())))
    with ProcessPoolExecutor(2) as ex: print(list(ex.map(square, range(6)))); e, sem = mp.Event(), mp.Semaphore(1); print(e.wait(0.05), sem.acquire(), sem.acquire(timeout=0.05)); bar = mp.Barrier(3); ps = [mp.Process(target=bar.wait) for _ in range(3)]; [p.start() for p in ps]; [p.join() for p in ps]; print([p.exitcode for p in ps]); sys.stdout.flush()
