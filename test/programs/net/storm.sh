#!/bin/bash
# Connections that come and go by the hundred, and SYNs from addresses that answer nothing, while one connection is held and goes on
# seconds: 90
exec 2>&1
ip link set lo up; ip netns add far; ip -n far link set lo up
ip link add near type veth peer name far netns far; ip link set near up; ip -n far link set far up
ip addr add 10.4.0.1/24 dev near; ip -n far addr add 10.4.0.2/24 dev far; ip -n far route add default via 10.4.0.1
cat > serve.py <<'P'
import socket, threading
l = socket.create_server(("0.0.0.0", 99), backlog=64); open("up", "w").close()
def one(c):
    try:
        while b := c.recv(65536):
            if b == b"stop": done.set(); return
            c.sendall(b)
    except OSError: pass # reset
    c.close()
done = threading.Event()
def loop():
    while True: threading.Thread(target=one, args=(l.accept()[0],), daemon=True).start()
threading.Thread(target=loop, daemon=True).start(); done.wait(); print("the server was told to stop", flush=True)
P
cat > storm.py <<'P'
import os, random, socket, struct, threading
TO = ("10.4.0.2", 99); held = socket.create_connection(TO, 30); r = random.Random(1); failed = []
def alive(what):
    b = r.randbytes(100000); threading.Thread(target=held.sendall, args=(b,)).start(); got = b""
    while len(got) < len(b): got += held.recv(65536)
    print(what, "the held connection:", got == b, flush=True)
alive("at first")
def many(n):
    for i in range(n):
        try:
            s = socket.create_connection(TO, 30); s.sendall(b"x%d" % i); assert s.recv(100) == b"x%d" % i
            if i % 3 == 0: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()
        except Exception as e: failed.append(e)
def storm(): ts = [threading.Thread(target=many, args=(60,)) for _ in range(8)]; [t.start() for t in ts]; alive("during the storm"); [t.join() for t in ts]; print("connections that failed:", len(failed), failed[:1], flush=True)
storm()
def checksum(b): n = sum(struct.unpack("!%dH" % (len(b) // 2), b)); n = (n >> 16) + (n & 65535); return ~(n + (n >> 16)) & 65535
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
def syn(src, port):
    a, b = socket.inet_aton(src), socket.inet_aton(TO[0]); t = struct.pack("!HHLLBBHHH", port, TO[1], r.getrandbits(32), 0, 5 << 4, 2, 65535, 0, 0)
    t = t[:16] + struct.pack("!H", checksum(a + b + struct.pack("!BBH", 0, 6, 20) + t)) + t[18:]; raw.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, r.getrandbits(16), 0, 64, 6, 0, a, b) + t, (TO[0], 0))
def flood(n):
    for i in range(n): syn("198.18.%d.%d" % (r.randrange(256), r.randrange(1, 255)), r.randrange(1024, 65535))
flood(20000); alive("after the flood"); t = threading.Thread(target=flood, args=(10000,)); t.start(); alive("during the flood"); many(20); t.join(); print("connections that failed:", len(failed), flush=True); storm(); held.sendall(b"stop")
P
ip netns exec far python3 serve.py & s=$!
until [ -e up ]; do sleep 0.05; done
python3 storm.py; wait $s; ip netns del far
