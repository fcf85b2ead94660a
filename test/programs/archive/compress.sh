#!/bin/bash
# gzip, bzip2, xz, zip on the same data, threads of xz, damaged files
cat /usr/include/*.h > data; md5sum < data > want
for c in 'gzip -9' 'gzip -1' bzip2 'xz -1' 'xz -T2 --block-size=200KiB -1'; do $c -k -c data > z; ${c%% *} -t z 2>/dev/null || ${c%% *} -tc < z; ${c%% *} -dc < z | md5sum | cmp - want && echo "$c: $(( $(stat -c %s z) * 100 / $(stat -c %s data) ))%"; done
gzip -k data; gzip -l data.gz | tail -1 | awk '{print $3}'; head -c 1000 data.gz > cut.gz; gzip -t cut.gz; echo $?; printf 'x' | dd of=data.gz bs=1 seek=5000 conv=notrunc status=none; gzip -t data.gz; echo $?; gunzip nosuch.gz; echo $?; rm data.gz; gzip data; ls data*; gunzip data.gz; touch -d @1000 data; gzip data; stat -c %Y data.gz; gunzip data.gz
mkdir d; cp data d/a; echo b > d/b; ln -s b d/l; zip -qry a.zip d; unzip -l a.zip | awk '{print $1,$4}' | sed -n '4,$p' | sort; unzip -q a.zip -d o; diff -r d o/d && echo same; readlink o/d/l; unzip -p a.zip d/b; zip -qd a.zip d/b; unzip -Z1 a.zip | sort; zip -qe -P pw e.zip d/b; unzip -q -P wrong -o e.zip; echo $?; unzip -t a.zip | tail -1; zcat <(gzip -c d/b); xz --robot --list <(xz -c d/b) 2>&1 | head -1 | cut -c1-4; echo "$(echo abc | xz | xz -d)"
