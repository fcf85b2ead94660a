#!/bin/bash
# outside: PostgreSQL in the container, pgbench and psql from elsewhere
# seconds: 150
exec 2>&1
S=/srv/shared; B=$(echo /usr/lib/postgresql/*/bin); PATH=$PATH:$B; chmod 755 .; D=$PWD/data; export LC_ALL=C.UTF-8 PGDATABASE=postgres; echo 'pguser:x:1000:1000::/tmp:/bin/sh' >> /etc/passwd
as() { setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/tmp PGUSER=pguser "$@"; }; q() { as psql -X -A -t -q -c "$@" 2>&1; }
if [ "$1" = inside ]; then
	trap 'touch $S/up' EXIT; mkdir $D run; chown 1000:1000 $D run; openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=db -keyout run/key -out run/crt 2>/dev/null; chown 1000:1000 run/key run/crt; chmod 600 run/key
	as initdb -U pguser -D $D --no-sync -A trust > log || tail log
	printf 'host all all 10.7.0.1/32 trust\nhostssl all all fd00:7::1/128 trust\n' >> $D/pg_hba.conf
	as pg_ctl -D $D -w -t 60 -l $PWD/run/log -o "-k $PWD/run -c listen_addresses=* -c shared_buffers=16MB -c fsync=off -c ssl=on -c ssl_cert_file=$PWD/run/crt -c ssl_key_file=$PWD/run/key" start > /dev/null || tail run/log
	touch $S/up; until [ -e $S/done ]; do sleep 0.1; done; as pg_ctl -D $D -m fast -w stop | tail -1; grep -c 'FATAL\|PANIC' run/log; exit 0
fi
until [ -e $S/up ]; do sleep 0.05; done
for h in 10.7.0.2 fd00:7::2; do
	export PGHOST=$h PGSSLMODE=disable; [ $h = 10.7.0.2 ] || PGSSLMODE=require
	q 'select inet_server_addr(), inet_client_addr(), (select ssl from pg_stat_ssl where pid = pg_backend_pid())'; as pgbench -i -q -s 2 > init 2>&1 || cat init
	for args in '-c 8 -j 4 -t 25' '-S -C -c 4 -j 2 -t 20' '-M prepared -c 4 -t 25' '-S -M extended -c 16 -j 2 -t 30'; do as pgbench -n $args 2>&1 | grep 'actually processed\|failed\|FATAL'; done
	q 'select count(*) from pgbench_history'; q 'select sum(abalance) = (select sum(bbalance) from pgbench_branches) from pgbench_accounts'; q "select string_agg(md5(i::text), '') from generate_series(1, 60000) i" | md5sum
	seq 100000 | awk '{print $1 "\t" $1 * 7 "\tsome text"}' > in; q 'create table c(a int, b int, t text)'; as psql -X -q -c '\copy c from stdin' < in; q 'select count(*), sum(a), sum(b) from c'; as psql -X -q -c '\copy (select * from c order by a) to stdout' | cmp - in && echo copied; as pg_dump -t c | grep -c 'some text'; q 'drop table c'
	as psql -X -q -c "select pg_sleep(600)" > ended 2>&1 & until [ "$(q "select count(*) from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()")" = 1 ]; do sleep 0.1; done; q "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()"; wait $!; head -1 ended
done
PGSSLMODE=disable q 'select 1' | grep -o 'no encryption'; PGPORT=9 q 'select 1' | grep -o 'Connection refused'; PGHOST=10.7.0.3 PGCONNECT_TIMEOUT=10 q 'select 1' | grep -o 'No route to host'
touch $S/done
