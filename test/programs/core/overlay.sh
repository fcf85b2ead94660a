#!/bin/bash
# an overlay mounted inside
mkdir lower upper o; mount -t tmpfs t upper; mkdir upper/u upper/w; echo low > lower/a; echo low > lower/b; mount -t overlay o -o lowerdir=lower,upperdir=upper/u,workdir=upper/w o || exit
echo up > o/a; rm o/b; echo new > o/c; ls o; cat o/a lower/a; stat -c '%F %n' upper/u/*; umount o
