// In which order sendfile(2) and its relatives look at their arguments.
#include "../oracle.h"
#include <sys/sendfile.h>
#include <sys/socket.h>

static const char *names[] = {"closed", "rdonly", "wronly", "rdwr", "append", "pipe r", "pipe w", "socket", "dir", "path"};
static int fds[10];

int main(void) {
	int p[2], s[2], fd = must(open("/tmp/sendfile_order", O_CREAT | O_TRUNC | O_RDWR, 0600));
	must(write(fd, "0123456789", 10)), close(fd);
	must(pipe2(p, O_NONBLOCK)), must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
	fds[0] = 1000;
	fds[1] = must(open("/tmp/sendfile_order", O_RDONLY)), fds[2] = must(open("/tmp/sendfile_order", O_WRONLY)), fds[3] = must(open("/tmp/sendfile_order", O_RDWR));
	fds[4] = must(open("/tmp/sendfile_order", O_RDWR | O_APPEND)), fds[5] = p[0], fds[6] = p[1], fds[7] = s[0], fds[8] = must(open("/tmp", O_RDONLY)), fds[9] = must(open("/tmp/sendfile_order", O_PATH));
	for (int o = 0; o < 10; o++)
		for (int i = 0; i < 10; i++)
			for (int k = 0; k < 5; k++) {
				off_t off = k == 1 ? 0 : k == 2 ? -1 : 2;
				size_t n = k == 3 ? 0 : 4;
				lseek(fds[i], 0, SEEK_SET), lseek(fds[o], 0, SEEK_SET);
				if (i == 5)
					n ? write(p[1], "abcd", 4) : 0;
				if (i == 7)
					write(s[1], "abcd", 4);
				long r = sendfile(fds[o], fds[i], k == 0 ? NULL : k == 4 ? (off_t *)8 : &off, n);
				fact("%s <- %s %s: %s %ld", names[o], names[i], (const char *[]){"", "at 0", "at -1", "none", "bad"}[k], r < 0 ? ename(errno) : "ok", r);
				char b[100];
				while (read(p[0], b, 100) > 0 || recv(s[0], b, 100, 0) > 0 || recv(s[1], b, 100, 0) > 0)
					;
			}
	unlink("/tmp/sendfile_order");
	return 0;
}
