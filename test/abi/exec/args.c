// execve(2): argv and envp as they arrive, empty argv, NULL lists, sizes, E2BIG.
#include "../oracle.h"
extern char **environ;

int main(int argc, char **argv) {
	if (argc == 0 || argv[0][0] == 0) {
		fact("argc %d, argv[0] '%s', environment %s", argc, argv[0] ?: "none", environ[0] ?: "empty");
		return 0;
	}
	if (!strcmp(argv[0], "show")) {
		for (int i = 0; i < argc; i++)
			fact("arg %d '%s'", i, argv[i]);
		for (int i = 0; environ[i]; i++)
			fact("env %d '%s'", i, environ[i]);
		return 0;
	}
	if (!strcmp(argv[0], "count")) {
		size_t n = 0;
		for (int i = 0; i < argc; i++)
			n += strlen(argv[i]) + 1;
		fact("argc %d, %zu bytes, last '%.4s'", argc, n, argv[argc - 1]);
		return 0;
	}
	char *self = "/proc/self/exe", *big = malloc(1 << 22);
#define run(args, env) quiet(spawn(fact("exec: %s", ename(err(execve(self, args, env))))))
	run(((char *[]){"show", "", "two words", "\xff\x01", NULL}), ((char *[]){"A=1", "no equals sign", "A=2", "", NULL}));
	run(NULL, NULL); // one empty argument is made up
	run(((char *[]){NULL}), ((char *[]){NULL}));
	quiet(spawn(fact("%s", ename(err(sys(SYS_execve, self, 8, NULL))))));
	quiet(spawn(fact("%s", ename(err(sys(SYS_execve, self, ((char *[]){"x", (char *)8, NULL}), NULL))))));
	quiet(spawn(fact("%s", ename(err(sys(SYS_execve, 8, NULL, NULL))))));
	memset(big, 'b', 1 << 22);
	big[131071] = 0;
	run(((char *[]){"count", big, NULL}), NULL); // the longest string
	big[131071] = 'b', big[131072] = 0;
	run(((char *[]){"count", big, NULL}), NULL);
	big[131072] = 'b', big[100000] = 0;
	char *many[200] = {"count"};
	for (int i = 1; i < 15; i++)
		many[i] = big;
	run(many, NULL); // below a quarter of the stack limit
	for (int i = 15; i < 60; i++)
		many[i] = big;
	run(many, NULL);
	char **lots = calloc(300001, sizeof *lots);
	for (int i = 0; i < 100000; i++)
		lots[i] = i ? "a" : "count";
	run(lots, NULL);
	for (int i = 100000; i < 300000; i++)
		lots[i] = "a";
	run(lots, NULL);
	struct rlimit l = {1 << 19, 1 << 23};
	quiet(spawn(must(setrlimit(RLIMIT_STACK, &l)); many[2] = NULL; fact("small stack: %s", ename(err(execve(self, many, NULL))))));
	quiet(spawn(must(setrlimit(RLIMIT_STACK, &l)); many[2] = big; many[4] = NULL; fact("small stack, too much: %s", ename(err(execve(self, many, NULL))))));
	return 0;
}
