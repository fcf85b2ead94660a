// Capabilities over changes of uid: cleared, kept by PR_SET_KEEPCAPS, securebits.
#include "../oracle.h"
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
struct header { uint32_t version; int pid; };
static void tell(const char *what) {
	struct header h = {_LINUX_CAPABILITY_VERSION_3};
	uint32_t d[6];
	must(sys(SYS_capget, &h, d));
	fact("%s: effective %s, permitted %s, chown %d", what, d[0] || d[3] ? "some" : "none", d[1] || d[4] ? "some" : "none", d[0] & 1);
}

int main(void) {
	quiet(spawn(must(setuid(1000)); tell("setuid 1000")));
	quiet(spawn(must(seteuid(1000)); tell("seteuid 1000"); must(seteuid(0)); tell("and back")));
	quiet(spawn(must(setresuid(1000, 0, 0)); tell("real only"); must(setresuid(1000, 1000, 0)); tell("saved is 0"); must(setresuid(1000, 1000, 1000)); tell("none is 0")));
	quiet(spawn(must(setresuid(1000, 1000, 0)); must(setresuid(-1, 0, -1)); tell("effective 0 again")));
	quiet(spawn(show(prctl(PR_SET_KEEPCAPS, 1)); show(prctl(PR_GET_KEEPCAPS)); must(setuid(1000)); tell("keepcaps"); show(prctl(PR_GET_KEEPCAPS)); fact("%s", ename(err(chown(".", 1, 1))))));
	show(prctl(PR_SET_KEEPCAPS, 2));
	quiet(spawn(setfsuid(1000); tell("setfsuid")));
	show(prctl(PR_GET_SECUREBITS));
	quiet(spawn(show(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)); must(setuid(1000)); tell("no setuid fixup")));
	quiet(spawn(show(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS_LOCKED)); show(prctl(PR_SET_KEEPCAPS, 1)); show(prctl(PR_SET_SECUREBITS, 0)); show(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_KEEP_CAPS_LOCKED)); show(prctl(PR_GET_SECUREBITS))));
	quiet(spawn(show(prctl(PR_SET_SECUREBITS, 1 << 12)); must(setuid(1000)); show(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT))));
	quiet(spawn(show(prctl(PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE)); struct header h = {_LINUX_CAPABILITY_VERSION_3}; uint32_t d[6]; must(sys(SYS_capget, &h, d)); d[2] = 1; must(sys(SYS_capset, &h, d)); show(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0))));
	return 0;
}
