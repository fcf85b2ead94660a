#!/bin/bash
# What procps, psmisc and util-linux say of processes.
sleep 50 & p=$!
for i in $(seq 100); do [ "$(ps -o stat= -p $p | cut -c1)" = S ] && break; sleep 0.05; done; ps -o comm=,stat= -p $p | awk '{print $1, substr($2,1,1)}'; ps -o args= -p $p; pgrep -x sleep | wc -l; ps -ef | grep -c '[s]leep 50'
[ "$(ps -o ppid= -p $p | tr -d ' ')" = $$ ] && echo child of mine; tr '\0' ' ' < /proc/$p/cmdline; echo; readlink /proc/$p/exe; [ "$(readlink /proc/$p/cwd)" = "$PWD" ] && echo same directory
awk '/^(Name|State|Threads|NoNewPrivs|Groups)/' /proc/$p/status; wc -w < /proc/$p/stat; grep -c stack /proc/$p/maps; cat /proc/$p/comm; ls /proc/$p/fd | tr '\n' ' '; grep -z -c SCRIPTS /proc/$p/environ
nice -n 5 bash -c 'nice; ps -o ni= -p $$ | tr -d " "'; renice -n 7 -p $p | awk '{print $2,$3}' | head -1; chrt -p $p | sed 's/pid [0-9]*/pid/'; taskset -p $p >/dev/null && echo taskset; prlimit -p $p -o RESOURCE,SOFT,HARD --nofile --noheadings; ionice -p $p
kill -0 $p && echo alive; killall sleep; wait $p; echo "ended: $?"; kill -0 $p 2>/dev/null || echo gone; pidof bash > pids; wc -w < pids
mkfifo gate; (read < gate) & pkill -P $$ -x process.sh; wait; setsid -w bash -c '[ $(ps -o sid= -p $$) = $$ ] && echo session leader'; flock lock -c 'flock -n lock -c "echo not reached" || echo locked'
cat /proc/loadavg | wc -w; grep -c ^MemTotal /proc/meminfo; grep -c ^processor /proc/cpuinfo | grep -c '[1-9]'; free >/dev/null && uptime >/dev/null && echo free uptime; cat /proc/sys/kernel/ostype; pstree -A $$ | head -1 | cut -c1-4; top -b -n1 | head -1 | cut -c1-3; vmstat >/dev/null && echo vmstat; lsof -p $$ | grep -c cwd; fuser . 2>/dev/null | wc -w | grep -c '[1-9]'; w >/dev/null && echo w
ulimit -n; ulimit -c; ulimit -v; bash -c 'ulimit -v 200000; python3 -c "bytearray(300*1000*1000)"' 2>&1 | tail -1; unshare -u sh -c 'hostname inner; hostname'; hostname; nsenter --version | cut -c1-8; script -qec 'echo in a terminal; tty | cut -c1-8' /dev/null | tr -d '\r'
