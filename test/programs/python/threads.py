#!/usr/bin/python3
import concurrent.futures, os, queue, signal, sys, threading, time
n, lock = 0, threading.Lock()
def add():
    global n
    for _ in range(20000):
        with lock: n += 1
ts = [threading.Thread(target=add) for _ in range(8)]; [t.start() for t in ts]; [t.join() for t in ts]; print(n)
q, done = queue.Queue(maxsize=5), queue.Queue()
def consume():
    while (x := q.get()) is not None: done.put(x * x)
ts = [threading.Thread(target=consume) for _ in range(4)]; [t.start() for t in ts]
for i in range(500): q.put(i)
for _ in ts: q.put(None)
[t.join() for t in ts]; print(sum(done.get() for _ in range(500)))
with concurrent.futures.ThreadPoolExecutor(6) as ex: print(sum(ex.map(lambda x: x + 1, range(1000)))); fs = [ex.submit(time.sleep, i / 50) for i in range(5)]; print(len(concurrent.futures.wait(fs).done))
e = threading.Event(); print(e.wait(0.05)); threading.Timer(0.05, e.set).start(); print(e.wait(20)); b = threading.Barrier(5); r = []; ts = [threading.Thread(target=lambda: r.append(b.wait())) for _ in range(5)]; [t.start() for t in ts]; [t.join() for t in ts]; print(sorted(r))
c = threading.Condition(); items = []
def waiter():
    with c: c.wait_for(lambda: items, 20); items.pop()
ts = [threading.Thread(target=waiter) for _ in range(3)]; [t.start() for t in ts]
for _ in range(3):
    with c: items.append(1); c.notify_all()
[t.join() for t in ts]; print(items); loc = threading.local(); loc.x = 1; t = threading.Thread(target=lambda: print(hasattr(loc, "x"), threading.get_native_id() != os.getpid())); t.start(); t.join(); print(threading.get_native_id() == os.getpid(), threading.active_count())
s = threading.Semaphore(2); print(s.acquire(), s.acquire(), s.acquire(timeout=0.02)); signal.signal(signal.SIGUSR1, lambda *a: print("handler in", threading.current_thread().name)); t = threading.Thread(target=lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)); t.start(); t.join(); time.sleep(0.01)
sys.setswitchinterval(1e-4); stop = False
def spin():
    x = 0
    while not stop: x += 1
ts = [threading.Thread(target=spin) for _ in range(3)]; [t.start() for t in ts]; time.sleep(0.2); stop = True; [t.join() for t in ts]; print("spun"); pid = os.fork()
if pid == 0: print(threading.active_count(), flush=True); os._exit(0)
os.waitpid(pid, 0)
