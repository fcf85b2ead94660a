#!/bin/sh
# cp, mv, ln, rm, install, mkdir, touch, truncate, stat, readlink, dd
mkdir -p d/e/f; echo data > d/e/file; chmod 640 d/e/file; touch -d '2020-02-29 12:34:56' d/e/file
cp -a d copy; stat -c '%n %a %s %Y %F' copy/e/file; cp -l d/e/file hard; stat -c '%h' hard
cp -s "$PWD/d/e/file" sym; readlink sym | sed "s,$PWD,.,"; cp --reflink=auto d/e/file r; cmp r hard && echo equal
mv d/e/file d/e/f/moved; ls -R d; mv -n hard r; ls hard r; mv -b r hard; ls
ln -sfn copy here; readlink here; readlink -f here/e | sed "s,$PWD,.,"; realpath --relative-to=. here/e/file
install -D -m 755 hard usr/bin/prog; stat -c '%A %n' usr/bin/prog
truncate -s 1M sparse; stat -c '%s %b' sparse; du -k sparse; du --apparent-size -k sparse
echo end >> sparse; dd if=sparse bs=1M skip=1 status=none; cp --sparse=always sparse sparse2; cmp sparse sparse2 && echo equal
dd if=/dev/zero of=z bs=4k count=10 conv=fsync status=none; dd if=z of=z2 bs=1k skip=3 seek=5 count=7 conv=notrunc status=none; stat -c %s z z2
touch -a -d @100 t; touch -m -d @200.5 t; stat -c '%X %.Y' t; touch -r t t2; stat -c %Y t2
rm -r d; rm -v sym here; rm nothing; rmdir copy; rm -rf copy; ls
mknod pipe p; mknod null c 1 3; stat -c '%F %t:%T' pipe null; echo x > null; chmod u+s,g-r,o=x t; stat -c %A t
chown 1000:1001 t; stat -c '%u:%g' t; chown daemon: t; stat -c '%U %G' t; chgrp -h staff t; stat -c %G t
mkdir sticky; chmod 1777 sticky; stat -c %A sticky; mktemp -d | grep -c '^/tmp/tmp\.'; shred -u t2; ls t2; split -n 3 z part; ls -s part*; sync z; echo done
