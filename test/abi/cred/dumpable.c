// PR_SET_DUMPABLE and what changes it: uid changes, exec; who owns /proc/PID then.
#include "../oracle.h"
static void tell(const char *what) {
	struct stat st;
	must(stat("/proc/self/environ", &st));
	fact("%s: dumpable %d, owner %d", what, prctl(PR_GET_DUMPABLE), st.st_uid);
}

int main(int argc, char **argv) {
	if (argc > 1) {
		tell(argv[1]);
		return 0;
	}
	tell("first");
	show(prctl(PR_SET_DUMPABLE, 2)), show(prctl(PR_SET_DUMPABLE, 3)), show(prctl(PR_SET_DUMPABLE, 0)), tell("set to 0");
	quiet(spawn(tell("fork"); char *args[] = {argv[0], "exec", NULL}; execve(argv[0], args, NULL)));
	show(prctl(PR_SET_DUMPABLE, 1));
	quiet(spawn(must(setuid(1000)); tell("setuid"); must(prctl(PR_SET_DUMPABLE, 1)); tell("set again"); char *args[] = {argv[0], "exec as 1000", NULL}; execve(argv[0], args, NULL)));
	quiet(spawn(must(setresuid(0, 1000, 0)); tell("seteuid")));
	quiet(spawn(must(setresuid(1000, 0, 0)); tell("real uid only")));
	quiet(spawn(must(setgid(5)); tell("setgid")));
	struct gate g = gate_new(), h = gate_new();
	pid_t pid = spawn(must(setuid(1000)); gate_open(g); gate_pass(h); must(prctl(PR_SET_DUMPABLE, 1)); gate_open(g); pause());
	gate_pass(g);
	quiet(spawn({
		must(setuid(1000));
		char path[64];
		snprintf(path, 64, "/proc/%d/environ", pid);
		show(open(path, O_RDONLY)); // the same user, not dumpable
		snprintf(path, 64, "/proc/%d/fd", pid);
		show(open(path, O_RDONLY));
		snprintf(path, 64, "/proc/%d/stat", pid);
		ok(open(path, O_RDONLY));
		show(kill(pid, 0));
		gate_open(h), gate_pass(g);
		snprintf(path, 64, "/proc/%d/environ", pid);
		ok(open(path, O_RDONLY));
		snprintf(path, 64, "/proc/%d/fd", pid);
		ok(open(path, O_RDONLY));
	}));
	kill(pid, SIGKILL), reap("child", pid);
	return 0;
}
