#!/bin/bash
# ip and bridge: namespaces joined by veths, a bridge and a router, as sets of containers are; what is shown of it
mount -o remount,bind,rw /proc/sys 2>/dev/null || mount -t proc proc /proc
exec 2>&1
sysctl() { for v; do echo "${v#*=}" > "/proc/sys/${v%%=*}" || echo "cannot set $v"; done; }
ip link set lo up
sysctl net/ipv6/conf/default/disable_ipv6=1 net/ipv4/ip_forward=1
for n in a b c; do ip netns add $n; ip -n $n link set lo up; ip netns exec $n bash -c 'echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6'; done
ip link add br0 address 02:00:00:00:01:01 type bridge
for n in a b; do
	ip link add p$n address 02:00:00:00:02:0$n type veth peer name eth0 address 02:00:00:00:03:0$n netns $n
	ip link set p$n master br0 up
	ip -n $n link set eth0 up
done
ip link add pc address 02:00:00:00:02:0c type veth peer name eth0 address 02:00:00:00:03:0c netns c
ip addr add 10.1.0.1/24 brd + dev br0; ip link set br0 up; ip -n a addr add 10.1.0.2/24 dev eth0; ip -n b addr add 10.1.0.3/24 dev eth0
ip addr add 10.2.0.1/24 dev pc; ip link set pc up; ip -n c addr add 10.2.0.2/24 dev eth0; ip -n c link set eth0 up
ip -n c route add default via 10.2.0.1; ip -n a route add default via 10.1.0.1
sleep 2 # the host's kernel looks at carriers once a second
# what it looks like
ip link; ip addr; ip route show table all; ip rule; ip -n a link; ip -n a addr; ip -n a route; ip -n a route get 10.2.0.2; ip netns list | sort
ip link show master br0; ip link show type veth; bridge link | sort; ip -o -4 addr show dev br0
# what goes through
cat > serve.py <<'P'
import socket, sys
t = socket.create_server(("0.0.0.0", 99)); u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("0.0.0.0", 98)); open("up", "w").close()
b, a = u.recvfrom(70000); print("datagram of", len(b), "from", a[0], flush=True); u.sendto(b, a)
c, a = t.accept(); n = 0
while b := c.recv(65536): n += len(b)
print("stream of", n, "from", a[0], flush=True); c.sendall(b"x" * 3000000)
P
cat > ask.py <<'P'
import socket, sys
to = sys.argv[1]
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(10); u.sendto(b"y" * 1000, (to, 98)); print("back", len(u.recv(70000)))
s = socket.create_connection((to, 99), 10); s.sendall(b"y" * 5000000); s.shutdown(1); n = 0
while b := s.recv(65536): n += len(b)
print("back", n)
for k in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    s = socket.socket(socket.AF_INET, k)
    try: s.settimeout(10); s.connect((to, 97)); s.send(b""); s.recv(1)
    except Exception as e: print(e)
P
talk() { rm -f up; ip netns exec $2 python3 serve.py & while [ ! -e up ]; do sleep 0.05; done; ip netns exec $1 python3 ask.py $3; wait; }
talk a b 10.1.0.3; talk a c 10.2.0.2; talk c a 10.1.0.2
ip netns exec c python3 -c 'import socket
for to in "10.9.0.1", "10.1.0.77":
    s = socket.socket(); s.settimeout(10)
    try: s.connect((to, 1))
    except Exception as e: print(to, e)'
ip neigh | sed 's/REACHABLE\|DELAY\|STALE\|PROBE/known/' | grep -v 'FAILED\|INCOMPLETE' | sort; bridge fdb show br br0 | grep -v 'self\|permanent' | sort
# changes
ip link set pc mtu 1400 txqueuelen 10 alias "to c"; ip link show pc; ip link set pc down; ip route; ip link set pc name pd; ip link show pd | head -1; ip link set pa nomaster; bridge link
ip rule add from 10.1.0.0/24 table 100; ip route add 10.5.0.0/16 via 10.1.0.3 table 100; ip rule; ip route show table 100; ip route get 10.5.0.1; ip route get 10.5.0.1 from 10.1.0.1
ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:09 dev br0; ip neigh show 10.1.0.9; ip neigh del 10.1.0.9 dev br0
ip link add pa type veth; ip link add t type nosuch; ip link set br0 master br0; ip route add 10.6.0.0/16 via 10.77.0.1; ip addr add 10.1.0.1/24 dev br0; ip addr del 10.1.0.8/24 dev br0; ip link set nodev up; ip link set pa mtu 10
for n in a b c; do ip netns del $n; done
for i in $(seq 200); do [ -z "$(ip -o link show type veth)" ] && break; sleep 0.05; done
ip link del br0; ip link; ip netns list; ip route; true
