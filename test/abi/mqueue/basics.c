// POSIX message queues: names, attributes, priorities, sizes, non-blocking, timeouts.
#include "../oracle.h"
#include <mqueue.h>

int main(void) {
	struct mq_attr a = {.mq_maxmsg = 3, .mq_msgsize = 20}, got;
	char b[32] = {0};
	unsigned prio;
	show(mq_open("/none", O_RDWR)), show(mq_open("noslash", O_RDWR | O_CREAT, 0600, &a)), show(mq_open("/a/b", O_RDWR | O_CREAT, 0600, &a)), show(mq_open("/", O_RDWR | O_CREAT, 0600, &a)), show(sys(SYS_mq_open, "/kernel", O_RDWR | O_CREAT, 0600, &a)), show(sys(SYS_mq_open, "", O_RDWR | O_CREAT, 0600, &a));
	mqd_t q = must(mq_open("/q", O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0640, &a));
	show(mq_open("/q", O_RDWR | O_CREAT | O_EXCL, 0600, &a)), show(mq_getattr(q, &got)), fact("flags %#lx max %ld size %ld now %ld", got.mq_flags, got.mq_maxmsg, got.mq_msgsize, got.mq_curmsgs);
	show(mq_receive(q, b, 20, &prio)), show(mq_receive(q, b, 19, &prio));
	show(mq_send(q, "low", 3, 1)), show(mq_send(q, "high", 4, 9)), show(mq_send(q, "low too", 7, 1)), show(mq_send(q, "full", 4, 1)), show(mq_send(q, "x", 1, 32768)), show(mq_send(q, b, 21, 1)), show(mq_send(q, (void *)8, 5, 0));
	for (int i = 0; i < 3; i++)
		memset(b, 0, 32), must(mq_receive(q, b, 32, &prio)), fact("%s %u", b, prio);
	show(mq_send(q, "", 0, 32767)), show(mq_receive(q, b, 20, &prio)), show(prio);
	got.mq_flags = 0, show(mq_setattr(q, &got, &a)), fact("old %#lx", a.mq_flags), got.mq_flags = 5, show(mq_setattr(q, &got, NULL));
	show(mq_timedreceive(q, b, 20, NULL, &(struct timespec){1, 0})), show(mq_timedreceive(q, b, 20, NULL, &(struct timespec){1, -1})), show(mq_timedreceive(q, b, 20, NULL, &(struct timespec){-1, 0}));
	for (int i = 0; i < 3; i++)
		must(mq_send(q, "x", 1, 0));
	show(mq_timedsend(q, "x", 1, 0, &(struct timespec){1, 0}));
	pid_t me = getpid(), pid = spawn(asleep(me); char c[20]; must(mq_receive(q, c, 20, NULL)));
	show(mq_send(q, "waited", 6, 5)), quiet(pid), memset(b, 0, 32), must(mq_receive(q, b, 20, &prio)), fact("%s", b);
	must(mq_receive(q, b, 20, NULL)), must(mq_receive(q, b, 20, NULL));
	pid = spawn(asleep(me); must(mq_send(q, "woken", 5, 0))), memset(b, 0, 32), show(mq_receive(q, b, 20, NULL)), fact("%s", b), quiet(pid);
	show(read(q, b, 32) > 0), show(write(q, "x", 1)), show(lseek(q, 0, SEEK_SET) >= 0);
	mqd_t r = must(mq_open("/q", O_RDONLY)), w = must(mq_open("/q", O_WRONLY));
	show(mq_send(r, "x", 1, 0)), show(mq_receive(w, b, 20, NULL)), show(mq_send(0, "x", 1, 0)), show(mq_getattr(999, &a));
	quiet(spawn(must(setuid(1000)); show(mq_open("/q", O_RDONLY)); show(mq_unlink("/q")))), show(mq_unlink("/q")), show(mq_unlink("/q")), show(mq_send(w, "still", 5, 0)), show(mq_open("/q", O_RDONLY));
	a = (struct mq_attr){.mq_maxmsg = 0, .mq_msgsize = 10}, show(mq_open("/x", O_RDWR | O_CREAT, 0600, &a)), a = (struct mq_attr){.mq_maxmsg = 10, .mq_msgsize = 0}, show(mq_open("/x", O_RDWR | O_CREAT, 0600, &a)), a.mq_msgsize = 1 << 28, show(mq_open("/x", O_RDWR | O_CREAT, 0600, &a));
	q = must(mq_open("/dflt", O_RDWR | O_CREAT, 0600, NULL)), must(mq_getattr(q, &got)), fact("default: max %ld size %ld", got.mq_maxmsg, got.mq_msgsize), must(mq_unlink("/dflt"));
	return 0;
}
