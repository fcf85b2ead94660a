// One socket by many descriptors: what copies and children share, close in one and shutdown for all, O_NONBLOCK, O_CLOEXEC, readers that race.
#include "net.h"
#include <sys/uio.h>

int main(void) {
	signal(SIGPIPE, SIG_IGN);
	int l = listener(9), c, d, v;
	char b[64];
	conn(l, &c, &d);
	int e = must(dup(c)), f = must(fcntl(c, F_DUPFD_CLOEXEC, 50));
	must(fcntl(c, F_SETFL, O_NONBLOCK)), fact("nonblock: %d %d, cloexec %d %d %d", !!(fcntl(e, F_GETFL) & O_NONBLOCK), !!(fcntl(f, F_GETFL) & O_NONBLOCK), fcntl(c, F_GETFD), fcntl(e, F_GETFD), fcntl(f, F_GETFD));
	v = 0, must(ioctl(e, FIONBIO, &v)), fact("by FIONBIO: %d %d", !!(fcntl(c, F_GETFL) & O_NONBLOCK), !!(fcntl(d, F_GETFL) & O_NONBLOCK)), must(ioctl(c, FIOCLEX)), fact("FIOCLEX: %d %d", fcntl(c, F_GETFD), fcntl(e, F_GETFD));
	must(set(c, SOL_SOCKET, SO_KEEPALIVE, 1)), fact("options are the socket's: %d", opt(f, SOL_SOCKET, SO_KEEPALIVE)), must(close(c)), must(close(f)), show(write(e, "still", 5)), show(read(d, b, 64));
	pid_t p = spawn(must(close(d)); must(write(e, "child", 5)); must(shutdown(e, SHUT_WR)));
	quiet(p), show(read(d, b, 64)), show(read(d, b, 64)), show(write(e, "x", 1)), show(write(d, "back", 4)), show(read(e, b, 64));
	must(close(e)), until(d, POLLHUP | POLLRDHUP), events("the last copy closed", d), must(close(d));

	conn(l, &c, &d), p = spawn(must(close(d)); gate_pass(gate_new())), asleep(p);
	must(close(c)), usleep(2000), events("a child still has it", d), must(kill(p, SIGKILL)), must(waitpid(p, &v, 0)), until(d, POLLRDHUP), events("the child died", d), show(read(d, b, 64)), must(close(d));

	conn(l, &c, &d); // a close does not wake who reads, a shutdown does
	struct gate g = gate_new();
	p = spawn(must(close(c)); gate_open(g); fact("the child reads %zd", read(d, b, 64)));
	gate_pass(g), asleep(p), must(close(d)), usleep(2000), fact("asleep still: %c", state(p)), must(write(c, "data", 4)), quiet(p), must(close(c));
	conn(l, &c, &d), p = spawn(must(close(c)); gate_open(g); fact("the child reads %zd", read(d, b, 64))), gate_pass(g), asleep(p), must(shutdown(d, SHUT_RD)), quiet(p), must(close(c)), must(close(d));
	struct sockaddr_in a = in4(LO, port(l));
	p = spawn(gate_open(g); ok(accept(l, NULL, NULL))), gate_pass(g), asleep(p), must(connect(c = must(socket(AF_INET, SOCK_STREAM, 0)), SA(a))), quiet(p), close(c);

	conn(l, &c, &d); // four children read what is written: each byte comes once
	int sum[2];
	must(pipe(sum));
	for (int i = 0; i < 4; i++)
		spawn(close(c); long n = 0; long k; while ((k = read(d, b, 7)) > 0) n += k; must(write(sum[1], &n, sizeof n)));
	close(d);
	static char big[100000];
	for (unsigned done = 0; done < sizeof big;) done += must(write(c, big + done, sizeof big - done));
	must(close(c));
	long all = 0, one;
	for (int i = 0; i < 4; i++) must(read(sum[0], &one, sizeof one)), all += one;
	while (wait(NULL) > 0) ;
	fact("four readers: %ld bytes", all);

	conn(l, &c, &d); // four writers, each record whole if it is small
	for (int i = 0; i < 4; i++)
		spawn(char r[16]; memset(r, 'a' + i, 16); for (int k = 0; k < 200; k++) must(send(c, r, 16, 0)); exit(0));
	must(close(c));
	int whole = 1, records = 0;
	while (recv(d, b, 16, MSG_WAITALL) == 16) records++, whole &= b[0] == b[15];
	while (wait(NULL) > 0) ;
	fact("four writers: %d records, whole %d", records, whole), must(close(d));

	// Children accept by turns.
	struct gate done = gate_new();
	pid_t kids[3];
	for (int i = 0; i < 3; i++)
		kids[i] = spawn(for (;;) { int s = must(accept(l, NULL, NULL)); must(write(s, "ok", 2)); close(s); gate_open(done); });
	for (int i = 0; i < 30; i++) c = must(socket(AF_INET, SOCK_STREAM, 0)), must(connect(c, SA(a))), v = must(recv(c, b, 64, MSG_WAITALL)), must(v == 2 ? 0 : -1), close(c), gate_pass(done);
	for (int i = 0; i < 3; i++) kill(kids[i], SIGKILL);
	while (wait(NULL) > 0) ;
	fact("thirty were answered"), must(fcntl(l, F_SETFL, O_NONBLOCK)), show(accept(l, NULL, NULL));
	struct stat st, st2;
	must(fstat(l, &st)), e = dup(l), must(fstat(e, &st2)), fact("a socket %d, the same inode %d, size %ld, links %d, mode %o", S_ISSOCK(st.st_mode), st.st_ino == st2.st_ino, (long)st.st_size, (int)st.st_nlink, st.st_mode & 07777), ok(lseek(l, 0, SEEK_SET)), ok(pread(l, b, 1, 0)), ok(ftruncate(l, 0)), ok(fsync(l)), ok(fchmod(l, 0600)), must(fstat(l, &st)), fact("mode %o", st.st_mode & 07777);
	snprintf(b, sizeof b, "/proc/self/fd/%d", l), ok(open(b, O_RDWR));
	return 0;
}
