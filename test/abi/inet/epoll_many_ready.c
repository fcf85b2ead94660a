// epoll(7) when more sockets are ready than one call need report: every one is told of, edges once, and none has to wait for others that are
// told of again and again.
#include "net.h"

#define N 50
#define SIZE 1500
static int in[N], out[N];
static char b[2 * SIZE];

// serve asks until everybody was told of once, as many times as n sockets can need, and reads of those that take says.
static void serve(const char *what, int ep, int take) {
	int seen[N] = {0}, all = 0, twice = 0, bad = 0;
	for (int calls = 0; all < N && calls < 10 * N; calls++) {
		struct epoll_event ev[N];
		int n = must(epoll_wait(ep, ev, N, 5000));
		for (int i = 0; i < n; i++) {
			int k = ev[i].data.u32;
			all += !seen[k]++;
			twice += seen[k] > 1;
			if (!take || seen[k] > 1) continue;
			bad += read(in[k], b, sizeof b) != SIZE || b[0] != 'a' + k % 26 || b[SIZE - 1] != b[0];
			bad += write(in[k], b, 10) != 10;
			if (take == 2) bad += read(in[k], b, sizeof b) != -1 || errno != EAGAIN;
		}
	}
	fact("%s: %d of %d, %s, %d wrong", what, all, N, take && twice ? "some again" : "well", bad);
	for (int i = 0; take && i < N; i++)
		if (read(out[i], b, sizeof b) != 10) fact("no answer on %d", i);
}

static void send_all(void) {
	for (int i = 0; i < N; i++) {
		memset(b, 'a' + i % 26, SIZE);
		must(write(out[i], b, SIZE) == SIZE ? 0 : -1);
	}
}

int main(void) {
	int l = listener(N), ep = must(epoll_create1(0));
	for (int i = 0; i < N; i++) {
		conn(l, &out[i], &in[i]);
		must(fcntl(in[i], F_SETFL, O_NONBLOCK));
		struct epoll_event ev = {.events = EPOLLIN, .data.u32 = i};
		must(epoll_ctl(ep, EPOLL_CTL_ADD, in[i], &ev));
	}
	send_all();
	serve("levels that stay", ep, 0);
	serve("levels", ep, 1);
	struct epoll_event ev[N];
	fact("then %d", epoll_wait(ep, ev, N, 0));
	for (int i = 0; i < N; i++) {
		struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u32 = i};
		must(epoll_ctl(ep, EPOLL_CTL_MOD, in[i], &ev));
	}
	for (int round = 0; round < 3; round++) send_all(), serve("edges", ep, 2);
	fact("then %d", epoll_wait(ep, ev, N, 0));
	for (int i = 0; i < N; i++) {
		struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = i};
		must(epoll_ctl(ep, EPOLL_CTL_MOD, in[i], &ev));
	}
	send_all();
	serve("once", ep, 1);
	send_all();
	fact("then %d", epoll_wait(ep, ev, N, 0));
	return 0;
}
