// What TCP_INFO counts of a connection inside one host, TCP_MAXSEG, and the segments of /proc/net/snmp: all that does not
// depend on when something is acknowledged.
#include "net.h"

struct info { // glibc's struct tcp_info is shorter
	uint8_t state, bytes[7];
	uint32_t rto, ato, snd_mss, rcv_mss, unacked, sacked, lost, retrans, fackets, times[4], pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering, rcv_rtt, rcv_space, total_retrans;
	uint64_t pacing, max_pacing, bytes_acked, bytes_received;
	uint32_t segs_out, segs_in, notsent, min_rtt, data_segs_in, data_segs_out;
	uint64_t rate, busy, rwnd, sndbuf;
	uint32_t delivered, delivered_ce;
	uint64_t bytes_sent, bytes_retrans;
} t;

static void get(int s) {
	socklen_t n = sizeof t;
	must(getsockopt(s, SOL_TCP, TCP_INFO, &t, &n));
}

// counts prints what is certain when everything has been acknowledged.
static void counts(const char *what, int s) {
	for (get(s); t.unacked || t.notsent; get(s))
		usleep(1000);
	fact("%s: acked %lu received %lu sent %lu data out %u in %u delivered %u", what, t.bytes_acked, t.bytes_received, t.bytes_sent - t.bytes_retrans, t.data_segs_out - t.total_retrans, t.data_segs_in, t.delivered);
	fact(" others out %d in %d rcv_mss %u advmss %u pmtu %u ato %s", t.segs_out > t.data_segs_out, t.segs_in > t.data_segs_in, t.rcv_mss, t.advmss, t.pmtu, t.ato ? "some" : "none");
}

static void mss(const char *what, int s) {
	get(s);
	if (t.snd_mss > 10000) // half of a window that may have grown
		fact("%s: mss %d %s", what, t.snd_mss >= 32000, opt(s, SOL_TCP, TCP_MAXSEG) == t.snd_mss ? "as TCP_MAXSEG" : "not as TCP_MAXSEG");
	else
		fact("%s: mss %u %d", what, t.snd_mss, opt(s, SOL_TCP, TCP_MAXSEG));
}

static unsigned long snmp(int column) {
	char line[512];
	unsigned long v = 0;
	FILE *f = fopen("/proc/net/snmp", "r");
	for (int n = 0; fgets(line, sizeof line, f);)
		if (!strncmp(line, "Tcp:", 4) && n++) {
			char *p = line;
			for (int i = 0; i < column; i++)
				p = strchr(p + 1, ' ');
			v = strtoul(p, NULL, 10);
		}
	fclose(f);
	return v;
}

static char buf[20000];

static void talk(const char *what, int c, int d, int n) {
	fact("-- %s %d", what, n);
	must(write(c, buf, n));
	for (int got = 0; got < n;)
		got += must(read(d, buf, n));
	counts("c", c), counts("d", d), mss("c", c), mss("d", d);
	must(write(d, buf, n));
	for (int got = 0; got < n;)
		got += must(read(c, buf, n));
	counts("c", c), counts("d", d);
}

int main(void) {
	int l = listener(5), c, d;
	unsigned long in = snmp(10), out = snmp(11);
	conn(l, &c, &d);
	get(c), fact("c: segs out %u in %u", t.segs_out, t.segs_in), counts("c", c), mss("c", c);
	get(d), fact("d: segs out %u in %u", t.segs_out, t.segs_in), counts("d", d), mss("d", d);
	fact("snmp: in %lu out %lu", snmp(10) - in, snmp(11) - out);
	talk("short", c, d, 5), talk("longer", c, d, sizeof buf);
	fact("snmp: more in %d out %d", snmp(10) - in >= 9, snmp(11) - out >= 9);
	must(shutdown(c, SHUT_WR)), counts("end c", c), counts("end d", d);
	must(shutdown(d, SHUT_WR)), counts("end d c", c);
	close(c), close(d), get(l), fact("listener: cwnd %u reordering %u acked %lu mss %d", t.snd_cwnd, t.reordering, t.bytes_acked, opt(l, SOL_TCP, TCP_MAXSEG));
	c = must(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in a = in4(LO, port(l));
	must(set(c, SOL_TCP, TCP_MAXSEG, 1000)), mss("maxseg", c), must(connect(c, SA(a))), d = must(accept(l, NULL, NULL));
	mss("c", c), mss("d", d), talk("maxseg", c, d, 5000);
	must(set(c, SOL_TCP, TCP_MAXSEG, 500)), mss("less", c), must(set(c, SOL_TCP, TCP_MAXSEG, 2000)), mss("more", c);
	in = snmp(10), out = snmp(11), close(l), close(c), c = must(socket(AF_INET, SOCK_STREAM, 0)), show(connect(c, SA(a)));
	fact("refused: %d %d", snmp(10) - in >= 2, snmp(11) - out >= 2);
	return 0;
}
