// System V message queues: types, flags, truncation, full queues, removal while waiting, IPC_STAT.
#include "../oracle.h"
#include <sys/ipc.h>
#include <sys/msg.h>
struct m { long type; char text[100]; };
static int q;
static int put(long type, const char *text, int flags) {
	struct m m = {type};
	strcpy(m.text, text);
	return msgsnd(q, &m, strlen(text), flags);
}
static void get(const char *what, size_t room, long type, int flags) {
	struct m m = {0};
	ssize_t n = msgrcv(q, &m, room, type, flags);
	if (n < 0)
		fact("%s: %s", what, ename(errno));
	else
		fact("%s: %zd of type %ld '%s'", what, n, m.type, m.text);
}

int main(void) {
	q = must(msgget(IPC_PRIVATE, 0600));
	get("empty", 100, 0, IPC_NOWAIT);
	must(put(3, "three", 0)), must(put(1, "one", 0)), must(put(2, "two", 0)), must(put(3, "again", 0)), must(put(5, "five", 0)), must(put(1, "", 0));
	get("type 2", 100, 2, IPC_NOWAIT), get("up to 3, lowest", 100, -3, IPC_NOWAIT), get("first", 100, 0, IPC_NOWAIT), get("not 3", 100, 3, IPC_NOWAIT | MSG_EXCEPT), get("too big", 2, 3, IPC_NOWAIT), get("cut", 2, 3, IPC_NOWAIT | MSG_NOERROR), get("no type 9", 100, 9, IPC_NOWAIT), get("empty text", 0, 0, IPC_NOWAIT), get("nothing", 100, 0, IPC_NOWAIT);
	must(put(7, "copied", 0)), get("copy of index 0", 100, 0, MSG_COPY | IPC_NOWAIT), get("copy of index 1", 100, 1, MSG_COPY | IPC_NOWAIT), get("copy that waits", 100, 0, MSG_COPY), get("still there", 100, 0, IPC_NOWAIT);
	show(put(0, "x", 0)), show(put(-1, "x", 0)), show(msgsnd(q, (void *)8, 1, 0)), show(msgsnd(q, &(struct m){1}, 9000, 0)), show(msgsnd(q, &(struct m){1}, -1, 0)), show(msgsnd(999999, &(struct m){1}, 1, 0)), show(msgrcv(q, (void *)8, -1, 0, 0));
	struct gate g = gate_new();
	pid_t pid = spawn(gate_open(g); get("child, type 4", 100, 4, 0));
	gate_pass(g), asleep(pid), must(put(6, "other", 0)), asleep(pid), must(put(4, "for you", 0)), quiet(pid), get("left", 100, 0, IPC_NOWAIT);
	struct msqid_ds ds;
	must(msgctl(q, IPC_STAT, &ds)), fact("messages %ld, bytes %ld, room %ld", (long)ds.msg_qnum, (long)ds.__msg_cbytes, (long)ds.msg_qbytes), yes(ds.msg_lspid == getpid() && ds.msg_lrpid == getpid());
	ds.msg_qbytes = 10, show(msgctl(q, IPC_SET, &ds)), show(put(1, "12345", 0)), show(put(1, "123456", IPC_NOWAIT)), show(put(1, "12345", IPC_NOWAIT)), show(put(1, "1", IPC_NOWAIT));
	pid = spawn(gate_open(g); _exit(err(put(1, "99999", 0))));
	gate_pass(g), asleep(pid), get("makes room", 100, 0, 0), reap("sender", pid);
	pid = spawn(gate_open(g); _exit(err(put(1, "99999", 0)) == EIDRM));
	gate_pass(g), asleep(pid);
	pid_t r = spawn(gate_open(g); struct m m; _exit(err(msgrcv(q, &m, 100, 55, 0)) == EIDRM));
	gate_pass(g), asleep(r), show(msgctl(q, IPC_RMID, NULL)), reap("sender", pid), reap("receiver", r), show(msgctl(q, IPC_STAT, &ds));
	show(msgget(0x55, 0)), q = must(msgget(0x55, IPC_CREAT | 0620)), show(msgget(0x55, IPC_CREAT | IPC_EXCL));
	quiet(spawn(must(setgid(9)); must(setuid(1000)); show(put(1, "x", 0)); get("forbidden", 100, 0, IPC_NOWAIT); show(msgctl(q, IPC_RMID, NULL))));
	must(msgctl(q, IPC_STAT, &ds)), ds.msg_qbytes = 20000, show(msgctl(q, IPC_SET, &ds)); // more than the default needs CAP_SYS_RESOURCE
	show(msgctl(q, IPC_RMID, NULL));
	return 0;
}
