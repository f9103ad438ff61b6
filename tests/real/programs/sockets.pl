# AF_UNIX in one process: a listener, a client, datagrams by name, a socketpair, and the hash of what came.
use strict; use warnings;
use Socket; use IO::Socket::UNIX; use IO::Select;
my $dir = "/tmp/llano-sockets-$$"; mkdir $dir or die "mkdir: $!";
my $server = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "$dir/s", Listen => 5) or die "listen: $!";
my $client = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => "$dir/s") or die "connect: $!";
my $peer = $server->accept or die "accept: $!";
$client->autoflush(1); $peer->autoflush(1);
my %count;
for my $n (1 .. 500) {
    print $client "line $n\n";
    my $got = <$peer>; chomp $got; $count{length $got}++;
    print $peer uc($got), "\n";
    my $back = <$client>; $count{substr $back, 0, 5}++;
}
print join(" ", map { "$_=$count{$_}" } sort keys %count), "\n";
my $select = IO::Select->new($peer);
print "readable before: ", scalar(() = $select->can_read(0)), "\n";
close $client;
print "readable after close: ", scalar(() = $select->can_read(1)), ", eof: ", (eof($peer) ? 1 : 0), "\n";
socketpair(my $a, my $b, AF_UNIX, SOCK_DGRAM, 0) or die "socketpair: $!";
send($a, "one", 0); send($a, "two", 0);
recv($b, my $x, 100, 0); recv($b, my $y, 100, 0); print "$x $y\n";
socket(my $d, AF_UNIX, SOCK_DGRAM, 0); bind($d, sockaddr_un("$dir/d")) or die "bind: $!";
socket(my $e, AF_UNIX, SOCK_DGRAM, 0); send($e, "by name", 0, sockaddr_un("$dir/d")) or die "send: $!";
recv($d, $x, 100, 0); print "$x\n";
print "refused: ", (IO::Socket::UNIX->new(Peer => "$dir/none") ? "no" : "$!"), "\n";
opendir(my $h, $dir); print join(" ", sort grep { !/^\./ } readdir $h), "\n";
unlink "$dir/s", "$dir/d"; rmdir $dir or die "rmdir: $!";
