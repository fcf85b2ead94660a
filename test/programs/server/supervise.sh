#!/bin/bash
# A supervisor in bash: daemons with setsid and pid files, restarts, reaping of orphans, graceful stop, a log through a fifo
mkfifo log; cat log > logged & exec 8> log; daemon() { setsid bash -c 'trap "echo $1 stops >&8; exit 0" TERM; echo $1 up >&8; while :; do sleep 0.1; done' d "$1" </dev/null >/dev/null 2>&1 & echo $! > $1.pid; }
daemon one; daemon two; for i in $(seq 100); do [ $(grep -c up logged) = 2 ] && break; sleep 0.05; done; sort logged; { kill -9 $(cat one.pid); wait $(cat one.pid); } 2>/dev/null; echo "one ended with $?"; daemon one; for i in $(seq 100); do [ $(grep -c 'one up' logged) = 2 ] && break; sleep 0.05; done; kill $(cat one.pid) $(cat two.pid); wait $(cat one.pid); echo $?; wait $(cat two.pid); echo $?; sort logged | uniq -c
bash -c 'sleep 60 & echo $! > orphan'; [ "$(ps -o ppid= -p $(cat orphan) | tr -d ' ')" -gt 0 ] && echo adopted; kill $(cat orphan); python3 - <<'E'
import ctypes, os, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) # PR_SET_CHILD_SUBREAPER
p = os.fork()
if p == 0:
    if os.fork() == 0: time.sleep(0.2); os._exit(5 if os.getppid() == int(os.environ.get("X", os.getppid())) else 6)
    os._exit(3)
print(sorted(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(2)))
if os.fork() == 0: os.setsid(); print(os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid(), flush=True); os._exit(0)
os.wait(); r, w = os.pipe()
if os.fork() == 0: # dies with its parent
    c = os.fork()
    if c == 0: ctypes.CDLL(None).prctl(1, 15); os.write(w, b"armed"); time.sleep(60); os._exit(0)
    os.read(r, 5); os._exit(0)
print([os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(2)])
E
nohup bash -c 'echo nohup' 2>/dev/null; # timeout dies of an alarm that comes before it knows its child
{ timeout -k 0.2 60 bash -c 'trap "" TERM; until grep -q "^State:.S" /proc/$PPID/status; do :; done; kill -ALRM $PPID; sleep 5 & wait; sleep 5'; } 2>/dev/null; echo $?; (trap 'echo hup; exit 0' HUP; sleep 0.1 & kill -HUP $BASHPID; wait); bash -c 'kill -STOP $$ & wait' & sleep 0.3; kill -CONT %1 2>/dev/null; kill -9 $! 2>/dev/null; wait $! 2>/dev/null; exec 8>&-; wait; echo all ended
