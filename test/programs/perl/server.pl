#!/usr/bin/perl
# A server that forks for each client over AF_UNIX, select loops, signals between them, tied files, formats
use strict; use warnings; use IO::Socket::UNIX; use IO::Select; use POSIX ":sys_wait_h"; use Fcntl;
$| = 1; my $l = IO::Socket::UNIX->new(Local => "s", Listen => 10) or die $!; my $srv = fork // die;
if (!$srv) { $SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0 }; $SIG{TERM} = sub { POSIX::_exit(0) }; while (1) { my $c = $l->accept or next; my $p = fork; if (!$p) { while (my $line = <$c>) { print $c scalar reverse($line =~ s/\n//r), "\n" } POSIX::_exit(0) } close $c } }
my @out; for my $i (1 .. 10) { my $c = IO::Socket::UNIX->new(Peer => "s") or die $!; print $c "hello $i\n"; $c->flush; push @out, scalar <$c>; close $c } print @out; kill TERM => $srv; waitpid $srv, 0; print $? >> 8, "\n";
my @p; for my $i (1 .. 3) { pipe(my $r, my $w); my $k = fork; if (!$k) { close $r; select undef, undef, undef, 0.1 * (4 - $i); print $w "child $i"; close $w; POSIX::_exit(0) } close $w; push @p, $r } my $s = IO::Select->new(@p); my @got; while ($s->count) { for my $h ($s->can_read(20)) { if (sysread $h, my $b, 100) { push @got, $b } else { $s->remove($h) } } } print join(",", sort @got), "\n"; 1 while wait > 0;
our ($name, $val); format STDOUT =
@<<<<<<< @>>>>> @##.##
$name, $val, $val
.
for (["a", 1], ["long name here", 22.5]) { ($name, $val) = @$_; write } sysopen my $f, "f", O_RDWR | O_CREAT | O_EXCL, 0600 or die; sysopen my $g, "f", O_RDWR | O_CREAT | O_EXCL, 0600 or print "$!\n"; printf "%o\n", (stat $f)[2] & 07777; syswrite $f, "x" x 100; truncate $f, 50; print -s $f, "\n"; my %n; for my $w (split /\s+/, `cat /usr/share/perl5/*.pl /etc/services 2>/dev/null`) { $n{$w}++ } print scalar(keys %n) > 100 ? "words\n" : "none\n"; local $SIG{__WARN__} = sub { print "warned: $_[0]" }; warn "careful\n"; my $x = eval { local $SIG{ALRM} = sub { die "slow\n" }; alarm 1; my $c = 0; $c++ while 1; 1 }; print $@; open my $d, ">&", \*STDOUT; print $d "dup\n"; close $d; print "umask ", sprintf("%03o", umask), " ", join(",", (getpwuid 0)[0, 7]), " ", scalar(getgrgid 0), "\n"
