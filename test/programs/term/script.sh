#!/bin/bash
# Terminals: script, stty, expect, job control in an interactive shell
script -qec 'stty -a | head -1 | cut -d";" -f1; tty | cut -c1-9; stty size; test -t 0 && echo terminal' /dev/null | tr -d '\r'; script -qec 'exit 5' /dev/null; echo $?; script -qc 'echo logged' log >/dev/null; grep -c logged log; script -qec 'stty rows 40 cols 100; stty size; stty raw -echo; stty -a | grep -o -e "-icanon" -e "-echo "; stty sane; stty -a | grep -c " icanon"' /dev/null | tr -d '\r'
cat > e.exp <<'E'
set timeout 20
set env(TERM) dumb
log_user 0
spawn -noecho bash --norc -i
send "PS1='> '\r"; expect "> "
send "echo \$((6*7))\r"; expect -re {\n42} { puts "answered" }
send {bash -c 'trap "echo ag\ain" CONT; echo be""gun; while :; do sleep 0.1; done'}; send "\r"; expect -re {\nbegun}; send "\x1a"; expect -re {Stopped.*> $} { puts "stopped" }
send "jobs\r"; expect -re {Stopped.*> $} { puts "listed" }
send "fg\r"; expect -re {\nagain}; send "\x03"; expect "> "; send "echo status \$?\r"; expect -re {\nstatus 130} { puts "interrupted" }
send "echo u''p; cat\r"; expect -re {\nup}; send "typed\r"; expect -re {typed\r\ntyped} { puts "echoed" }; send "\x04"; expect "> "
send "echo abc\x7f\x7fz\r"; expect -re {\naz} { puts "edited" }
send "bash -c \"trap 'echo winch' WINCH; stty rows 33; sleep 0.2; true\"\r"; expect -re {\nwinch} { puts "window" }
send "read -s -p pass''word: x; echo; echo got-\$x\r"; expect "password:"; send "hidden\r"; expect -re {got-hidden} { puts "read" }
send "exit 9\r"; expect eof; puts "exit [lindex [wait] 3]"
E
expect e.exp; setsid -w script -qec 'ps -o tty= -p $$ | cut -c1-3' /dev/null | tr -d '\r'; printf 'a\nb\n' | script -qec 'cat' /dev/null | tr -d '\r' | sort -u; python3 -c '
import pty, os
out = []
def rd(fd):
    d = os.read(fd, 1024); out.append(d); return d
print(os.waitstatus_to_exitcode(pty.spawn(["sh", "-c", "echo spawned; exit 6"], rd)), b"".join(out))'
