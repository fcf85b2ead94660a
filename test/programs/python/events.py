#!/usr/bin/python3
import asyncio, os, signal, socket, ssl, sys, tempfile
async def handle(r, w):
    while line := await r.readline(): w.write(line.upper()); await w.drain()
    w.close()
async def client(open_, n):
    r, w = await open_; out = []
    for i in range(n): w.write(b"msg %d\n" % i); await w.drain(); out.append((await r.readline()).decode().strip())
    w.close(); return out[-1]
class Udp(asyncio.DatagramProtocol):
    def connection_made(self, t): self.t = t
    def datagram_received(self, d, a): self.t.sendto(d[::-1], a)
class Ask(asyncio.DatagramProtocol):
    def __init__(self): self.f = asyncio.get_running_loop().create_future()
    def connection_made(self, t): t.sendto(b"abc")
    def datagram_received(self, d, a): self.f.set_result(d)
async def main():
    loop = asyncio.get_running_loop()
    srv = await asyncio.start_unix_server(handle, "sock"); print(await asyncio.gather(*(client(asyncio.open_unix_connection("sock"), 20) for _ in range(10)))); srv.close()
    p = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1); out, _ = await p.communicate(b"x" * 300000); print(len(out), p.returncode)
    ps = [await asyncio.create_subprocess_shell(f"sleep 0.{3-i}; echo {i}; exit {i}", stdout=-1) for i in range(3)]; print([(await p.communicate())[0] for p in ps], [p.returncode for p in ps])
    try: await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except asyncio.TimeoutError: print("timed out")
    print(await loop.run_in_executor(None, lambda: sum(range(1000)))); f = loop.create_future(); loop.add_signal_handler(signal.SIGUSR1, f.set_result, "signalled"); os.kill(os.getpid(), signal.SIGUSR1); print(await f)
    q = asyncio.Queue(2); t = asyncio.create_task(asyncio.wait_for(q.get(), 5)); await q.put("item"); print(await t); r, w = os.pipe(); f = loop.create_future(); loop.add_reader(r, lambda: f.set_result(os.read(r, 9))); os.write(w, b"pipe"); print(await f)
    order = []; [loop.call_later(d, order.append, d) for d in (0.15, 0.05, 0.1)]; await asyncio.sleep(0.3); print(order); a, b = socket.socketpair(); a.setblocking(False); b.setblocking(False); await loop.sock_sendall(a, b"pair"); print(await loop.sock_recv(b, 10))
    t = asyncio.create_task(asyncio.sleep(100)); await asyncio.sleep(0); t.cancel()
    try: await t
    except asyncio.CancelledError: print("cancelled")
asyncio.run(main())
