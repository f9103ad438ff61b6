# Sorting, regular expressions, hashes, sprintf, local time, pack: perl without any child.
use strict; use warnings; use POSIX qw(strftime floor);
my (%seen, @words);
while (<STDIN>) { for (/\b([a-z]{3,})\b/gi) { $seen{lc $1}++; push @words, $1 } }
my @top = sort { $seen{$b} <=> $seen{$a} || $a cmp $b } keys %seen;
printf "%-12s %6d\n", $_, $seen{$_} for @top[0 .. 14];
my $text = join " ", @words[0 .. 200]; $text =~ s/(\w)(\w*)/\U$1\E$2/g; print substr($text, 0, 60), "\n";
print scalar(@words), " ", unpack("%32C*", join "", @words), "\n";
print strftime("%Y-%m-%d %H:%M:%S", gmtime 86400 * 365), " ", floor(-2.5), "\n";
my %h = map { $_ => $_ ** 2 } 1 .. 50000; my $s = 0; $s += $h{$_} for keys %h; print "$s\n";
print join(",", map { sprintf "%x", $_ } unpack "N*", pack "n*", 1 .. 8), "\n";
