#!/bin/bash
# Bytes over veths of three sizes, both versions and ways, by TCP and UDP, with checksums: what arrives is what was sent
# seconds: 90
exec 2>&1
ip netns add far; ip -n far link set lo up
ip link add near type veth peer name far netns far; ip link set near up; ip -n far link set far up
ip addr add 10.3.0.1/24 dev near; ip -n far addr add 10.3.0.2/24 dev far
ip addr add fd00:3::1/64 dev near nodad; ip -n far addr add fd00:3::2/64 dev far nodad
cat > transfer.py <<'P'
import hashlib, os, socket, sys, threading
def blob(n, seed):
    out, h = [], seed.to_bytes(8, "little")
    while n > 0:
        h = hashlib.sha256(h).digest(); out.append(h * 512); n -= len(out[-1])
    return b"".join(out)
def serve(fam, at):
    l = socket.create_server((at, 99), family=fam); u = socket.socket(fam, socket.SOCK_DGRAM); u.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20); u.bind((at, 98)); open("up", "w").close()
    def echo():
        while True:
            b, a = u.recvfrom(70000)
            if b == b"end": return
            u.sendto(hashlib.sha256(b).digest() + len(b).to_bytes(4, "little"), a)
    t = threading.Thread(target=echo); t.start()
    for _ in range(6):
        c, _ = l.accept(); h, n = hashlib.sha256(), 0
        while b := c.recv(1 << 16): h.update(b); n += len(b)
        print("  the server got", n, h.hexdigest()[:16], flush=True)
        c.sendall(blob(n, 2)); c.close()
    t.join()
def ask(fam, to):
    import random
    sizes = 1, 1000, 1399, 100000, 3000000, 8000000
    for n in sizes:
        s = socket.create_connection((to, 99), 30); b = blob(n, n)[:n]; at = 0; r = random.Random(n)
        while at < n: k = r.randrange(1, 200000); s.sendall(b[at:at + k]); at += k
        s.shutdown(1); h, got = hashlib.sha256(), 0
        while d := s.recv(1 << 16): h.update(d); got += len(d)
        print("  the client got", got >= n, h.hexdigest()[:16] == hashlib.sha256(blob(n, 2)).hexdigest()[:16], flush=True)
    u = socket.socket(fam, socket.SOCK_DGRAM); u.settimeout(20); ok = []
    for n in (0, 1, 1231, 1232, 1233, 1472, 1473, 8972, 8973, 20000, 65000, 65487):
        b = blob(n + 1, n)[:n]; u.sendto(b, (to, 98)); d = u.recv(100); ok.append(d == hashlib.sha256(b).digest() + n.to_bytes(4, "little"))
    print("  datagrams", all(ok), len(ok)); u.sendto(b"end", (to, 98))
{"serve": serve, "ask": ask}[sys.argv[1]](socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET, sys.argv[2])
P
for mtu in 1280 9000 65535; do
	ip link set near mtu $mtu; ip -n far link set far mtu $mtu
	for to in 10.3.0.2 fd00:3::2; do
		echo "MTU $mtu, $to"; rm -f up
		ip netns exec far python3 transfer.py serve $to & s=$!
		until [ -e up ]; do sleep 0.05; done
		python3 transfer.py ask $to > client; wait $s; cat client
	done
done
ip netns del far
