// What SIGIO and SIGURG tell of a stream: data, room, the end of one direction and of both, a peer that is closed, urgent data; with and without a number of one's own.
#include "../oracle.h"
#include <sys/socket.h>
static int s[2], got[8][2], count;
static void note(int sig, siginfo_t *i, void *c) { (void)c; if (count < 8) got[count][0] = sig, got[count++][1] = i->si_code; }
static void told(const char *what) {
	char line[200] = "";
	for (int i = 0; i < count; i++) {
		int c = got[i][1];
		snprintf(line + strlen(line), sizeof line - strlen(line), " %s %s", got[i][0] == SIGURG ? "SIGURG" : got[i][0] == SIGIO ? "SIGIO" : "own", c == POLL_IN ? "in" : c == POLL_OUT ? "out" : c == POLL_HUP ? "hup" : c == POLL_PRI ? "pri" : c == POLL_ERR ? "err" : c == SI_KERNEL ? "kernel" : c == SI_SIGIO ? "sigio" : "?");
	}
	fact("%s:%s", what, line), count = 0;
}
static void fresh(int type, int sig) {
	if (s[0]) close(s[0]), close(s[1]);
	must(socketpair(AF_UNIX, type, 0, s)), must(fcntl(s[1], F_SETOWN, getpid())), must(fcntl(s[1], F_SETSIG, sig)), must(fcntl(s[1], F_SETFL, O_ASYNC | O_NONBLOCK)), count = 0;
}

int main(void) {
	struct sigaction a = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	char b[16];
	signal(SIGPIPE, SIG_IGN), sigaction(SIGIO, &a, NULL), sigaction(SIGURG, &a, NULL), sigaction(SIGRTMIN + 1, &a, NULL);
	for (int sig = 0; sig < 2; sig++) {
		int own = sig ? SIGRTMIN + 1 : 0;
		fact("== %s", sig ? "a number of one's own" : "SIGIO");
		fresh(SOCK_STREAM, own), must(send(s[0], "abc", 3, 0)), told("data"), must(recv(s[1], b, 16, 0)), told("read"), must(close(s[0])), told("closed"), s[0] = 0, close(s[1]);
		fresh(SOCK_STREAM, own), must(shutdown(s[0], SHUT_WR)), told("no more comes"), must(shutdown(s[0], SHUT_RD)), told("nothing is taken"), fresh(SOCK_STREAM, own), must(shutdown(s[0], SHUT_RDWR)), told("both at once");
		fresh(SOCK_STREAM, own), must(shutdown(s[1], SHUT_RDWR)), told("by itself"), fresh(SOCK_STREAM, own), must(shutdown(s[0], SHUT_RD)), told("no more is taken"), must(close(s[0])), told("then closed"), s[0] = 0, close(s[1]);
		fresh(SOCK_STREAM, own), must(send(s[1], "abc", 3, 0)), must(close(s[0])), told("closed with something unread"), s[0] = 0, close(s[1]);
		fresh(SOCK_SEQPACKET, own), must(send(s[0], "abc", 3, 0)), told("packets: data"), must(close(s[0])), told("packets: closed"), s[0] = 0, close(s[1]);
		fresh(SOCK_DGRAM, own), must(send(s[0], "abc", 3, 0)), told("datagrams: data"), must(close(s[0])), told("datagrams: closed"), s[0] = 0, close(s[1]);
		fresh(SOCK_STREAM, own), must(send(s[0], "abc", 3, MSG_OOB));
		int urgent = 0;
		for (int i = 0; i < count; i++) urgent += got[i][0] == SIGURG;
		fact("urgent: %d", urgent), count = 0, must(recv(s[1], b, 16, MSG_OOB)), told("urgent, read");
	}
	return 0;
}
