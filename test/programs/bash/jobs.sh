#!/bin/bash
# Background jobs, wait in its forms, job control.
sleep 0.2 & a=$!
(exit 3) & b=$!
wait $b; echo "b: $?"
wait $a; echo "a: $?"
mkfifo 1 2 3 4; for i in 1 2 3 4; do (read < $i; exit $i) & done
# bash 5.2's wait -n waits for the next job if one ends between its look for ended jobs and its wait4(2).
left=4
for i in 3 1 4 2; do
	echo > $i; left=$((left - 1))
	until [ $(jobs -r | wc -l) = $left ]; do sleep 0.01; done
	wait -n; echo "one ended: $?"
done
wait -n; echo "none left: $?"
set -m
sleep 100 & jobs -r | sed 's/ *$//'
kill -STOP %1; until [ -n "$(jobs -s)" ]; do sleep 0.05; done; jobs -s | sed 's/ *$//'
kill -CONT %1; kill %1; wait %1; echo "killed: $?"
sleep 0.1 | cat & wait %%; echo "pipeline: $?"
timeout 0.3 sleep 10; echo "timeout: $?"
{ timeout -s KILL 0.3 sleep 10; } 2>/dev/null; echo "timeout with KILL: $?"
