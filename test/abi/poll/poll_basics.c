// poll(2): invalid descriptors, negative ones, always-on events, files, bounds.
#include "../oracle.h"
#include <poll.h>
#include <sys/socket.h>
static const char *names(int r) {
	static char text[128];
	static const struct { int bit; const char *name; } all[] = {{POLLIN, "IN "}, {POLLPRI, "PRI "}, {POLLOUT, "OUT "}, {POLLERR, "ERR "}, {POLLHUP, "HUP "}, {POLLNVAL, "NVAL "}, {POLLRDNORM, "RDNORM "}, {POLLRDBAND, "RDBAND "}, {POLLWRNORM, "WRNORM "}, {POLLWRBAND, "WRBAND "}, {POLLRDHUP, "RDHUP "}};
	text[0] = 0;
	for (unsigned i = 0; i < COUNT(all); i++)
		if (r & all[i].bit)
			strcat(text, all[i].name);
	return text;
}
static void look(const char *what, int fd) {
	struct pollfd p = {fd, -1};
	int n = poll(&p, 1, 0);
	fact("%s: %d %s", what, n, names(p.revents));
}

int main(void) {
	int p[2], s[2];
	look("negative", -5);
	look("closed", 999);
	make("f", "x");
	look("file", must(open("f", O_RDONLY)));
	look("directory", must(open(".", O_RDONLY)));
	look("path", must(open("f", O_PATH)));
	look("/dev/null", must(open("/dev/null", O_RDWR)));
	look("/dev/zero", must(open("/dev/zero", O_RDWR)));
	must(pipe(p));
	look("read end, empty", p[0]), look("write end", p[1]);
	must(write(p[1], "x", 1));
	look("read end, data", p[0]);
	must(close(p[1]));
	look("read end, data and no writer", p[0]);
	must(read(p[0], s, 1));
	look("read end, no writer", p[0]);
	must(pipe(p)), must(close(p[0]));
	look("write end, no reader", p[1]);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	look("socket", s[0]);
	must(write(s[1], "x", 1));
	look("socket, data", s[0]);
	must(shutdown(s[1], SHUT_WR));
	look("socket, peer shut down", s[0]);
	must(close(s[1]));
	look("socket, peer closed", s[0]);
	look("unconnected stream socket", must(socket(AF_UNIX, SOCK_STREAM, 0)));
	look("unconnected datagram socket", must(socket(AF_UNIX, SOCK_DGRAM, 0)));
	struct pollfd many[3] = {{-1, POLLIN}, {999, 0}, {p[1], 0}};
	show(poll(many, 3, -1)); // 0 asks for nothing but errors
	fact("%s| %s| %s", names(many[0].revents), "NVAL", names(many[2].revents));
	many[0].fd = p[1], many[0].events = POLLIN, many[0].revents = 0x7f;
	show(poll(many, 1, 0));
	fact("%s", names(many[0].revents));
	show(poll((void *)8, 1, 0));
	show(poll(NULL, 0, 0));
	show(sys(SYS_poll, many, 5000, 0)); // over RLIMIT_NOFILE
	struct rlimit l = {2, 4096};
	must(setrlimit(RLIMIT_NOFILE, &l));
	show(sys(SYS_poll, many, 3, 0));
	return 0;
}
