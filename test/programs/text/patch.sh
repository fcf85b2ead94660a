#!/bin/bash
# diff, patch, cmp, diff3, vim-less editing of files, m4, jq, bc
seq 20 > a; sed '5s/.*/five/;15d' a > b; diff -u --label a --label b a b > p; cat p; cp a c; patch c p; cmp b c && echo patched; patch -R c p; cmp a c && echo reversed; diff -q a b; diff -r --brief . . ; echo $?; cmp a b; sdiff -s a b; mkdir -p x y; echo 1 > x/f; echo 2 > y/f; echo 3 > y/g; diff -rNu x y | grep '^[+-][^+-]'
sed '3s/$/ mine/' a > mine; sed '18s/$/ yours/' a > yours; diff3 -m mine a yours | sed -n '3p;18p'; echo garbage | patch c; echo $?
m4 <<'E'
define(`fact', `ifelse($1, 0, 1, `eval($1 * fact(decr($1)))')')dnl
fact(10) len(`hello') esyscmd(`echo from a shell')dnl
E
jq -c '.a[] | select(.n > 1) | {n, d: (.n * 2)}' <<< '{"a":[{"n":1},{"n":2},{"n":3}]}'; jq -r 'keys | join(",")' <<< '{"b":1,"a":2}'; jq -n '[range(1000)] | add'; echo '{' | jq . ; echo $?; jq -s 'map(.x) | add' <<< '{"x":1} {"x":41}'; jq --arg v s -n '{v: $v, e: env.HOME}'
bc -l <<< 'scale=50; 4*a(1)'; bc <<< $'2^200; 17 % 5\ndefine f(n) { if (n < 2) return 1; return n * f(n-1); }\nf(30)'
expect -c 'spawn -noecho sh -c {read x; echo "got $x"}; send "hi\r"; expect "got hi\r\n"; puts "matched"; expect eof; lassign [wait] p s o r; puts "exit $r"' | tr -d '\r'
