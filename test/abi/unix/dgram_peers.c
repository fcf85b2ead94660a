// Unix datagrams between several: who may send to a connected one, connecting anew and to nothing, what queued before stays, queues that are full and who is told, the peer's end.
#include "../oracle.h"
#include <sys/socket.h>
#include <sys/un.h>
static struct sockaddr_un un(const char *name) { struct sockaddr_un a = {AF_UNIX}; strcpy(a.sun_path + 1, name); return a; }
#define TO(name) (struct sockaddr *)&(struct sockaddr_un[]){un(name)}[0], (socklen_t)(3 + strlen(name))
static int bound(const char *name) { int s = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)); must(bind(s, TO(name))); return s; }
static void hear(const char *what, int s) {
	char b[16] = "", all[200] = "";
	while (recv(s, b, 15, 0) >= 0) strcat(strcat(all, " "), b), memset(b, 0, 16);
	fact("%s hears:%s; %s", what, all, ename(errno));
}
static void ev(const char *what, int s) {
	struct pollfd p = {s, POLLIN | POLLOUT | POLLRDHUP};
	must(poll(&p, 1, 0)), fact("%s:%s%s%s%s%s", what, p.revents & POLLIN ? " in" : "", p.revents & POLLOUT ? " out" : "", p.revents & POLLERR ? " err" : "", p.revents & POLLHUP ? " hup" : "", p.revents & POLLRDHUP ? " rdhup" : "");
}

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int a = bound("a"), b = bound("b"), c = bound("c"), s = must(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0)), p[2];
	ev("new", s), show(send(s, "x", 1, 0)), show(sendto(s, "nameless", 8, 0, TO("a"))), hear("a", a), show(sendto(s, "x", 1, 0, TO("nobody")));
	show(connect(a, TO("b"))), show(sendto(c, "foreign", 7, 0, TO("a"))), show(sendto(b, "friend", 6, 0, TO("a"))), hear("a", a), show(connect(c, TO("a"))), show(send(a, "to b", 4, 0)), hear("b", b), show(sendto(a, "to c", 4, 0, TO("c"))), hear("c", c);
	show(sendto(b, "old", 3, 0, TO("a"))), show(connect(a, TO("c"))), hear("connected elsewhere, a", a), show(sendto(b, "x", 1, 0, TO("a"))), show(sendto(c, "new", 3, 0, TO("a"))), hear("a", a);
	show(connect(a, (struct sockaddr *)&(struct sockaddr){AF_UNSPEC}, 16)), show(send(a, "x", 1, 0)), show(sendto(b, "again", 5, 0, TO("a"))), hear("no more, a", a), show(connect(a, (struct sockaddr *)&(struct sockaddr){AF_UNSPEC}, 2)), show(connect(a, TO("a"))), show(send(a, "self", 4, 0)), hear("oneself", a), show(connect(a, TO("nobody")));
	int full = 0;
	show(connect(s, TO("b")));
	while (send(s, "fill", 4, 0) == 4) full++;
	fact("full after %d: %s", full, ename(errno)), ev("the sender", s), ev("another that is not connected", c), show(sendto(c, "x", 1, 0, TO("b"))), ev("the receiver", b);
	int n = 0;
	char buf[16];
	while (poll(&(struct pollfd){s, POLLOUT}, 1, 0) == 0 && recv(b, buf, 16, 0) > 0) n++;
	fact("room after %d were taken", n), ev("the sender", s), show(send(s, "more", 4, 0));
	while (recv(b, buf, 16, 0) > 0) ;
	pid_t k = spawn(must(fcntl(s, F_SETFL, 0)); for (int i = 0; i < full + 3; i++) must(send(s, "slow", 4, 0)));
	asleep(k), n = 0;
	while (n < full + 3) n += poll(&(struct pollfd){b, POLLIN}, 1, 10000) == 1 && recv(b, buf, 16, 0) > 0;
	reap("a sender that waits", k), must(fcntl(s, F_SETFL, O_NONBLOCK));
	while (send(s, "fill", 4, 0) == 4) ;
	k = spawn(must(close(b)); must(fcntl(s, F_SETFL, 0)); show(send(s, "x", 1, 0)));
	close(a), close(c), asleep(k), must(close(b)), quiet(k), ev("its receiver is gone", s), show(send(s, "x", 1, 0)), show(send(s, "x", 1, 0)), show(getpeername(s, (void *)buf, &(socklen_t){16}));

	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, p)), show(shutdown(p[0], SHUT_RD)), show(send(p[1], "x", 1, 0)), ev("shut for reading", p[0]), ev("its peer", p[1]), show(recv(p[0], buf, 16, MSG_DONTWAIT)), show(recv(p[0], buf, 16, 0)), show(send(p[0], "y", 1, 0)), show(recv(p[1], buf, 16, 0)), show(shutdown(p[1], SHUT_WR)), show(send(p[1], "x", 1, 0)), ev("shut for writing", p[1]), show(shutdown(p[0], SHUT_WR)), ev("both", p[0]), must(close(p[1])), ev("the peer closed", p[0]), show(recv(p[0], buf, 16, 0));
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, p)), must(send(p[1], "kept", 4, 0)), must(close(p[1])), ev("closed with one queued", p[0]), show(recv(p[0], buf, 16, 0)), show(send(p[0], "x", 1, 0)), show(recv(p[0], buf, 16, MSG_DONTWAIT)), show(send(p[0], "", 0, 0));
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, p)), show(send(p[0], "", 0, 0)), ev("an empty one", p[1]), show(recv(p[1], buf, 16, 0));
	int big = 65536;
	must(setsockopt(p[0], SOL_SOCKET, SO_SNDBUF, &big, 4));
	static char m[300000];
	show(send(p[0], m, 131000, 0)), show(send(p[0], m, 131072, 0)), show(send(p[0], m, 300000, 0)), show(recv(p[1], buf, 16, MSG_TRUNC));
	return 0;
}
