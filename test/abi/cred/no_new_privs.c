// PR_SET_NO_NEW_PRIVS: set once for good, inherited, in /proc, arguments.
#include "../oracle.h"

int main(int argc, char **argv) {
	if (argc > 1) {
		show(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
		return 0;
	}
	show(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	show(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	show(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	show(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
	show(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	show(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	show(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	show(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	fact("%.13s", strstr(slurp("/proc/self/status"), "NoNewPrivs:"));
	quiet(spawn(show(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)); char *args[] = {argv[0], "x", NULL}; execve("/proc/self/exe", args, NULL)));
	return 0;
}
