#!/bin/sh
# Other users: permissions, setuid programs, capabilities of a process, su and runuser.
run() { setpriv --reuid "$1" --regid "$1" --clear-groups sh -c "$2" 2>&1; }
chmod 755 .; mkdir open closed; chmod 777 open; chmod 700 closed; echo secret > closed/f; echo shared > open/f; chmod 644 open/f
run 1000 'id -u; id -g; cat closed/f; cat open/f; echo x > open/f; echo mine > open/mine; ls -ln open | tail -n +2 | cut -c1-24; rm -f open/f; ls open; touch here'
chmod 1777 open; run 1001 'rm open/mine; mv open/mine open/his'; run 1000 'chmod 600 open/mine; chown 1001 open/mine; chgrp 1000 open/mine'; run 1001 'cat open/mine'
cp /usr/bin/id suid; chmod 4755 suid; run 1000 './suid -u; ./suid -ru'; cp /usr/bin/id sgid; chgrp 50 sgid; chmod 2755 sgid; run 1000 './sgid -g; ./sgid -rg'
run 1000 'grep -E "^Cap(Prm|Eff)" /proc/self/status; kill -0 1; mount -t tmpfs none open; chroot / true; hostname x; nice -n -5 true; mknod n c 1 3'
setpriv --inh-caps=-all --bounding-set=-all true && echo bounding; setpriv --no-new-privs ./suid -u; run 1000 'exec setpriv --no-new-privs ./suid -u'
su -s /bin/sh daemon -c 'id -un; echo $HOME'; runuser -u nobody -- id; su -s /bin/sh nobody -c 'cat /etc/shadow; ulimit -n'
setfattr -n trusted.t -v 1 open && getfattr -n trusted.t --only-values open; echo
chgrp 1002 open; chmod 2775 open; mkdir open/sub; stat -c '%g %a' open/sub; touch open/inherit; stat -c %g open/inherit
