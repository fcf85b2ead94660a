// TCP Fast Open: the options and their limits, MSG_FASTOPEN without and with a cookie, TCP_FASTOPEN_CONNECT, keys.
#include "net.h"
#include <sched.h>

#ifndef TCP_FASTOPEN_KEY
#define TCP_FASTOPEN_KEY 33
#endif
#define DIR "/proc/sys/net/ipv4/"
static long put(const char *file, const char *value) {
	int f = must(open(file, O_WRONLY));
	long n = write(f, value, strlen(value));
	close(f);
	return n;
}
static int with_data(int s) { // TCPI_OPT_SYN_DATA
	unsigned char b[32];
	socklen_t n = sizeof b;
	must(getsockopt(s, SOL_TCP, TCP_INFO, b, &n));
	return !!(b[5] & 32);
}
// counter is one of TcpExt in /proc/net/netstat.
static long counter(const char *name) {
	char names[8192], counts[8192], *n, *c, *a, *b;
	FILE *f = fopen("/proc/net/netstat", "r");
	must(f && fgets(names, sizeof names, f) && fgets(counts, sizeof counts, f) ? 0 : -1), fclose(f);
	for (n = strtok_r(names, " \n", &a), c = strtok_r(counts, " \n", &b); n && c; n = strtok_r(NULL, " \n", &a), c = strtok_r(NULL, " \n", &b))
		if (!strcmp(n, name)) return atol(c);
	return -1;
}
static struct sockaddr_in to;
static int l;
// come accepts and prints what has come.
static void come(int c) {
	char b[100] = "";
	until(l, POLLIN);
	int d = must(accept(l, NULL, NULL)), n;
	until(d, POLLIN), n = must(read(d, b, sizeof b - 1)), fact("%d %s, data in the SYN: %d %d", n, b, with_data(c), with_data(d));
	must(write(d, "answer", 6)), until(c, POLLIN), show(read(c, b, 99)), close(d), close(c);
}
static int tcp(int flags) { return must(socket(AF_INET, SOCK_STREAM | flags, 0)); }
static long fast(int s, const char *data, int flags) { return sendto(s, data, strlen(data), MSG_FASTOPEN | flags, SA(to)); }

int main(void) {
	must(unshare(CLONE_NEWNET));
	struct { char name[16]; short flags; char pad[40]; } up = {"lo", 1, ""};
	int s = tcp(0);
	must(ioctl(s, SIOCSIFFLAGS, &up));
	for (const int *w = (int[]){-1, 0, 1, 5, 100000, 99}; *w != 99; w++)
		fact("%d: FASTOPEN %d %d", *w, err(set(s, SOL_TCP, TCP_FASTOPEN, *w)), opt(s, SOL_TCP, TCP_FASTOPEN)), fact("%d: CONNECT %d %d, NO_COOKIE %d", *w, err(set(s, SOL_TCP, TCP_FASTOPEN_CONNECT, *w)), opt(s, SOL_TCP, TCP_FASTOPEN_CONNECT), err(set(s, SOL_TCP, TCP_FASTOPEN_NO_COOKIE, *w)));
	l = listener(5), to = in4(LO, port(l));
	int c = tcp(SOCK_NONBLOCK);
	show(fast(c, "a", 0)), until(c, POLLOUT), show(fast(c, "a", 0)), show(send(c, "plain", 5, 0)), come(c);
	show(sendto(tcp(0), "x", 1, MSG_FASTOPEN, NULL, 0)), show(sendto(tcp(0), "x", 1, MSG_FASTOPEN, &(struct sockaddr){AF_UNSPEC, ""}, sizeof to)), show(sendto(tcp(0), "x", 1, MSG_FASTOPEN, (struct sockaddr *)&to, 3));
	show(put(DIR "tcp_fastopen", "0")), show(fast(tcp(0), "x", 0)), show(set(tcp(0), SOL_TCP, TCP_FASTOPEN_CONNECT, 1)), show(put(DIR "tcp_fastopen", "3"));
	must(set(l, SOL_TCP, TCP_FASTOPEN, 5));
	c = tcp(0), show(fast(c, "asks for a cookie", 0)), come(c);
	c = tcp(0), show(fast(c, "has one", 0)), come(c);
	c = tcp(SOCK_NONBLOCK), show(fast(c, "does not wait", 0)), come(c);
	c = tcp(SOCK_NONBLOCK), show(set(c, SOL_TCP, TCP_FASTOPEN_CONNECT, 1)), show(connect(c, SA(to))), events("before", c), show(connect(c, SA(to))), show(set(c, SOL_TCP, TCP_FASTOPEN_CONNECT, 1));
	show(write(c, "with the first write", 20)), come(c);
	must(set(l, SOL_TCP, TCP_FASTOPEN, 0)), c = tcp(0), show(fast(c, "not wanted", 0)), come(c);
	must(set(l, SOL_TCP, TCP_FASTOPEN, 5));
	char key[40] = "0123456789abcdef0123456789abcdef", got[64];
	socklen_t n = sizeof got;
	show(setsockopt(l, SOL_TCP, TCP_FASTOPEN_KEY, key, 16)), show(setsockopt(l, SOL_TCP, TCP_FASTOPEN_KEY, key, 15)), show(setsockopt(l, SOL_TCP, TCP_FASTOPEN_KEY, key, 32));
	show(getsockopt(l, SOL_TCP, TCP_FASTOPEN_KEY, got, &n)), fact("%u %d", n, memcmp(key, got, n)), n = 7, show(getsockopt(l, SOL_TCP, TCP_FASTOPEN_KEY, got, &n)), show(n);
	c = tcp(0), show(fast(c, "an old cookie", 0)), come(c), c = tcp(0), show(fast(c, "a new one", 0)), come(c);
	c = tcp(0), to.sin_port = htons(1), show(fast(c, "nobody", 0)), show(opt(c, SOL_SOCKET, SO_ERROR));
	show(put(DIR "tcp_fastopen_key", "nonsense")), show(put(DIR "tcp_fastopen_key", "00000001-00000002-00000003-00000004"));
	const char *counted[] = {"TCPFastOpenActive", "TCPFastOpenPassive", "TCPFastOpenActiveFail", "TCPFastOpenPassiveFail", "TCPFastOpenListenOverflow", "TCPFastOpenCookieReqd"};
	for (unsigned i = 0; i < 6; i++) fact("%s %ld", counted[i], counter(counted[i]));
	return 0;
}
