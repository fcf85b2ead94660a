#!/bin/bash
# mount, umount, bind mounts, chroot, unshare
mkdir m n; mount -t tmpfs -o size=1M,mode=750 scratch m && stat -c %a m; head -c 2M /dev/zero > m/big; stat -c %s m/big; df --output=size,source m | tail -1; rm m/big
echo data > m/f; mount --bind m n; cat n/f; mount -o remount,ro,bind n; echo x > n/g; echo y > m/g; cat n/g; findmnt -n -o FSTYPE,OPTIONS --target n | grep -o 'tmpfs ro'; umount m; umount n; ls m n
mountpoint m; mount -t proc p m && ls m/self/stat && umount m; mount -t bogus m m; mount -t tmpfs none nowhere; umount m
unshare -m bash -c 'mount -t tmpfs x n; echo inside > n/f; ls n'; ls n; unshare -p -f --mount-proc bash -c 'echo $$; ps -e -o pid=,comm= | head -1'
mkdir -p root/{bin,lib,lib64,usr/bin,proc}; cp /bin/sh root/bin; cp /bin/ls root/bin; for l in $(ldd /bin/sh /bin/ls | grep -o '/lib[^ ]*\.so[^ ]*' | sort -u); do mkdir -p root/$(dirname $l); cp $l root/$l; done; chroot root /bin/sh -c 'ls /; cd /..; ls -d usr; ls /etc'
awk '$2 == "/proc" {print $3}' /proc/mounts; true
