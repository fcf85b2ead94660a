#!/bin/bash
# ss: sockets that listen, by netlink's sock_diag
ip link set lo up; python3 -c 'import socket, time; s = socket.create_server(("127.0.0.1", 8080)); print("up", flush=True); time.sleep(60)' > up & for i in $(seq 100); do [ -s up ] && break; sleep 0.05; done; ss -ltn | awk 'NR > 1 {print $1,$4}'; kill $!; wait 2>/dev/null; true
