#!/bin/sh
seq 5000 > n; grep -c 7 n; grep -E '^(12|34)5?$' n; grep -P '(?<=4)99$' n; grep -v -m3 1 n; grep -o '[0-9]$' n | sort | uniq -c | head -2; grep -rn root /etc/passwd /etc/group; grep -q x n; echo $?; grep x nofile; echo $?; grep -F -x -f - n <<E
42
4242
E
grep -rl 'GNU' /usr/include/*.h | wc -l; grep -A1 -B1 -n '^100$' n; printf 'a\0b\0' | grep -z b | tr '\0' '\n'; printf '\200\n' | grep -c .; zgrep 1 /dev/null; echo $?; fgrep -c 0 n; grep -w 10 n; grep --color=always 4999 n
sed -n '10,12p;$p' n; sed -i.bak '1d;s/^2$/two/' n; head -2 n; head -1 n.bak; sed 's/\(.\)\(.\)/\2\1/;10q' n | tail -1; sed '/^3$/,/^5$/!d' n; sed -e '1{h;d}' -e '$G' n | tail -1; echo hello | sed 'y/el/ip/;s/p/&&/2'; echo abc | sed -E 's/(b)/[\1]/w out'; cat out; sed --version | head -1; sed -s -n '$=' n n.bak; echo a.b.c | sed 's/\./\n/g'; sed '5r n.bak' n | wc -l; echo x | sed 'e echo executed'
