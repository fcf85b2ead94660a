// SCM_RIGHTS: descriptors in messages; cloexec, truncation, limits, peek, several, kept when closed, in flight.
#include "../oracle.h"
#include <sys/socket.h>
static int s[2];
static int send_(int n, const int *fds, int bytes) {
	char control[CMSG_SPACE(300 * sizeof(int))] = {0};
	struct iovec v = {"x", bytes};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	return sendmsg(s[0], &m, MSG_DONTWAIT);
}
static int got[300];
static void receive(const char *what, int room, int flags) {
	char control[CMSG_SPACE(300 * sizeof(int))], b[8];
	struct iovec v = {b, 8};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
	int n = recvmsg(s[1], &m, flags | MSG_DONTWAIT);
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);
	int fds = c ? (c->cmsg_len - CMSG_LEN(0)) / 4 : 0;
	if (fds)
		memcpy(got, CMSG_DATA(c), fds * 4);
	fact("%s: %s%d bytes, %d descriptors, control %zu, flags%s%s", what, n < 0 ? ename(errno) : "", n, fds, n < 0 ? 0 : m.msg_controllen, m.msg_flags & MSG_CTRUNC ? " CTRUNC" : "", m.msg_flags & MSG_CMSG_CLOEXEC ? " CLOEXEC" : "");
}
#define ROOM(n) CMSG_SPACE((n) * 4)

int main(void) {
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	make("f", "contents");
	int fd = must(open("f", O_RDONLY)), three[3] = {fd, 0, 1}, bad[2] = {fd, 999};
	char b[16] = {0};
	show(send_(1, &fd, 1));
	must(close(fd)); // lives in the message
	receive("one", ROOM(1), 0);
	show(read(got[0], b, 16));
	fact("%s, cloexec %d", b, fcntl(got[0], F_GETFD));
	three[0] = fd = got[0];
	must(send_(1, &fd, 1));
	receive("cloexec", ROOM(1), MSG_CMSG_CLOEXEC);
	fact("cloexec %d, shared position %ld", fcntl(got[0], F_GETFD), (long)lseek(got[0], 0, SEEK_CUR));
	show(send_(2, bad, 1));
	must(send_(3, three, 1));
	receive("room for two", ROOM(2), 0);
	must(send_(3, three, 1));
	receive("no room", 0, 0);
	must(send_(3, three, 1));
	receive("room for half", CMSG_LEN(2), 0);
	must(send_(2, three, 1));
	receive("peek", ROOM(3), MSG_PEEK);
	receive("then", ROOM(3), 0);
	must(send_(1, three, 1)), must(write(s[0], "plain", 5)), must(send_(2, three, 1));
	receive("not merged over descriptors", ROOM(3), 0);
	receive("plain bytes after", ROOM(3), 0);
	receive("the next", ROOM(3), 0);
	must(send_(1, three, 1));
	show(read(s[1], b, 16)); // descriptors are dropped
	receive("nothing left", ROOM(3), 0);
	show(send_(1, three, 0)); // a stream needs a byte
	receive("none", ROOM(1), 0);
	int many[300];
	for (int i = 0; i < 300; i++)
		many[i] = fd;
	show(send_(253, many, 1));
	show(send_(254, many, 1));
	receive("253", sizeof many + 64, 0);
	struct rlimit l;
	must(getrlimit(RLIMIT_NOFILE, &l));
	must(send_(3, three, 1));
	int next = dup(0);
	close(next);
	l.rlim_cur = next + 1; // room for one
	must(setrlimit(RLIMIT_NOFILE, &l));
	receive("table almost full", ROOM(3), 0);
	return 0;
}
