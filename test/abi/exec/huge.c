// Programs with large bss, unusual segments and stack flags: the memory they start with.
#include "../oracle.h"
static char bss[32 << 20];
static char data[5000] = {[4999] = 7};
static const char text[3000] = {[2999] = 9};
static __thread int tls_value = 55;
static __thread char tls_zero[9000];
static void *other(void *a) { return (void *)(long)(tls_value++ + tls_zero[8999]); }
__attribute__((constructor)) static void first(void) { data[0]++; }

int main(void) {
	int sum = 0;
	for (size_t i = 0; i < sizeof bss; i += PAGE / 2)
		sum += bss[i];
	fact("bss zero: %d; data %d %d; text %d; constructor ran %d", sum == 0, data[4998], data[4999], text[2999], data[0]);
	bss[sizeof bss - 1] = 1, bss[0] = 1;
	quiet(spawn(fact("child: %d %d", bss[0], bss[sizeof bss - 1]); bss[0] = 2));
	fact("parent: %d", bss[0]);
	tls_value = 66;
	fact("thread's own: %ld, ours %d", join(thread(other, NULL)), tls_value);
	quiet(spawn(fact("child's: %d", tls_value)));
	char *end = sbrk(0);
	yes(end >= bss + sizeof bss);
	void *more = sbrk(1 << 20);
	memset(more, 1, 1 << 20), yes(sbrk(0) == (char *)more + (1 << 20));
	char *maps = slurp("/proc/self/maps"), *stack = strstr(maps, "[stack]");
	while (stack > maps && stack[-1] != '\n')
		stack--;
	char perms[5] = "";
	sscanf(stack, "%*x-%*x %4s", perms), fact("stack %s", perms);
	fact("executable and writable at once: %d", strstr(maps, " rwxp ") != NULL);
	volatile char big[4 << 20]; // most of the stack
	big[0] = 1, big[sizeof big - 1] = 2;
	fact("large frame: %d", big[0] + big[sizeof big - 1]);
	return 0;
}
