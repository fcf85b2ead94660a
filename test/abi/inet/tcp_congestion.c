// Congestion control: the names there are, the default of a network namespace, what is chosen for a socket and inherited,
// TCP_CC_INFO, SO_MAX_PACING_RATE, and that the bits of ECN are not the application's.
#include "net.h"
#include <sched.h>

#define DIR "/proc/sys/net/ipv4/"
static long put(const char *file, const char *value) {
	int f = must(open(file, O_WRONLY));
	long n = write(f, value, strlen(value));
	close(f);
	return n;
}
static const char *text(const char *file) {
	static char b[256];
	int f = must(open(file, O_RDONLY)), n = must(read(f, b, sizeof b - 1));
	close(f), b[n] = 0;
	return b;
}
static const char *chosen(int s) {
	static char name[16];
	socklen_t n = sizeof name;
	must(getsockopt(s, SOL_TCP, TCP_CONGESTION, name, &n));
	return name;
}
static unsigned long pacing(int s, socklen_t n) {
	unsigned long v = 0;
	socklen_t got = n;
	must(getsockopt(s, SOL_SOCKET, SO_MAX_PACING_RATE, &v, &got));
	return got == n ? v : 0;
}
static int info(int s, void *b, socklen_t n) { return getsockopt(s, SOL_TCP, TCP_CC_INFO, b, &n) ? -1 : (int)n; }
static unsigned long most(int s) { // tcpi_max_pacing_rate
	unsigned long b[32];
	socklen_t n = sizeof b;
	must(getsockopt(s, SOL_TCP, TCP_INFO, b, &n));
	return b[14];
}

static int agreed(int s) { // tcpi_options
	unsigned char b[32];
	socklen_t n = sizeof b;
	must(getsockopt(s, SOL_TCP, TCP_INFO, b, &n));
	return b[5];
}

int main(void) {
	must(unshare(CLONE_NEWNET));
	struct { char name[16]; short flags; char pad[40]; } up = {"lo", 1, ""};
	int s = must(socket(AF_INET, SOCK_STREAM, 0)), six = must(socket(AF_INET6, SOCK_STREAM, 0)), c, d;
	must(ioctl(s, SIOCSIFFLAGS, &up));
	for (int i = 0; i < 3; i++)
		fact("%s %d", ((char *[]){"reno", "cubic", "bbr"})[i], strstr(text(DIR "tcp_available_congestion_control"), ((char *[]){"reno", "cubic", "bbr"})[i]) != NULL);
	show(put(DIR "tcp_congestion_control", "nonsense")), show(put(DIR "tcp_congestion_control", "reno")), fact("%s", text(DIR "tcp_congestion_control"));
	show(put(DIR "tcp_ecn", "9")), show(put(DIR "tcp_ecn", "1")), fact("%s", text(DIR "tcp_ecn"));
	int l = must(socket(AF_INET, SOCK_STREAM, 0)), own = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in a = in4(LO, 0);
	fact("%s", chosen(l)), show(put(DIR "tcp_congestion_control", "bbr")), fact("%s %s", chosen(l), chosen(must(socket(AF_INET, SOCK_STREAM, 0))));
	must(bind(l, SA(a))), must(listen(l, 3)), conn(l, &c, &d), fact("%s %s", chosen(c), chosen(d));
	must(write(c, "x", 1)), until(d, POLLIN), fact("%x %x", agreed(c), agreed(d));
	char long_name[64] = "bbrbbrbbrbbrbbrbbr";
	show(setsockopt(own, SOL_TCP, TCP_CONGESTION, "bbr", 3)), show(setsockopt(own, SOL_TCP, TCP_CONGESTION, "bbr\0more", 8)), show(setsockopt(own, SOL_TCP, TCP_CONGESTION, "bb", 2)), show(setsockopt(own, SOL_TCP, TCP_CONGESTION, long_name, 18)), fact("%s", chosen(own));
	must(bind(own, SA(a))), must(listen(own, 3)), must(put(DIR "tcp_congestion_control", "reno")), conn(own, &c, &d), fact("%s %s", chosen(c), chosen(d));
	unsigned bbr[16] = {0};
	show(info(c, bbr, sizeof bbr)), show(info(d, bbr, sizeof bbr)), show(info(d, bbr, 8)), show(info(own, bbr, sizeof bbr)), show(setsockopt(c, SOL_TCP, TCP_CONGESTION, "cubic", 5)), fact("%s", chosen(c)), must(write(c, "x", 1)), show(read(d, bbr, 9));
	fact("%lx %lx %lx", pacing(c, 8), pacing(c, 4), most(c));
	unsigned long v = 5000000;
	show(setsockopt(c, SOL_SOCKET, SO_MAX_PACING_RATE, &v, 8)), fact("%lu %lu %lu", pacing(c, 8), pacing(c, 4), most(c)), v = 4000000, show(setsockopt(c, SOL_SOCKET, SO_MAX_PACING_RATE, &v, 4)), fact("%lu", pacing(c, 8)), v = ~0ul, show(setsockopt(c, SOL_SOCKET, SO_MAX_PACING_RATE, &v, 4)), fact("%lx", pacing(c, 8)), show(setsockopt(c, SOL_SOCKET, SO_MAX_PACING_RATE, &v, 2));
	for (const int *w = (int[]){0, 1, 2, 3, 0x13, 0xff, -1, 99}; *w != 99; w++)
		show(set(s, SOL_IP, IP_TOS, *w)), fact("%x", opt(s, SOL_IP, IP_TOS)), show(set(six, SOL_IPV6, IPV6_TCLASS, *w)), fact("%x", opt(six, SOL_IPV6, IPV6_TCLASS));
	return 0;
}
