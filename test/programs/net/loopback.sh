#!/bin/bash
# TCP and UDP over loopback: python's servers, curl, /dev/tcp
ip link set lo up; ip -br addr show lo | awk '{print $1,$2,$3}'; mkdir www; echo page > www/index.html; head -c 2000000 /usr/bin/python3 > www/big; (cd www; exec python3 -m http.server --bind 127.0.0.1 8080) >/dev/null 2>&1 & s=$!
for i in $(seq 100); do (echo > /dev/tcp/127.0.0.1/8080) 2>/dev/null && break; sleep 0.1; done; curl -s http://127.0.0.1:8080/; curl -s http://localhost:8080/big | cmp - www/big && echo big; curl -s -o /dev/null -w '%{http_code} %{size_download}\n' http://127.0.0.1:8080/none; curl -s http://127.0.0.1:1/; echo $?; curl -s -r 0-3 http://127.0.0.1:8080/index.html; seq 8 | xargs -P8 -I{} curl -s -o /dev/null -w '%{http_code}\n' 'http://127.0.0.1:8080/big?{}' | sort | uniq -c
exec 3<>/dev/tcp/127.0.0.1/8080; printf 'HEAD / HTTP/1.0\r\n\r\n' >&3; head -1 <&3 | tr -d '\r'; exec 3>&-; kill $s; wait 2>/dev/null
python3 - <<'E'
import socket, threading, selectors, time
u, v = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 0)); v.sendto(b"datagram", u.getsockname()); print(u.recvfrom(100)[0]); v.connect(u.getsockname()); v.send(b"x" * 60000); print(len(u.recv(65536)))
l = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(l.getsockname()); s, _ = l.accept(); c.sendall(b"a" * 3000000 if False else b"abc"); print(s.recv(10), s.getpeername() == c.getsockname()); c.shutdown(socket.SHUT_WR); print(s.recv(10)); s.close(); c.close()
def serve(c):
    while d := c.recv(65536): c.sendall(d)
    c.close()
def accept():
    for _ in range(20): threading.Thread(target=serve, args=(l.accept()[0],)).start()
t = threading.Thread(target=accept); t.start(); cs = [socket.create_connection(l.getsockname()) for _ in range(20)]; [c.sendall(bytes([i]) * 10000) for i, c in enumerate(cs)]; n = 0
for i, c in enumerate(cs):
    got = b""
    while len(got) < 10000: got += c.recv(65536)
    n += got == bytes([i]) * 10000; c.close()
t.join(); print(n); c = socket.socket(); c.settimeout(0.1); s6 = socket.socket(socket.AF_INET6); s6.bind(("::1", 0)); s6.listen(); k = socket.create_connection(("::1", s6.getsockname()[1])); print(s6.accept()[1][0]); l.setblocking(False)
try: l.accept()
except BlockingIOError as e: print(e)
try: c.connect(("127.0.0.1", 1))
except OSError as e: print(e)
try: socket.create_server(l.getsockname())
except OSError as e: print(e.errno)
a = socket.create_connection(l.getsockname()); time.sleep(0.05); b, _ = l.accept(); b.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"); b.close(); time.sleep(0.05)
try: a.recv(1)
except OSError as e: print(e)
print(socket.getaddrinfo("localhost", 80, socket.AF_INET, socket.SOCK_STREAM)[0][4], socket.gethostname(), a.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), socket.if_nametoindex("lo"))
E
ip route show table local 2>/dev/null | wc -l | grep -c '[0-9]'; ip -o link show lo | grep -o 'LOOPBACK,UP'; hostname -I | wc -w
