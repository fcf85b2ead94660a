#!/bin/bash
seq 1000 | awk '{s+=$1} END {print s}'
yes | head -3
printf '%s\n' b a c | sort | tee sorted | tail -1
cat sorted
false | true; echo "$? ${PIPESTATUS[*]}"
set -o pipefail
false | true; echo "$?"
diff <(seq 3) <(seq 4)
echo "$(echo nested "$(echo deeper)")"
seq 100000 | head -1
cat <(seq 2) - <<< three
mkfifo p; (echo through a fifo > p &); cat p
exec 3<> file; echo written >&3; cat file; exec 3>&-
{ echo out; echo err >&2; } 2>&1 >/dev/null | sed 's/^/piped: /'
coproc cat; echo hello >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "coproc said $line"
