// personality(2): values, READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE, inheritance.
#include "../oracle.h"
#include <sys/personality.h>

int main(int argc, char **argv) {
	if (argc > 1) {
		fact("after exec: %#x", personality(0xffffffff));
		return 0;
	}
	show(personality(0xffffffff));
	show(personality(ADDR_NO_RANDOMIZE)), fact("%#x", personality(0xffffffff));
	quiet(spawn(fact("child %#x", personality(0xffffffff)); char *args[] = {argv[0], "x", NULL}; execve("/proc/self/exe", args, NULL)));
	char *text = slurp("/proc/self/personality");
	fact("%s", text);
	must(personality(READ_IMPLIES_EXEC));
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(p, "\xb8\x2a\0\0\0\xc3", 6);
	fact("readable is executable: %d", ((int (*)(void))p)());
	show(personality(0)), show(personality(PER_LINUX32)), fact("%#x", personality(0xffffffff));
	struct { char s[65], n[65], r[65], v[65], m[65], d[65]; } u;
	must(sys(SYS_uname, &u)), fact("machine %s", u.m);
	return 0;
}
