#!/bin/bash
# gdb: break points, stepping, threads, attaching, signals, a core file
cat > p.c <<'E'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int global; struct point { int x, y; } pt = { 3, 4 };
int add(int a, int b) { global = a + b; return global; }
int fact(int n) { return n <= 1 ? 1 : n * fact(n - 1); }
void *thread(void *a) { add((long)a, 100); return 0; }
int main(int argc, char **argv) {
	printf("%d\n", add(1, 2)); printf("%d\n", fact(5)); pthread_t t[3];
	for (long i = 0; i < 3; i++) { pthread_create(&t[i], 0, thread, (void *)i); pthread_join(t[i], 0); }
	if (argc > 1 && *argv[1] == 's') sleep(100);
	if (argc > 1 && *argv[1] == 'c') *(volatile int *)0 = 1;
	if (argc > 1 && *argv[1] == 'f') { if (fork() == 0) _exit(fact(3)); }
	fflush(stdout); return global & 7;
}
E
gcc -g -O0 -pthread -o p p.c; g() { timeout 60 gdb -q -nx -batch -ex 'set debuginfod enabled off' -ex 'set style enabled off' -ex 'set print thread-events off' "$@" 2>&1 | grep -v -E '^(\[Thread debug|Using host|warning:|$|\[New Thread|\[Switching|\[Thread|\[Detach|\[Attach)' | sed -E 's/0x[0-9a-f]+/ADDR/g;s/process [0-9]+/process N/g;s/Thread ADDR \(LWP [0-9]+\)/Thread/g;s/LWP [0-9]+/LWP N/g'; }
g -ex 'break add' -ex run -ex bt -ex 'info args' -ex 'print pt' -ex 'print add(5, 6)' -ex finish -ex 'next' -ex 'info breakpoints' -ex kill ./p
g -ex 'break fact if n == 2' -ex run -ex bt -ex 'up' -ex 'print n' -ex 'set var global = 77' -ex 'print global' -ex 'delete' -ex 'stepi' -ex 'x/i $pc' -ex continue ./p | grep -v '^=>'
g -ex 'break thread' -ex run -ex 'info threads' -ex 'thread 1' -ex 'print $_thread' -ex 'thread apply all print $_gthread > 0' -ex 'delete' -ex continue ./p | grep -E '^\$|exited|\* '; g -ex run -ex bt -ex 'print $_siginfo.si_signo' -ex 'info registers rip' --args ./p c | grep -E 'SIGSEGV|#0|^\$'; g -ex 'catch syscall exit_group' -ex run -ex 'info program' --args ./p | grep -o 'call to syscall exit_group'; g -ex 'handle SIGUSR1 nostop noprint pass' -ex 'catch fork' -ex 'set follow-fork-mode child' -ex run -ex 'delete' -ex continue --args ./p f | grep -E 'Catchpoint|exited' | sed -E 's/forked process [0-9N]+/forked process/'
./p s >/dev/null & until [ "$(cat /proc/$!/comm)" = p ] && grep -q '^State:.S' /proc/$!/status; do sleep 0.05; done; g -p $! -ex 'bt -1' -ex 'print global' -ex detach | grep -E 'main \(|^\$'; kill $!; wait $! 2>/dev/null; g -ex 'break fact' -ex run -ex 'generate-core-file core.x' -ex kill ./p | grep -c Saved; g -ex bt -ex 'print pt' ./p core.x | grep -E '^#|^\$'; g -ex 'starti' -ex 'info inferiors' -ex 'next' -ex kill ./p | grep -c Program; g -ex 'python print(gdb.parse_and_eval("1+1"))' | head -1; g -ex 'tbreak main' -ex 'run' -ex 'call (int)getpid() > 0' -ex 'info sharedlibrary' -ex 'info proc cmdline' ./p | grep -E '^\$|libc|cmdline' | sed 's/^ADDR *ADDR *//'; gdb -q -batch -ex 'info line main' ./p | grep -o 'Line [0-9]*'
