#!/bin/bash
# Programs that go wrong: faults, divisions, stack overflow, aborts, sanitizers, and handlers for them
c() { gcc -w -O0 "$@" -x c - -o c && { ./c; } 2>/dev/null; echo "$1 $?"; }
c -DSEGV <<< 'int main(void) { *(volatile int *)8 = 1; }'; c -DFPE <<< 'int main(int c, char **v) { return c / (c - 1); }'; c -DILL <<< 'int main(void) { __builtin_trap(); }'; c -DTRAP <<< 'int main(void) { __asm__("int3"); }'; c -DABRT <<< '#include <stdlib.h>
int main(void) { abort(); }'; c -DSTACK <<< 'int f(int n) { volatile char b[4096]; b[0] = n; return f(n + 1) + b[0]; } int main(void) { return f(0); }'; c -DBUS <<< '#include <sys/mman.h>
#include <fcntl.h>
#include <unistd.h>
int main(void) { int f = open("e", O_CREAT | O_RDWR, 0600); char *p = mmap(0, 4096, 3, MAP_SHARED, f, 0); return p[0]; }'; c -DREADONLY <<< 'int main(void) { char *s = "const"; s[0] = 1; return 0; }'; c -DNX <<< 'static char code[] = { 0xc3 }; int main(void) { ((void (*)(void))code)(); return 0; }'; c -DHLT <<< 'int main(void) { __asm__("hlt"); }'; c -DNONCANON <<< 'int main(void) { *(volatile char *)0x8000000000000000 = 1; }'; c -DAC <<< 'int main(void) { __asm__ volatile("movaps (%0), %%xmm0" :: "r"((char *)__builtin_frame_address(0) + 1)); return 0; }'
cat > h.c <<'E'
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
static sigjmp_buf env; static char alt[65536];
static void handler(int sig, siginfo_t *i, void *u) { ucontext_t *c = u; printf("%s code %d addr %d trap %lld\n", strsignal(sig), i->si_code, i->si_addr == (void *)0x10, c->uc_mcontext.gregs[REG_TRAPNO]); siglongjmp(env, 1); }
static int deep(int n) { volatile char b[1024]; b[0] = n; return deep(n + 1) + b[0]; }
int main(int c, char **v) {
	struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK }; stack_t s = { .ss_sp = alt, .ss_size = sizeof alt }; sigaltstack(&s, 0);
	for (int g = 1; g < 32; g++) if (strchr("\4\5\7\10\13", g)) sigaction(g, &a, 0);
	if (!sigsetjmp(env, 1)) *(volatile int *)0x10 = 1; if (!sigsetjmp(env, 1)) c = 1 / (c - 1); if (!sigsetjmp(env, 1)) __asm__("ud2"); if (!sigsetjmp(env, 1)) __asm__("int3");
	char *p = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); if (!sigsetjmp(env, 1)) *p = 1; if (!sigsetjmp(env, 1)) ((void (*)(void))p)(); if (!sigsetjmp(env, 1)) __asm__("hlt"); if (!sigsetjmp(env, 1)) deep(0); puts("survived all"); return 0;
}
E
gcc -O0 -w h.c -o h && ./h; echo $?; echo 'int main(int c, char **v) { int a[4]; return a[c + 4]; }' > s.c; gcc -g -fsanitize=address s.c -o s 2>/dev/null && ./s 2>&1 | grep -o 'AddressSanitizer: [a-z-]*' | head -1; ASAN_OPTIONS=detect_leaks=0 ./s >/dev/null 2>&1; echo $?; echo '#include <pthread.h>
int x; void *f(void *a) { x++; return 0; } int main(void) { pthread_t t; pthread_create(&t, 0, f, 0); x++; pthread_join(t, 0); return 0; }' > r.c; gcc -g -fsanitize=thread r.c -o r 2>/dev/null && for i in $(seq 50); do setarch -R ./r 2>&1 | grep -o 'ThreadSanitizer: data race' | head -1 | grep . && break; done
