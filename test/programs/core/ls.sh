#!/bin/sh
# ls, find, du, tree walks
mkdir -p t/a/b t/c; for i in 1 2 3 4 5; do head -c ${i}00 /dev/zero > t/a/f$i; done; touch -d @1000000000 t/a/f*; ln -s ../c t/a/link; mkfifo t/c/fifo
ls -l --time-style=+%s t/a | sed 's/^total.*/total/' | sed '/ [bl]/s/ [0-9]\{10\} / T /'; ls -A t; ls -F t/a t/c; ls -1S t/a; ls -d t/*/; ls -i t/a/f1 | awk '{print ($1 > 0)}'
find t | sort; find t -type f -size +300c | sort; find t -type l -printf '%p -> %l\n'; find -L t -type d | sort; find t -name 'f[23]' -exec wc -c {} + | sort
find t -type f -newermt @999999999 ! -newermt @1000000001 | wc -l; find t -empty | sort; find t -perm /111 -type f; find t -depth -name 'f*' -delete; find t | sort
find / -xdev -maxdepth 1 | sort | grep -v -x -e /srv -e /.dockerenv; find /usr/bin -name 'z*' | sort | head -20; find /etc -maxdepth 1 -user root -type f | sort | tail -5
find /usr/share -type f | wc -l; find /usr/lib -name '*.so*' -type l | wc -l; ls /dev | sort | grep -v -x -e console -e core | tr '\n' ' '; echo; ls -l /dev/null /dev/zero | awk '{print $1,$3,$4,$5,$6,$10}'
mkdir many; cd many; seq 3000 | xargs touch; ls | wc -l; ls -f | grep -c '^[0-9]'; find . -name '*7' | wc -l; rm *5; ls | wc -l; cd ..; rm -r many; ls
seq 10 | xargs -n 3 echo; seq 4 | xargs -P 4 -I{} sh -c 'echo {}' | sort; printf 'a b\0c\0' | xargs -0 -n1 echo; echo 1 2 | xargs false; echo $?
