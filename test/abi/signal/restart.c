// Which calls restart after a handler with SA_RESTART and which never do.
#include "../oracle.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
static pid_t me;
static struct gate told;
static int pipes[2], full[2], pair[2], ep, queue_, sems, locked;
static struct timespec long_ = {50, 0};
static void handler(int s) {}
static long reads(void) { char c; return read(pipes[0], &c, 1); }
static long writes(void) { return write(full[1], "x", 1); }
static long receives(void) { char c; return recv(pair[0], &c, 1, 0); }
static long waits(void) { int st; return waitpid(-1, &st, 0) > 0 ? 1 : -1; }
static long polls(void) { struct pollfd p = {-1}; return poll(&p, 1, 50000); }
static long selects(void) { return select(0, NULL, NULL, NULL, &(struct timeval){50, 0}); }
static long epolls(void) { struct epoll_event e; return epoll_wait(ep, &e, 1, 50000); }
static long sleeps(void) { return nanosleep(&long_, NULL); }
static long futexes(void) { static int w; return sys(SYS_futex, &w, FUTEX_WAIT, 0, &long_, NULL, 0); }
static long msgs(void) { struct { long t; char c; } m; return msgrcv(queue_, &m, 1, 0, 0); }
static long semops(void) { return semop(sems, &(struct sembuf){0, -1, 0}, 1); }
static long flocks(void) { return flock(locked, LOCK_EX); }
static long fcntls(void) { return fcntl(locked, F_SETLKW, &(struct flock){.l_type = F_WRLCK, .l_start = 5}); }
static long pauses(void) { return pause(); }
static long accepts(void) { struct timeval t = {50, 0}; setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t); char c; return recv(pair[0], &c, 1, 0); }
static long fifo(void) { return open("fifo", O_RDONLY); }

// poke sends a signal as soon as the caller sleeps, then lets it go on.
static void row(const char *name, long (*f)(void), void (*go)(void)) {
	for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		on(SIGUSR1, handler, flags);
		pid_t pid = must(fork());
		if (pid == 0) {
			await(me, "S");
			kill(me, SIGUSR1);
			if (flags && go) {
				usleep(30000); // if it restarts it is asleep again now
				await(me, "SR");
				go();
			}
			pause();
		}
		long r = f();
		fact("%s%s: %s", name, flags ? " with SA_RESTART" : "", r == -1 ? ename(errno) : "done");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}
static void feed(void) { (void)!write(pipes[1], "x", 1); }
static void drain(void) { char b[4096]; (void)!read(full[0], b, sizeof b); }
static void feed_pair(void) { (void)!write(pair[1], "x", 1); }
static void feed_queue(void) { struct { long t; char c; } m = {1, 'x'}; msgsnd(queue_, &m, 1, 0); }
static void feed_sem(void) { semop(sems, &(struct sembuf){0, 1, 0}, 1); }
static void leave(void) { _exit(0); }
static void open_fifo(void) { open("fifo", O_WRONLY); }

static int other;
static pid_t owner;
static void unlock(void) { flock(other, LOCK_UN); }
static void kill_owner(void) { kill(owner, SIGKILL); }

int main(void) {
	me = getpid(), told = gate_new(), ep = must(epoll_create1(0));
	must(pipe(pipes)), must(pipe2(full, O_NONBLOCK)), must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	while (write(full[1], told.fd, 1) == 1)
		;
	fcntl(full[1], F_SETFL, 0);
	queue_ = must(msgget(IPC_PRIVATE, 0600)), sems = must(semget(IPC_PRIVATE, 1, 0600));
	locked = must(open("lock", O_RDWR | O_CREAT, 0600)), must(mkfifo("fifo", 0600));
	row("read of a pipe", reads, feed), row("write to a pipe", writes, drain), row("recv", receives, feed_pair), row("wait", waits, leave);
	row("open of a fifo", fifo, open_fifo), row("recv with SO_RCVTIMEO", accepts, NULL);
	row("poll", polls, NULL), row("select", selects, NULL), row("epoll_wait", epolls, NULL), row("nanosleep", sleeps, NULL);
	row("futex with timeout", futexes, NULL), row("msgrcv", msgs, feed_queue), row("semop", semops, feed_sem), row("pause", pauses, NULL);
	other = open("lock", O_RDWR);
	must(flock(other, LOCK_EX));
	owner = spawn(fcntl(locked, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_start = 5}); gate_open(told); close(told.fd[0]); pause());
	gate_pass(told);
	row("flock", flocks, unlock);
	row("F_SETLKW", fcntls, kill_owner);
	msgctl(queue_, IPC_RMID, NULL), semctl(sems, 0, IPC_RMID);
	return 0;
}
