#!/bin/bash
# outside: sshd in the container, ssh, scp, sftp and rsync from elsewhere, and the other way round
# seconds: 150
exec 2>&1
S=/srv/shared; mkdir -p -m 755 /run/sshd; echo 'sshd:x:101:65534::/run/sshd:/usr/sbin/nologin' >> /etc/passwd; echo 'guest:x:1000:1000::/home/guest:/bin/sh' >> /etc/passwd; echo 'guest:x:1000:' >> /etc/group; echo 'guest:*:19000:0:99999:7:::' >> /etc/shadow
o="-o BatchMode=yes -o UserKnownHostsFile=$PWD/known -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR -o ConnectTimeout=20 -i $PWD/key"
# serve KEY ADDRESS...: sshd with that key, for who has the other's
serve() {
	ssh-keygen -q -t ed25519 -N '' -f host; mkdir -p -m 755 authorized; printf '%s\n' "Port 22" "HostKey $PWD/host" "PidFile $PWD/pid" 'UsePAM no' 'PermitRootLogin prohibit-password' 'PasswordAuthentication no' 'StrictModes no' "AuthorizedKeysFile $1" 'Subsystem sftp internal-sftp' 'AllowTcpForwarding yes' 'X11Forwarding no' 'UseDNS no' 'MaxStartups 100' > conf; shift
	for a; do echo "ListenAddress $a" >> conf; done
	chmod 600 host; /usr/sbin/sshd -f conf -E sshd.log || cat sshd.log
}
if [ "$1" = inside ]; then
	trap 'touch $S/up' EXIT; mkdir -p /home/guest; chown guest:guest /home/guest
	ssh-keygen -q -t ed25519 -N '' -f key; cp key.pub $S/inside.pub; until [ -e $S/outside.pub ]; do sleep 0.05; done
	serve $S/outside.pub 10.7.0.2 fd00:7::2; ip -br addr show dev eth0 | awk '{print $3}'; touch $S/up; until [ -e $S/done ]; do sleep 0.1; done
	kill $(cat pid); for i in $(seq 100); do pgrep -x sshd >/dev/null || break; sleep 0.1; done; pgrep -x sshd; grep 'fatal:' sshd.log; exit 0
fi
ssh-keygen -q -t ed25519 -N '' -f key; cp key.pub $S/outside.pub; until [ -e $S/inside.pub ]; do sleep 0.05; done
serve $S/inside.pub 10.7.0.1; until [ -e $S/up ]; do sleep 0.05; done
I=10.7.0.2; r() { ssh $o root@$I "$@"; }
echo == commands; r 'hostname; id -un; echo $SSH_CONNECTION | cut -d" " -f1,3,4; exit 7'; echo "status $?"; ssh $o guest@$I 'id; echo $HOME; pwd'; ssh $o root@fd00:7::2 'echo $SSH_CONNECTION | cut -d" " -f1,3,4'; r 'kill -9 $$'; echo "status $?"; ssh -o BatchMode=yes -o UserKnownHostsFile=$PWD/known -o IdentitiesOnly=yes -i $S/none root@$I true 2>&1 | grep -o 'Permission denied'; ssh -p 23 $o root@$I true 2>&1 | grep -o 'Connection refused'
echo == terminal; ssh -tt $o guest@$I 'tty | cut -d/ -f1-3; stty -echo; read x; echo got $x; [ -t 0 ] && echo a terminal' <<< 'a line' | tr -d '\r' | grep -v '^a line$'; ssh -tt $o root@$I 'trap "echo INT; exit 3" INT; touch /srv/shared/ready; while :; do sleep 0.05; done' < <(until [ -e $S/ready ]; do sleep 0.05; done; printf '\003'; sleep 2) | tr -d '\r' | grep -v '\^C'; echo "status ${PIPESTATUS[0]}"
echo == pipes; head -c 6000000 /usr/bin/python3.11 > big; cat /usr/bin/gcc /usr/bin/git >> big; n=$(wc -c < big); r cat < big | cmp - big && echo both ways; r 'head -c 8000000 /dev/zero | tr "\0" x' | md5sum; ssh -C $o root@$I 'md5sum' < big | cut -c1-32 | grep -c "$(md5sum < big | cut -c1-32)"; ssh -o RekeyLimit=1M $o root@$I cat < big | cmp - big && echo with new keys
for c in aes128-ctr chacha20-poly1305@openssh.com aes256-gcm@openssh.com; do ssh -c $c $o root@$I md5sum < big | cut -c1-32 | grep -c "$(md5sum < big | cut -c1-32)"; done
echo == scp; for p in -s -O; do scp $p -q $o big root@$I:/tmp/work/to$p; scp $p -q $o root@$I:/tmp/work/to$p back; cmp big back && echo "same $p"; rm back; done; r 'ls /tmp/work/to* | wc -l; cmp /tmp/work/to-s /tmp/work/to-O && echo same'; mkdir tree; cp -r /usr/include/asm-generic tree; ln -s asm-generic/fcntl.h tree/link; scp -pqr $o tree "root@[fd00:7::2]:/tmp/work"; scp -pqr $o "root@[fd00:7::2]:/tmp/work/tree" tree2; diff -r tree tree2 && echo trees; scp $o root@$I:/none . 2>&1 | grep -o 'No such file.*'
echo == sftp; printf '%s\n' 'mkdir /tmp/work/s' 'cd /tmp/work/s' 'put big' 'get big back' 'chmod 600 big' 'rename big x' 'symlink x y' 'ls -1' 'rm x' 'ls -1' > batch; sftp -q -b batch $o root@$I | grep -v '^sftp>'; cmp big back && echo same; ssh $o root@$I 'ls /tmp/work/s'
echo == rsync; rsync -a -e "ssh $o" tree/ root@$I:/tmp/work/r/; echo more > tree/more; rm tree/link; rsync -ai --delete -e "ssh $o" tree/ root@$I:/tmp/work/r/ | grep -v '^\.'; rsync -a -e "ssh $o" root@$I:/tmp/work/r/ tree3; diff -r tree tree3 && echo same
echo == forwarding; ssh $o -f -N -M -S ctl -L 2200:10.7.0.2:22 -R 2201:10.7.0.1:22 root@$I; ssh -S ctl x echo multiplexed; ssh -p 2200 -o HostKeyAlias=$I $o root@127.0.0.1 md5sum < big | cut -c1-32 | grep -c "$(md5sum < big | cut -c1-32)"; ssh -S ctl x "ssh -p 2201 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -i /tmp/work/key root@127.0.0.1 md5sum" < big | cut -c1-32 | grep -c "$(md5sum < big | cut -c1-32)"; for i in 1 2 3 4 5 6; do ssh -S ctl x "head -c ${i}00000 /tmp/work/to-s | md5sum" > m$i & done; wait $(jobs -p); for i in 1 2 3 4 5 6; do head -c ${i}00000 big | md5sum | cmp - m$i && echo $i; done; ssh -q -S ctl -O exit x
echo == from inside; r "scp -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -i /tmp/work/key root@10.7.0.1:$PWD/big /tmp/work/taken && cmp /tmp/work/taken /tmp/work/to-s && echo taken; scp -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -i /tmp/work/key /tmp/work/taken root@10.7.0.1:$PWD/given"; cmp big given && echo given
echo == many; p=; for i in $(seq 12); do r "echo $i; head -c 300000 /tmp/work/to-s | md5sum" > many$i & p="$p $!"; done; wait $p; cat many? many?? | sort | uniq -c | sort -n | awk '{print $1, $2}' | tail -3
kill $(cat pid); touch $S/done
