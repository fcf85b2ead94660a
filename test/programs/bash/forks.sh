#!/bin/bash
# Many short processes, deep subshells, long pipelines, big environments and arguments
for i in $(seq 200); do /bin/true; done; echo 200 programs
s=0; for i in $(seq 100); do s=$((s + $(echo $i))); done; echo $s
echo deep | (cat | (cat | (cat | (cat | cat)))); p=cat; for i in $(seq 30); do p="$p | cat"; done; seq 1000 | eval "$p" | md5sum
export BIG=$(head -c 100000 /dev/zero | tr '\0' x); echo ${#BIG}; bash -c 'echo ${#BIG}'; unset BIG; /bin/echo $(seq 20000) | wc -c; (ulimit -s 256; /bin/echo $(seq 50000)) 2>&1 | wc -c | grep -c .; export X=$(head -c 140000 /dev/zero | tr '\0' x); /bin/true 2>&1 | grep -o 'Argument list too long'; unset X
for i in $(seq 20); do (for j in $(seq 5); do echo $i $j; done) & done | sort -n | md5sum; wait; f() { [ $1 -gt 0 ] && (f $(($1 - 1))) || echo bottom; }; f 20; exec 9< <(sleep 0.1; echo late); read -u 9 x; echo $x
(ulimit -u 1 2>/dev/null; true); (trap '' PIPE; yes 2>/dev/null | head -1); yes | head -c 10000000 | wc -c
