#!/bin/bash
# Redirections, tests of files, globs, here documents, umask.
shopt -s extglob globstar nullglob dotglob
mkdir -p a/b/c; touch a/x.txt a/b/y.txt a/b/c/z.txt .hidden
echo **/*.txt; echo *; echo a/!(b); echo none*
umask 077; touch private; umask 022; stat -c '%a %n' private a/x.txt
ln -s a/x.txt link; ln a/x.txt hard; ln -s nowhere dangling
for t in e f d L s r w x; do for f in a a/x.txt link dangling private /bin/sh; do
	if test -$t $f; then echo -n "$t:$f "; fi; done; done; echo
[ a/x.txt -ef hard ] && echo same file; [ private -nt a/x.txt ] && echo newer
set -o noclobber; { echo x > private2; echo y > private2; } 2>&1; echo z >| private2; cat private2
exec 5> log; echo one >&5; exec 6>&5; echo two >&6; exec 5>&- 6>&-; cat log
cat nothere; echo "$?"; cat a; echo "$?"; ./private; echo "$?"; nosuchcommand; echo "$?"
while read -r -u 4 line; do echo "line: $line"; done 4<<END
one $((1 + 1))
`echo three`
END
echo /proc/self/fd/* | wc -w
cd a/b; pwd; cd ..; pwd; cd "$OLDPWD"; pwd; pushd / >/dev/null; dirs -l; popd
mapfile -t lines < <(seq 5); echo "${#lines[@]} ${lines[4]}"
