#!/bin/bash
# The filters of coreutils over a big input, and their checks.
seq 20000 | shuf --random-source=/usr/bin/sort > s; sort -n s | md5sum; sort -R --random-source=/usr/bin/sort s | wc -l
sort -S 1M --parallel=4 s | md5sum; sort -rn s | head -3; sort -u s s | wc -l; sort -c s 2>&1 | cut -c1-5
seq 100 | paste - - - | tail -1; seq 5 | tac | tr '\n' ' '; seq 3 | nl; echo abc | rev; seq 20 | pr -3 -t; seq 3 | fold -w1; echo 'a	b' | expand; seq 10 | column -c 40
cut -d: -f1,7 /etc/passwd | head -4; join -t: /etc/passwd /etc/passwd 2>/dev/null | wc -l; comm -12 s s 2>/dev/null | wc -l; uniq -c <<E
a
a
b
E
wc s; head -c 5 s | od -c; od -An -tx1 -N8 /bin/sh; tail -n +19998 s | wc -l; seq 1000000 | tail -1; seq 3 -1 1; factor 1234567890; numfmt --to=iec 1048576; base64 /bin/sh | md5sum | wc -c; base64 -w0 <<< hello | base64 -d
sha256sum s > sums; sha256sum -c sums; echo x >> s; sha256sum -c sums; cksum s; sum s; b2sum s | cut -c1-16; csplit -s s 3 10; ls xx*; tsort <<E
a b
b c
E
date -u -d @0 +%F; date -u -d '2024-02-28 + 2 days' +%F; TZ=Asia/Tokyo date -d @0 +%H; TZ=CET-1 date -d @0 +%H:%Z; printf '%s\n' 1.10 1.9 | sort -V; echo one,two | tr , '\n'; expr 6 \* 7; test 3 -gt 2 && echo yes; seq 5 | tee >/dev/null t1; wc -l < t1; env -i A=b env; nohup echo nohup 2>/dev/null; pathchk /a/b && echo ok; basename /a/b.c .c; dirname /a/b; echo 'a b' | sha1sum; stdbuf -oL echo line; nproc | grep -c '[1-9]'; logname 2>/dev/null; whoami; id; groups; hostname; uname -s -m; arch; tty; printenv HOME; sleep 0.1; getconf PAGE_SIZE; getconf NAME_MAX /
