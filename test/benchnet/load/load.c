// load serves and makes the small exchanges of the network bench.
//
//   load serve                          echo at TCP 7001, count at UDP 7002, one byte a connection at TCP 7003
//   load rr IP SECONDS                  round trips of 64 bytes over one connection: microseconds each
//   load udp IP SECONDS                 datagrams of 64 bytes that arrived, a second
//   load crr IP SECONDS [COUNT]         connections opened, answered and closed, a second; or exactly COUNT
//   load hold IP COUNT                  opens COUNT connections, holds them until its input ends, and looks whether each works
//   load flood IP COUNT                 sends COUNT SYNs to TCP 7001 from addresses that do not answer
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what) {
	perror(what);
	exit(1);
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static struct sockaddr_in at(const char *ip, int port) {
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
	inet_pton(AF_INET, ip, &a.sin_addr);
	return a;
}

static int listener(int port) {
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	struct sockaddr_in a = at("0.0.0.0", port);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(s, (void *)&a, sizeof a) || listen(s, 4096)) die("listen");
	return s;
}

// echo gives every connection back what it sends, all in one thread.
static void *echo(void *arg) {
	int l = listener(7001), e = epoll_create1(0), one = 1;
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = l}, got[64];
	char b[4096];
	epoll_ctl(e, EPOLL_CTL_ADD, l, &ev);
	for (;;) {
		int n = epoll_wait(e, got, 64, -1);
		for (int i = 0; i < n; i++) {
			int fd = got[i].data.fd;
			if (fd == l) {
				if ((fd = accept4(l, 0, 0, SOCK_NONBLOCK)) < 0) continue;
				setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
				ev = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
				epoll_ctl(e, EPOLL_CTL_ADD, fd, &ev);
				continue;
			}
			ssize_t k = read(fd, b, sizeof b);
			if (k <= 0 || write(fd, b, k) != k) close(fd);
		}
	}
	return arg;
}

// count counts datagrams; one of one byte asks how many there were, and begins anew.
static void *count(void *arg) {
	int s = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;
	struct sockaddr_in a = at("0.0.0.0", 7002);
	setsockopt(s, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (bind(s, (void *)&a, sizeof a)) die("bind");
	for (long seen = 0;;) {
		char b[2048];
		socklen_t len = sizeof a;
		ssize_t n = recvfrom(s, b, sizeof b, 0, (void *)&a, &len);
		if (n != 1) {
			seen += n > 0;
			continue;
		}
		n = snprintf(b, sizeof b, "%ld", seen);
		sendto(s, b, n, 0, (void *)&a, len);
		seen = 0;
	}
	return arg;
}

static void *brief(void *arg) {
	for (int l = listener(7003), fd;;) {
		if ((fd = accept(l, 0, 0)) < 0) continue;
		char b;
		if (read(fd, &b, 1) == 1 && write(fd, &b, 1) != 1) perror("write");
		close(fd);
	}
	return arg;
}

static void serve(void) {
	struct rlimit r;
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	signal(SIGPIPE, SIG_IGN);
	pthread_t t;
	pthread_create(&t, 0, echo, 0);
	pthread_create(&t, 0, count, 0);
	pthread_create(&t, 0, brief, 0);
	for (;;) pause();
}

static int dial(const char *ip, int port) {
	struct sockaddr_in a = at(ip, port);
	int s = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	if (connect(s, (void *)&a, sizeof a)) return -1;
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return s;
}

static int rr(const char *ip, double seconds) {
	int s = dial(ip, 7001);
	char b[64] = {0};
	long n = 0;
	if (s < 0) die("connect");
	double begin = now();
	for (; now() - begin < seconds; n++) {
		if (write(s, b, sizeof b) != sizeof b) die("write");
		for (size_t have = 0; have < sizeof b;) {
			ssize_t k = read(s, b + have, sizeof b - have);
			if (k <= 0) die("read");
			have += k;
		}
	}
	printf("%.3f\n", (now() - begin) / n * 1e6);
	return 0;
}

static int udp(const char *ip, double seconds) {
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in a = at(ip, 7002);
	struct timeval tv = {1, 0};
	char b[64] = {0};
	setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	connect(s, (void *)&a, sizeof a);
	send(s, b, 1, 0);
	recv(s, b, sizeof b, 0);
	double begin = now(), took;
	while ((took = now() - begin) < seconds)
		for (int i = 0; i < 64; i++) send(s, b, sizeof b, 0);
	usleep(300000);
	for (int i = 0; i < 5; i++) {
		memset(b, 0, sizeof b);
		send(s, b, 1, 0);
		if (recv(s, b, sizeof b - 1, 0) > 0) {
			printf("%.0f\n", atol(b) / took);
			return 0;
		}
	}
	fprintf(stderr, "no answer\n");
	return 1;
}

// crr opens connections one after the other, four at a time.
static int crr(const char *ip, double seconds, long most) {
	double begin = now();
	for (int i = 0; i < 4; i++) {
		if (fork()) continue;
		long n = 0, failed = 0;
		while (most ? n < most / 4 : now() - begin < seconds) {
			char b = 1;
			int s = dial(ip, 7003);
			if (s >= 0 && write(s, &b, 1) == 1 && read(s, &b, 1) == 1 && read(s, &b, 1) == 0) n++;
			else if (++failed > 1000) die("connection");
			if (s < 0) continue;
			close(s);
		}
		FILE *f = fdopen(3, "w");
		fprintf(f, "%ld\n", n);
		exit(0);
	}
	int status, bad = 0;
	while (wait(&status) > 0) bad |= status;
	return bad != 0;
}

static int hold(const char *ip, int n) {
	struct rlimit r;
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
	int *all = calloc(n, sizeof *all);
	char b = 1;
	for (int i = 0; i < n; i++)
		if ((all[i] = dial(ip, 7001)) < 0 || write(all[i], &b, 1) != 1 || read(all[i], &b, 1) != 1) die("connect");
	printf("%d\n", n);
	fflush(stdout);
	while (getchar() >= 0) {
	}
	int works = 0;
	for (int i = 0; i < n; i++) works += write(all[i], &b, 1) == 1 && read(all[i], &b, 1) == 1;
	printf("%d\n", works);
	return works != n;
}

static unsigned sum(const void *p, int n, unsigned s) {
	for (const unsigned char *b = p; n > 0; n -= 2, b += 2) s += b[0] << 8 | b[1];
	return s;
}

static int flood(const char *ip, int n) {
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} p = {.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP, .tot_len = htons(sizeof p)},
		.tcp = {.syn = 1, .doff = 5, .dest = htons(7001), .window = htons(65535)}};
	struct sockaddr_in a = at(ip, 0);
	int s = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	if (s < 0) die("socket");
	for (int i = 0; i < n; i++) {
		p.ip.saddr = htonl(0x0a000000 | i % 65521), p.ip.daddr = a.sin_addr.s_addr;
		p.tcp.source = htons(1024 + i % 60000), p.tcp.seq = htonl(i * 2654435761u), p.tcp.check = 0;
		unsigned c = sum(&p.ip.saddr, 8, sum(&p.tcp, sizeof p.tcp, IPPROTO_TCP + sizeof p.tcp));
		c = (c & 0xffff) + (c >> 16);
		p.tcp.check = htons(~(c + (c >> 16)));
		if (sendto(s, &p, sizeof p, 0, (void *)&a, sizeof a) < 0 && errno != ENOBUFS) die("sendto");
	}
	return 0;
}

int main(int argc, char **argv) {
	if (argc == 2 && !strcmp(argv[1], "serve")) serve();
	if (argc < 4) return 2;
	double seconds = atof(argv[3]);
	if (!strcmp(argv[1], "rr")) return rr(argv[2], seconds);
	if (!strcmp(argv[1], "udp")) return udp(argv[2], seconds);
	if (!strcmp(argv[1], "hold")) return hold(argv[2], atoi(argv[3]));
	if (!strcmp(argv[1], "flood")) return flood(argv[2], atoi(argv[3]));
	if (strcmp(argv[1], "crr")) return 2;
	int p[2];
	char b[64];
	long sum = 0;
	if (pipe(p)) die("pipe");
	if (p[0] == 3) p[0] = dup(3);
	dup2(p[1], 3);
	double begin = now();
	int bad = crr(argv[2], seconds, argc > 4 ? atol(argv[4]) : 0);
	double took = now() - begin;
	if (p[1] != 3) close(p[1]);
	close(3);
	FILE *f = fdopen(p[0], "r");
	while (fgets(b, sizeof b, f)) sum += atol(b);
	printf("%.0f\n", sum / took);
	return bad;
}
