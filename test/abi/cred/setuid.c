// setuid, seteuid, setreuid, setresuid and their group kin: who may set what, and the saved id.
#include "../oracle.h"
#include <sys/fsuid.h>
static void ids(void) {
	uid_t r, e, s;
	gid_t a, b, c;
	getresuid(&r, &e, &s), getresgid(&a, &b, &c);
	fact("  uid %d %d %d fs %d, gid %d %d %d fs %d", r, e, s, setfsuid(-1), a, b, c, setfsgid(-1));
}
#define try(...) (fact("%s: %s", #__VA_ARGS__, ename(err(__VA_ARGS__))), ids())

int main(void) {
	quiet(spawn(fact("root:"); try(setuid(1000)); try(setuid(0)); try(seteuid(0))));
	quiet(spawn(try(seteuid(1000)); try(setuid(5)); try(setuid(0)))); // saved
	quiet(spawn(try(setreuid(1000, 2000)); try(setreuid(-1, 1000)); try(setreuid(2000, -1)); try(setreuid(-1, 0))));
	quiet(spawn(try(setreuid(-1, 1000)); try(setreuid(1000, 0)); try(setreuid(0, -1))));
	quiet(spawn(try(setresuid(1, 2, 3)); try(setresuid(3, 1, 2)); try(setresuid(-1, 3, -1)); try(setresuid(-1, 4, -1)); try(setresuid(2, 2, 2)); try(setresuid(-1, -1, -1))));
	quiet(spawn(try(setgid(7)); try(setegid(8)); try(setregid(9, 10)); try(setresgid(1, 2, 3)); try(setuid(1000)); try(setgid(3)); try(setegid(2)); try(setegid(9)); try(setregid(-1, 1)); try(setresgid(3, 3, 3))));
	quiet(spawn(fact("setfsuid %d %d", setfsuid(500), setfsgid(600)); ids(); try(setuid(1000)); fact("%d %d", setfsuid(0), setfsuid(-1)); try(seteuid(1000))));
	quiet(spawn(try(setuid(-1)); try(setresuid(-1, -2, -1)); try(setgid(-1))));
	quiet(spawn(try(seteuid(1000)); fact("fsuid follows: %s", ename(err(chown(".", 0, 0)))); try(seteuid(0)); fact("%s", ename(err(chown(".", 0, 0))))));
	show(sys(SYS_getresuid, 8, 8, 8));
	fact("%d %d %d %d", getuid(), geteuid(), getgid(), getegid());
	return 0;
}
