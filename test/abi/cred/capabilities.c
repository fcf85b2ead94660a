// capget, capset: versions, what may be raised, bounding, inheritable, ambient sets.
#include "../oracle.h"
#include <linux/capability.h>
struct header { uint32_t version; int pid; };
struct data { uint32_t e, p, i; };
static uint64_t eff, prm, inh;
static long get(void) {
	struct header h = {_LINUX_CAPABILITY_VERSION_3};
	struct data d[2];
	long r = sys(SYS_capget, &h, d);
	eff = d[0].e | (uint64_t)d[1].e << 32, prm = d[0].p | (uint64_t)d[1].p << 32, inh = d[0].i | (uint64_t)d[1].i << 32;
	return r;
}
static long set(uint64_t e, uint64_t p, uint64_t i) {
	struct header h = {_LINUX_CAPABILITY_VERSION_3};
	struct data d[2] = {{e, p, i}, {e >> 32, p >> 32, i >> 32}};
	return sys(SYS_capset, &h, d);
}
static void tell(void) {
	get();
	fact("  e %#lx p %#lx i %#lx", eff, prm, inh);
}
#define B(c) (1UL << (c))

int main(void) {
	struct header h = {0};
	struct data d[2];
	show(sys(SYS_capget, &h, d));
	fact("preferred version %#x", h.version);
	h = (struct header){_LINUX_CAPABILITY_VERSION_3, 999999}, show(sys(SYS_capget, &h, d)), h.pid = -1, show(sys(SYS_capget, &h, d)), show(sys(SYS_capget, 8, d)), h.version = 0, h.pid = 0, show(sys(SYS_capget, &h, NULL));
	h = (struct header){_LINUX_CAPABILITY_VERSION_1}, show(sys(SYS_capget, &h, d));
	h = (struct header){_LINUX_CAPABILITY_VERSION_3, getppid()}, show(sys(SYS_capset, &h, d)); // only oneself
	tell();
	yes(eff == prm && (prm & B(CAP_SYS_ADMIN)) && !(prm & B(CAP_SYS_RESOURCE)));
	uint64_t two = B(CAP_CHOWN) | B(CAP_NET_RAW);
	show(set(prm | B(CAP_SYS_RESOURCE), prm | B(CAP_SYS_RESOURCE), 0)); // what is gone stays gone
	show(set(two, prm, two)), tell(), show(set(prm, two, 0)), show(set(B(CAP_SETPCAP), two | B(CAP_SETPCAP) | B(CAP_KILL), B(CAP_KILL))), tell();
	show(set(two, two | B(CAP_SETPCAP), two)), tell(), show(set(two, two | B(CAP_SETPCAP) | B(CAP_KILL), 0)); // dropped: not again
	show(prctl(PR_CAPBSET_READ, CAP_CHOWN)), show(prctl(PR_CAPBSET_READ, 40)), show(prctl(PR_CAPBSET_READ, 41)), show(prctl(PR_CAPBSET_READ, 99));
	show(prctl(PR_CAPBSET_DROP, CAP_CHOWN)); // SETPCAP is not effective
	must(set(two | B(CAP_SETPCAP), two | B(CAP_SETPCAP), two));
	show(prctl(PR_CAPBSET_DROP, CAP_CHOWN)), show(prctl(PR_CAPBSET_READ, CAP_CHOWN)), show(prctl(PR_CAPBSET_DROP, 99)), tell();
	show(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0)), show(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0)), show(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0)), show(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
	show(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0)), show(prctl(PR_CAP_AMBIENT, 9, 0, 0, 0)), show(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
	must(set(two, two, B(CAP_CHOWN))); // no longer inheritable: no longer ambient
	show(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_RAW, 0, 0));
	char *p = strstr(slurp("/proc/self/status"), "CapInh:");
	fact("%.96s", p);
	return 0;
}
