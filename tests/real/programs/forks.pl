# Perl's fork, pipe open, exit codes, signals to children, and a fan-out whose results come back in order.
use strict;
use warnings;
use POSIX ":sys_wait_h";
use IO::Handle;
$| = 1;

# open with "-|": the child's output is read line by line.
my $pid = open(my $from, "-|") // die;
if (!$pid) { print "line $_ of child\n" for 1 .. 3; exit 4 }
print "got: $_" while <$from>;
close $from;
print "status ", $? >> 8, "\n";

# "|-": the child reads what the parent writes.
my $sum = open(my $to, "|-") // die;
if (!$sum) { my $s = 0; $s += $_ while <STDIN>; print "sum $s\n"; exit 0 }
print $to "$_\n" for 1 .. 20000;
close $to;

# Twenty workers with data of their own.
my %jobs;
my @shared = (1 .. 1000);
for my $n (1 .. 20) {
    pipe(my $r, my $w);
    my $kid = fork // die;
    if (!$kid) {
        close $r;
        @shared = map { $_ * $n } @shared;
        my $total = 0;
        $total += $_ for @shared;
        print $w "$n $total\n";
        close $w;
        POSIX::_exit($n);
    }
    close $w;
    $jobs{$kid} = [$n, $r];
}
my @lines;
while ((my $kid = wait) > 0) {
    my ($n, $r) = @{$jobs{$kid}};
    my $line = <$r>;
    push @lines, "worker " . ($? >> 8) . " says $line";
}
print sort { ($a =~ /(\d+)/)[0] <=> ($b =~ /(\d+)/)[0] } @lines;
print "mine: $shared[9]\n";

# Signals to a child, and from it.
my $heard = 0;
local $SIG{USR1} = sub { $heard++ };
my $parent = $$;
my $kid = fork // die;
if (!$kid) {
    local $SIG{TERM} = sub { kill USR1 => $parent; exit 9 };
    sleep 1 while 1;
}
select undef, undef, undef, 0.1;
kill TERM => $kid;
waitpid $kid, 0;
print "child ended with ", $? >> 8, ", heard $heard\n";

# A killed child, a nested one, backquotes, system with a list, and exec.
$kid = fork // die;
if (!$kid) { sleep 100 }
kill KILL => $kid;
waitpid $kid, 0;
print "signal ", $? & 127, "\n";
print "backquotes: ", `echo \$((6 * 7)) | cat`;
system("sh", "-c", "(exit 3) || exit 5");
print "system ", $? >> 8, "\n";
$kid = fork // die;
if (!$kid) { exec "printf", "%s-%s\\n", "exec", "done" }
waitpid $kid, 0;
print "zombies left: ", (waitpid(-1, WNOHANG) == -1 ? "none" : "some"), "\n";
