#!/usr/bin/python3
# Sockets of AF_UNIX in every type: passing descriptors and credentials, abstract names, limits, selectors
import array, errno, os, select, selectors, socket, struct, threading
def err(f, *a):
    try: return f(*a)
    except OSError as e: return errno.errorcode[e.errno] if e.errno else str(e)
a, b = socket.socketpair(); r, w = os.pipe(); os.write(w, b"through"); a.sendmsg([b"fd"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [r]))]); m, anc, fl, ad = b.recvmsg(10, 100); fd = array.array("i", anc[0][2])[0]; print(m, os.read(fd, 100), fd != r, socket.send_fds(a, [b"x"], [0, 1])); print(len(socket.recv_fds(b, 10, 5)[1]))
b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1); a.send(b"c"); m, anc, *_ = b.recvmsg(10, 100); print(struct.unpack("iii", anc[0][2])[1:], struct.unpack("iii", a.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1:])
for typ in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    a, b = socket.socketpair(socket.AF_UNIX, typ); a.send(b"one"); a.send(b"two"); print(typ.name, b.recv(100), b.recv(100, socket.MSG_DONTWAIT) if typ != socket.SOCK_STREAM else "", err(b.recv, 1, socket.MSG_DONTWAIT)); a.send(b"peeked"); print(b.recv(3, socket.MSG_PEEK), b.recv(3), b.recv(3) if typ == socket.SOCK_STREAM else ""); a.setblocking(False); n = 0
    try:
        while True: n += a.send(b"x" * 1000)
    except OSError as e: print(errno.errorcode[e.errno], n > 5000)
    while b.recv(65536, socket.MSG_DONTWAIT) and err(b.recv, 65536, socket.MSG_DONTWAIT | socket.MSG_PEEK) != "EAGAIN": pass
    a.close(); print(err(b.recv, 10, socket.MSG_DONTWAIT), err(b.send, b"x"))
l = socket.socket(socket.AF_UNIX); l.bind("sock"); print(err(socket.socket(socket.AF_UNIX).connect, "sock"), os.stat("sock").st_mode >> 12 == 12, err(socket.socket(socket.AF_UNIX).bind, "sock")); l.listen(2); cs = [socket.socket(socket.AF_UNIX) for _ in range(4)]; [c.setblocking(False) for c in cs]; print([err(c.connect, "sock") for c in cs]); s, ad = l.accept(); print(ad, cs[0].getpeername(), s.getsockname()); n = socket.socket(socket.AF_UNIX); n.bind("\0abstract"); n.listen(); k = socket.socket(socket.AF_UNIX); k.connect("\0abstract"); print(k.getpeername(), err(socket.socket(socket.AF_UNIX).bind, "x" * 200))
sel = selectors.DefaultSelector(); sel.register(s, selectors.EVENT_READ | selectors.EVENT_WRITE); print([m for _, m in sel.select(1)]); cs[0].setblocking(True); cs[0].send(b"ready"); print([m for _, m in sel.select(1)]); cs[0].shutdown(socket.SHUT_WR); print(s.recv(10), s.recv(10)); p = select.poll(); p.register(s, select.POLLRDHUP | select.POLLIN); print(p.poll(0)[0][1] & ~select.POLLOUT)
d = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); d.bind("dg"); e = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); e.bind("eg"); e.sendto(b"datagram", "dg"); print(d.recvfrom(100), err(e.sendto, b"x" * 10**6, "dg"), err(e.sendto, b"x", "none")); d.settimeout(0.05); print(err(d.recv, 10)); x, y = socket.socketpair(); t = threading.Thread(target=lambda: print(len(x.recv(10**6, socket.MSG_WAITALL)))); t.start(); [y.send(b"z" * 1000) for _ in range(1000)]; t.join(); print(x.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE), x.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN), err(x.getsockopt, socket.SOL_SOCKET, 9999), err(socket.socket, 99), err(socket.socket, socket.AF_UNIX, socket.SOCK_STREAM, 7))
