#!/bin/bash
# ss: sockets by netlink's sock_diag, with states, filters, memory, unix sockets and programs
ip link set lo up
python3 - <<'P' > up &
import socket, time
a = socket.create_server(("127.0.0.1", 8080))
b = socket.socket(socket.AF_INET6); b.bind(("::", 8081)); b.listen(7)
c = socket.socket(); c.bind(("127.0.0.1", 8082)); c.connect(("127.0.0.1", 8080)); d, _ = a.accept(); c.send(b"hello")
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 9000))
x = socket.socket(socket.AF_UNIX); x.bind("\0abs"); x.listen(5); y = socket.socket(socket.AF_UNIX); y.connect("\0abs")
print("up", flush=True); time.sleep(60)
P
for i in $(seq 200); do [ -s up ] && break; sleep 0.05; done
run() { echo "== $*"; ss -H "$@" 2>&1 | sed 's/pid=[0-9]*//; s/[[:space:]][[:space:]]*/ /g; s/ $//' | sort; }
run -ltn
run -tn
run -tn dport = 8080
run -tn 'dst 127.0.0.0/8 and sport gt :8000 and sport lt :8082'
run -tan state listening
run -uan
run -ltnp
run -lx src @abs | awk '{print $1, $2, $3, $4, $5}'
ss -H -tim dport = 8080 | grep -o -e skmem -e 'sack' -e 'bytes_sent:5'
kill $!; wait 2>/dev/null; true
