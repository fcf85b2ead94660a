#!/bin/bash
# seconds: 150
# PostgreSQL asked over the network: pgbench and psql in another namespace than the server, both versions, many clients
exec 2>&1
B=$(echo /usr/lib/postgresql/*/bin); PATH=$PATH:$B; chmod 755 .; D=$PWD/data; mkdir $D run; chown 1000:1000 $D run; echo 'pguser:x:1000:1000::/tmp:/bin/sh' >> /etc/passwd; export LC_ALL=C.UTF-8 PGDATABASE=postgres; as() { setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/tmp PGUSER=pguser "$@"; }; q() { as psql -X -A -t -q -c "$@" 2>&1; }
ip link set lo up; ip netns add far; ip -n far link set lo up; ip link add near type veth peer name far netns far; ip link set near up; ip -n far link set far up; ip addr add 10.6.0.1/24 dev near; ip -n far addr add 10.6.0.2/24 dev far; ip addr add fd00:6::1/64 dev near nodad; ip -n far addr add fd00:6::2/64 dev far nodad
as initdb -U pguser -D $D --no-sync -A trust >log 2>&1 || tail log
printf 'host all all 10.6.0.0/24 trust\nhost all all fd00:6::/64 trust\n' >> $D/pg_hba.conf
ip netns exec far setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/tmp PGUSER=pguser pg_ctl -D $D -w -t 60 -l $PWD/run/log -o "-k $PWD/run -c listen_addresses='10.6.0.2,fd00:6::2' -c shared_buffers=16MB -c fsync=off" start >/dev/null || tail run/log
for h in 10.6.0.2 fd00:6::2; do
	export PGHOST=$h
	q 'select inet_server_addr(), inet_client_addr()'; as pgbench -i -q >/dev/null 2>&1; as pgbench -c 8 -j 4 -t 25 2>/dev/null | grep 'actually processed'; as pgbench -S -C -c 4 -j 2 -t 20 2>/dev/null | grep 'actually processed'
	[ $h = 10.6.0.2 ] || continue
	as pgbench -M prepared -c 4 -t 25 2>/dev/null | grep 'actually processed'
	q 'select count(*) from pgbench_history'; q 'select sum(abalance) = (select sum(bbalance) from pgbench_branches) from pgbench_accounts'; q "select length(string_agg(md5(i::text), '')) from generate_series(1, 100000) i"; q "select string_agg(md5(i::text), '') from generate_series(1, 60000) i" | md5sum
	as psql -X -q -c "\\copy (select i, md5(i::text) from generate_series(1, 50000) i) to 'run/copy'"; md5sum < run/copy; q 'create table c(a int, b text)'; as psql -X -q -c "\\copy c from 'run/copy'"; q 'select count(*), md5(string_agg(b, $$$$ order by a)) from c'; q 'drop table c'
done
PGHOST=10.6.0.3 PGCONNECT_TIMEOUT=10 q 'select 1' | grep -o 'No route to host'; PGPORT=9 q 'select 1' | grep -o 'Connection refused'
ip netns exec far setpriv --reuid 1000 --regid 1000 --clear-groups $B/pg_ctl -D $D -m fast -w stop | tail -1; ip netns del far
