#!/bin/bash
# The error code of a page fault in a signal's frame: a write, an instruction fetch
cat > h.c <<'E'
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <ucontext.h>
static sigjmp_buf env;
static void handler(int sig, siginfo_t *i, void *u) { ucontext_t *c = u; printf("err %lld\n", c->uc_mcontext.gregs[REG_ERR]); siglongjmp(env, 1); }
int main(void) {
	struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO }; sigaction(SIGSEGV, &a, 0);
	if (!sigsetjmp(env, 1)) *(volatile int *)0x10 = 1; if (!sigsetjmp(env, 1)) return *(volatile int *)0x10;
	char *p = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); if (!sigsetjmp(env, 1)) *p = 1; if (!sigsetjmp(env, 1)) ((void (*)(void))p)(); return 0;
}
E
gcc -O0 -w h.c -o h && ./h
