#!/usr/bin/gawk -f
# gawk: arrays, printf, pipes, getline, coprocesses, files, system()
BEGIN {
	while (("seq 10" | getline n) > 0) sum += n * n; print sum
	"date -u -d @86400 +%F" | getline d; print d
	split("the quick brown fox", w); n = asort(w); for (i = 1; i <= n; i++) printf "%s%s", w[i], i < n ? "," : "\n"
	print 3 | "sort -n"; print 1 | "sort -n"; print 2 | "sort -n"; close("sort -n")
	cmd = "tr a-z A-Z"; print "co-process" |& cmd; close(cmd, "to"); cmd |& getline up; print up; print close(cmd)
	for (i = 0; i < 100000; i++) c[i % 97]++; print length(c), c[0]
	print "one\ntwo" > "f"; close("f"); while ((getline line < "f") > 0) print "read " line; print (getline line < "nosuch")
	print system("exit 3"), system("kill -9 $$"); print match("foobar", /o+/), RSTART, RLENGTH; print gensub(/(a+)b/, "<\\1>", "g", "aab ab b"), toupper("x"), substr("hello", 2, 3)
	printf "%d %5.2f %s %c %x %e\n", 42.9, 3.14159, "s", 65, 255, 12345.678; print strftime("%Y-%m-%d", 0, 1), mktime("1970 01 02 00 00 00"); print ENVIRON["HOME"], PROCINFO["version"] > 0
	print length(sprintf("%1000s", "")), index("abc", "c"), int(-3.7), 2 ^ 10, 7 % 3, log(1), exp(0)
	FS = ":"; while ((getline < "/etc/passwd") > 0) if ($3 < 3) print $1, $NF
	exit 0
}
