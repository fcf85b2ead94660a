#!/bin/bash
# Signals that a shell handles, ignores and passes on.
trap 'echo got USR1' USR1
trap 'echo exit trap with $?' EXIT
kill -USR1 $$
mkfifo on; (until grep -q '^State:.S' /proc/$$/status; do sleep 0.05; done; kill -USR1 $$; read < on) &
wait $!; echo "wait was interrupted: $(( $? > 128 ))"
echo > on; wait
trap '' TERM; kill -TERM $$; echo survived TERM
{ bash -c 'kill -SEGV $$'; } 2>/dev/null; echo "segv: $?"
bash -c 'trap - INT; kill -INT $$; echo not reached'; echo "int: $?"
trap 'echo chld' CHLD; /bin/true; trap - CHLD
bash -c 'trap "echo in child" TERM; kill -TERM $$; echo after'
{ bash -c 'ulimit -t 1; while :; do :; done'; } 2>/dev/null; echo "cpu limit: $?"
{ bash -c 'ulimit -f 1; head -c 4096 /dev/zero > big'; } 2>/dev/null; echo "file limit: $?"; stat -c %s big
kill -l | tr -s '\t ' '\n' | grep -c SIG
(exit 0)
