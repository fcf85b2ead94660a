// Identities after fork: pid, ppid, pgid, sid; getpgid and getsid of others; new pid namespace's view.
#include "../oracle.h"

int main(void) {
	yes(getpid() == getsid(0) && getpid() == getpgrp());
	pid_t me = getpid();
	quiet(spawn({
		yes(getppid() == me);
		yes(getpgrp() == me && getsid(0) == me);
		yes(getpgid(getppid()) == me && getsid(getppid()) == me);
		must(setpgid(0, 0));
		yes(getpgrp() == getpid() && getsid(0) == me);
		yes(setsid() == -1 && errno == EPERM); // a group leader
	}));
	show(getpgid(-1));
	show(getsid(999999));
	quiet(spawn({
		must(unshare(CLONE_NEWPID));
		yes(getpid() != 1);
		pid_t inside = spawn({
			show(getpid());
			show(getppid());
			show(getsid(0));
			show(getpgrp());
			show(kill(me, 0));
			pid_t second = spawn(_exit(0));
			show(second);
			reap("second", second);
			kill(getpid(), SIGTERM); // not to the init of a namespace
			raise(SIGKILL);
			_exit(3);
		});
		reap("init of the namespace", inside);
		yes(inside > 1);
		fact("fork afterwards: %s", ename(err(fork())));
	}));
	quiet(spawn({
		must(unshare(CLONE_NEWPID));
		struct gate g = gate_new();
		pid_t inside = spawn(spawn(pause()); spawn(pause()); gate_open(g); pause());
		gate_pass(g);
		kill(inside, SIGTERM); // from outside but without a handler: ignored
		kill(inside, SIGKILL); // takes all with it
		reap("killed init", inside);
	}));
	return 0;
}
