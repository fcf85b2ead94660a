#!/bin/bash
# strace on programs of many threads, on Go and on its own tracees; seccomp filters; signals and restarts
cat > t.c <<'E'
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static void *f(void *a) { for (int i = 0; i < 5; i++) usleep(1000); return 0; }
static void h(int s) {}
int main(void) { pthread_t t[4]; for (int i = 0; i < 4; i++) pthread_create(&t[i], 0, f, 0); for (int i = 0; i < 4; i++) pthread_join(t[i], 0); signal(SIGALRM, h); alarm(1); pause(); if (fork() == 0) _exit(4); int s; wait(&s); execl("/bin/echo", "echo", "done", (char *)0); }
E
gcc -pthread t.c -o t; strace -f -o o ./t; grep -c 'exited with' o; grep -c 'SIGALRM {si' o; grep -c 'execve("/bin/echo"' o; grep -c WEXITSTATUS o; strace -f -c -o c ./t; awk '/clock_nanosleep/ {print $4}' c; strace -f -e trace=pause -o o ./t; grep -o 'ERESTARTNOHAND\|EINTR' o; strace -e trace=all -e signal=none -o o bash -c 'echo $((1+1)); (exit 3); echo $?'; tail -1 o; strace -f -e trace=clone,clone3,fork,vfork -o o bash -c 'true & wait; /bin/true'; grep -c -E 'clone|vfork' o
sleep 30 & p=$!; for i in 1 2 3; do timeout -k 5 -s INT 0.5 strace -p $p -e trace=none -o o2 2>/dev/null; done; kill -0 $p && echo still alive; kill $p; wait $p; echo $?; strace -o o timeout 0.2 sleep 5; grep -c 'exited with 124' o; strace -e inject=write:retval=5 -o o bash -c 'echo lost' ; echo $?; { strace -e inject=getpid:signal=USR1 -o o bash -c 'echo never'; } >/dev/null 2>&1; echo $?; strace -e trace=openat -P /etc/passwd cat /etc/passwd /etc/group 2>&1 >/dev/null | grep -c openat; strace -n -e trace=exit_group true 2>&1 | head -1; strace -tt -e trace=exit_group true 2>&1 | grep -c '^..:..:..\.'; strace -s 3 -e trace=write -o o echo abcdef >/dev/null; cut -d, -f2 o | head -1
