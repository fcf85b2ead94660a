// #! scripts: interpreter, its one argument, nesting, missing interpreters, long lines, ENOEXEC.
#include "../oracle.h"

static void script(const char *name, const char *text) {
	int fd = must(open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755));
	must(write(fd, text, strlen(text))), must(close(fd)), must(chmod(name, 0755));
}
static char self[256];
static void run(const char *name) {
	pid_t pid = spawn(char *args[] = {"zero", "one", "two", NULL}; char *env[] = {"E=1", NULL}; fact("%s: %s", name, ename(err(execve(name, args, env)))));
	quiet(pid);
}

int main(int argc, char **argv) {
	if (strstr(argv[0], "interp")) {
		printf("interpreter:");
		for (int i = 0; i < argc; i++)
			printf(" [%s]", argv[i]);
		printf("\n");
		return 0;
	}
	char text[600];
	must(readlink("/proc/self/exe", self, 255)), must(symlink(self, "interp"));
	script("plain", "#!interp\n"), run("plain"), run("./plain");
	script("arg", "#! \t interp  one argument  with spaces \t\n"), run("arg");
	script("nonl", "#!interp"), run("nonl");
	script("nonlarg", "#!interp x"), run("nonlarg");
	script("empty", "#!"), run("empty"), script("spaces", "#!   \n"), run("spaces");
	script("missing", "#!/no/such/interpreter\n"), run("missing");
	must(mkdir("dir", 0755)), script("isdir", "#!dir\n"), run("isdir");
	make("noexec", "x"), script("denied", "#!noexec\n"), run("denied");
	script("nested", "#!plain inner\n"), run("nested");
	script("n1", "#!nested\n"), script("n2", "#!n1\n"), script("n3", "#!n2\n"), script("n4", "#!n3\n");
	run("n1"), run("n2"), run("n3"), run("n4");
	script("loop", "#!loop\n"), run("loop");
	strcpy(text, "#!interp "), memset(text + 9, 'a', 300), strcpy(text + 309, "\n"), script("long", text); // cut at 255
	pid_t pid = spawn(int p[2]; must(pipe(p)); pid_t c = spawn(must(dup2(p[1], 1)); char *args[] = {"z", NULL}; execv("long", args)); close(p[1]); char b[600]; ssize_t n = 0, k; while ((k = read(p[0], b + n, 600 - n)) > 0) n += k; fact("long argument: %zd bytes of output", n); quiet(c));
	quiet(pid);
	strcpy(text, "#!/"), memset(text + 3, 'a', 300), strcpy(text + 303, " x\n"), script("longpath", text), run("longpath");
	script("cr", "#!interp\r\n"), run("cr");
	script("text", "echo not a program\n"), run("text"), script("nothing", ""), run("nothing"), script("binary", "\x7f" "ELF"), run("binary"), script("space", " #!interp\n"), run("space");
	must(chmod("plain", 0711)), run("plain"), must(chmod("plain", 0644)), run("plain"), run("dir"), run("none"), run("plain/x"), run("");
	pid = spawn(must(chmod("arg", 0711)); must(setuid(1000)); run("arg")); // not readable: the kernel does not mind
	quiet(pid);
	return 0;
}
