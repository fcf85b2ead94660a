#!/bin/bash
# Arrays, functions, arithmetic, string operations, time: a long script that stays in the shell.
declare -A m=([one]=1 [two]=2 [three]=3)
for k in "${!m[@]}"; do echo "$k=${m[$k]}"; done | sort
fib() { local n=$1; (( n < 2 )) && { echo "$n"; return; }; echo $(( $(fib $((n-1))) + $(fib $((n-2))) )); }
fib 9
s="The quick brown fox"; echo "${s,,} ${s^^} ${s//o/0} ${s:4:5} ${#s} ${s%% *} ${s##* }"
printf '%05d|%-8s|%x|%q\n' 42 left 255 'a b$c'
sieve() { local i j; local -a c; for ((i=2;i<200;i++)); do [[ ${c[i]} ]] && continue; echo -n "$i "; for ((j=i*i;j<200;j+=i)); do c[j]=1; done; done; echo; }
sieve
[[ "2024-03-05" =~ ^([0-9]+)-([0-9]+)-([0-9]+)$ ]] && echo "${BASH_REMATCH[@]:1}"
case foobar in foo*) echo starts;; esac
set -- a "b c" d; echo "$# $2"; shift; echo "$*"
read -r -t 0.2 x < <(sleep 5); echo "read timed out: $(( $? > 128 ))"
TIMEFORMAT=; time sleep 0.1; (( SECONDS < 30 )) && echo in time
echo "${BASH_VERSINFO[0]} $BASHPID" | awk '{print $1, ($2 > 0)}'
eval 'for i in {1..5..2} {a..c}; do printf "%s " "$i"; done'; echo
( set -e; false; echo not reached ); echo "errexit: $?"
( set -u; echo "$undefined" ) 2>/dev/null; echo "nounset: $?"
