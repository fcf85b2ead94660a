// Control messages of unix sockets at their edges: several at once, wrong lengths and levels, credentials with descriptors, which message carries them, descriptors of sockets, epoll and the socket itself.
#include "../oracle.h"
#include <sys/epoll.h>
#include <sys/socket.h>
static int s[2];
struct part { int level, type, n; const void *data; };
static long give(int count, struct part *p, int bytes, int cut) {
	char ctl[256] = {0}, data[64] = "data";
	struct iovec v = {data, bytes};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	size_t all = 0;
	for (int i = 0; i < count; i++, c = (void *)(ctl + all))
		c->cmsg_level = p[i].level, c->cmsg_type = p[i].type, c->cmsg_len = CMSG_LEN(p[i].n), memcpy(CMSG_DATA(c), p[i].data, p[i].n), all += CMSG_SPACE(p[i].n);
	m.msg_controllen = all - cut;
	return sendmsg(s[0], &m, MSG_DONTWAIT);
}
static int got[16], ngot;
static void take(const char *what, int room, int flags) {
	char ctl[256], b[64];
	struct iovec v = {b, 64};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = room};
	long n = recvmsg(s[1], &m, flags | MSG_DONTWAIT);
	fact("%s: %ld %s%s", what, n, n < 0 ? ename(errno) : "", n >= 0 && m.msg_flags & MSG_CTRUNC ? "CTRUNC" : ""), ngot = 0;
	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		struct ucred *u = (void *)CMSG_DATA(c);
		if (c->cmsg_type == SCM_CREDENTIALS) fact("  credentials: pid %s, uid %u, gid %u", u->pid == getpid() ? "mine" : u->pid == 0 ? "none" : "another", u->uid, u->gid);
		else if (c->cmsg_type == SCM_RIGHTS) ngot = (c->cmsg_len - CMSG_LEN(0)) / 4, memcpy(got, CMSG_DATA(c), ngot * 4), fact("  %d descriptors", ngot);
		else fact("  %d/%d", c->cmsg_level, c->cmsg_type);
	}
}
static void drop(void) { for (int i = 0; i < ngot; i++) close(got[i]); ngot = 0; }
#define GIVE(bytes, cut, ...) show_("give " #__VA_ARGS__, give(sizeof((struct part[]){__VA_ARGS__}) / sizeof(struct part), (struct part[]){__VA_ARGS__}, bytes, cut))
#define RIGHTS(n) {SOL_SOCKET, SCM_RIGHTS, (n) * 4, fds}
#define CREDS {SOL_SOCKET, SCM_CREDENTIALS, 12, &u}

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int fds[3] = {0, 1, 2}, one = 1;
	struct ucred u = {getpid(), getuid(), getgid()};
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		fact("type %d", type), must(socketpair(AF_UNIX, type, 0, s));
		GIVE(4, 0, RIGHTS(1), RIGHTS(2)), take("two in one", 256, 0), drop(), GIVE(4, 0, CREDS, RIGHTS(1)), take("nobody asked for credentials", 256, 0), drop();
		must(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, 4)), GIVE(4, 0, RIGHTS(1)), take("credentials and a descriptor", 256, 0), drop(), GIVE(4, 0, RIGHTS(1), CREDS), take("room for credentials", CMSG_SPACE(12), 0), drop(), GIVE(4, 0, RIGHTS(2)), take("room for one more", CMSG_SPACE(12) + CMSG_SPACE(4), 0), drop(), GIVE(4, 0, RIGHTS(1)), take("8 bytes", 8, 0), drop(), GIVE(4, 0, RIGHTS(1)), take("cut in credentials", CMSG_LEN(4), 0), drop();
		u.pid = 1 << 30, GIVE(4, 0, CREDS), u.pid = 0, GIVE(4, 0, CREDS), u.pid = getpid(), u.uid = 12345, GIVE(4, 0, CREDS), take("forged by root", 256, 0), u.uid = -1, GIVE(4, 0, CREDS), u.uid = 0;
		GIVE(4, 0, {SOL_SOCKET, SCM_CREDENTIALS, 8, &u}), GIVE(4, 0, {SOL_SOCKET, 99, 4, fds}), GIVE(4, 0, {6, 1, 4, fds}), take("another level", 256, 0), GIVE(4, 0, RIGHTS(0)), take("no descriptors", 256, 0), GIVE(4, 0, {SOL_SOCKET, SCM_RIGHTS, 6, fds}), take("six bytes", 256, 0), drop(), GIVE(4, 8, RIGHTS(1)), fds[0] = -1, GIVE(4, 0, RIGHTS(1)), fds[0] = 0;
		GIVE(0, 0, RIGHTS(1)), take("with no bytes", 256, 0), drop(), must(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &(int){0}, 4));
		GIVE(4, 0, RIGHTS(1)), GIVE(4, 0, RIGHTS(2)), take("peek", 256, MSG_PEEK), drop(), take("first", 256, MSG_CMSG_CLOEXEC), fact("cloexec %d", fcntl(got[0], F_GETFD)), drop(), take("second", 256, 0), drop(), close(s[0]), close(s[1]);
	}
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s)), fds[0] = s[0], fds[1] = s[1], GIVE(4, 0, RIGHTS(2)), take("itself", 256, 0), must(write(got[0], "through", 7));
	char b[16];
	show(recv(s[1], b, 16, 0)), drop(), GIVE(4, 0, RIGHTS(2)), close(s[0]), show(recv(s[1], b, 2, MSG_PEEK)), take("the sender closed, itself in flight", 256, 0), show(recv(s[1], b, 16, MSG_DONTWAIT)), drop(), show(recv(s[1], b, 16, MSG_DONTWAIT)), close(s[1]);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	int e = must(epoll_create1(0)), l = must(socket(AF_INET, SOCK_STREAM, 0)), p[2];
	must(pipe(p)), must(epoll_ctl(e, EPOLL_CTL_ADD, p[0], &(struct epoll_event){EPOLLIN})), must(listen(l, 1)), fds[0] = e, fds[1] = l, fds[2] = p[1], GIVE(4, 0, RIGHTS(3)), take("an epoll, a listener, a pipe", 256, 0), must(write(got[2], "x", 1)), show(epoll_wait(got[0], &(struct epoll_event){0}, 1, 0)), show(listen(got[1], 5)), must(fcntl(got[2], F_SETFL, O_NONBLOCK)), fact("flags are shared: %d", !!(fcntl(p[1], F_GETFL) & O_NONBLOCK)), drop();
	int w = must(open("/proc/self/exe", O_PATH));
	fds[0] = w, GIVE(4, 0, RIGHTS(1)), take("O_PATH", 256, 0), show(read(got[0], b, 1)), drop();
	quiet(spawn(must(setgid(1000)); must(setuid(1000)); u = (struct ucred){getpid(), 0, 1000}; GIVE(4, 0, CREDS); u.uid = 1000; GIVE(4, 0, CREDS); u.pid = 1; GIVE(4, 0, CREDS)));
	return 0;
}
