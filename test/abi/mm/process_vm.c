// process_vm_readv(2), process_vm_writev: other process, partial results, permissions.
#include "../oracle.h"
#include <sys/uio.h>

int main(void) {
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	strcpy(p, "parent"), strcpy(p + PAGE, "second");
	must(munmap(p + 2 * PAGE, PAGE));
	struct gate a = gate_new(), b = gate_new();
	int pid = spawn(strcpy(p, "child!"); gate_open(a); gate_pass(b); fact("child now: %s %s", p, p + PAGE));
	gate_pass(a);
	char x[32] = {0}, y[PAGE];
	struct iovec l[2] = {{x, 6}, {x + 10, 6}}, r[2] = {{p, 6}, {p + PAGE, 6}};
	show(process_vm_readv(pid, l, 2, r, 2, 0));
	fact("%s %s", x, x + 10);
	l[0] = (struct iovec){x, 12};
	show(process_vm_readv(pid, l, 1, r, 2, 0));
	fact("%s", x);
	show(process_vm_writev(pid, &(struct iovec){"WRITTEN", 6}, 1, r, 1, 0));
	r[0] = (struct iovec){p + 2 * PAGE - 10, 20};
	show(process_vm_readv(pid, &(struct iovec){y, 20}, 1, r, 1, 0)); // into a hole
	r[0] = (struct iovec){p + 2 * PAGE, 20};
	show(process_vm_readv(pid, &(struct iovec){y, 20}, 1, r, 1, 0));
	show(process_vm_readv(pid, &(struct iovec){(void *)1, 6}, 1, &(struct iovec){p, 6}, 1, 0));
	show(process_vm_readv(pid, l, 1, r, 1, 1));
	show(process_vm_readv(pid, l, 0, r, 1, 0));
	show(process_vm_readv(pid, l, 1, r, 0, 0));
	show(process_vm_readv(pid, l, 1025, r, 1, 0));
	show(process_vm_readv(999999, l, 1, r, 1, 0));
	show(process_vm_writev(getpid(), &(struct iovec){"self", 4}, 1, &(struct iovec){p, 4}, 1, 0));
	fact("%s", p);
	must(mprotect(p, PAGE, PROT_READ));
	show(process_vm_writev(getpid(), &(struct iovec){"self", 4}, 1, &(struct iovec){p, 4}, 1, 0));
	must(seteuid(1000));
	show(process_vm_readv(pid, &(struct iovec){y, 6}, 1, &(struct iovec){p, 6}, 1, 0));
	must(seteuid(0));
	gate_open(b);
	quiet(pid);
	return 0;
}
