# Packets beside the common ones: siginfo, signals that pass, tables, searches, thread-local storage. Read by tests/gdb/run.

for link in static dynamic; do
both "siginfo is read and written: $link" "$work/packets-$link" <<'END'
handle SIGUSR1 stop print pass
handle SIGUSR2 nostop noprint pass
continue
p $_siginfo.si_signo
p $_siginfo.si_code
p $_siginfo._sifields._rt.si_sigval.sival_int
p $_siginfo._sifields._rt.si_pid > 0
set var $_siginfo._sifields._rt.si_sigval.sival_int = 43
p usr2s + twice(4)
break checkpoint
continue
p seen_value
p $_siginfo.si_signo
p $_siginfo.si_code
p usr2s
delete
continue
----
received signal SIGUSR1
\$1 = 10
\$2 = -1
\$3 = 42
\$4 = 1
\$5 = 8
Breakpoint 1.*, checkpoint \(where=2\)
\$6 = 43
\$7 = 5
\$8 = 128
\$9 = 2
exited normally
END
done

both "siginfo of a step and of a fault" "$work/events-dynamic" <<'END'
break main
continue
stepi
p $_siginfo.si_signo
p $_siginfo.si_code
handle SIGUSR1 nostop noprint pass
continue
p $_siginfo.si_signo
p $_siginfo.si_code
p $_siginfo._sifields._sigfault.si_addr
continue
----
Breakpoint 1.*, main
\$1 = 5
\$2 = 2
received signal SIGSEGV
\$3 = 11
\$4 = 1
\$5 = \(void \*\) 0x8
exited normally
END

# A signal that passes is no stop; one that does not pass is dropped.
both "signals that pass and signals that do not" "$work/events-static" <<'END'
handle SIGUSR1 nostop noprint nopass
handle SIGSEGV nostop print pass
info signals SIGUSR1
continue
----
SIGUSR1 .*No.*No.*No
received signal SIGSEGV
exited with code 01
END

ours "detach: a signal that shall not pass does not" "$work/events-static" <<'END'
handle SIGUSR1 stop print nopass
continue
detach
----
received signal SIGUSR1
detached
END
that "detach: the signal did not arrive" test "$status $(cat "$work/out")" = "1 usr1 0 alarms 1"

both "find" "$work/packets-dynamic" <<'END'
break checkpoint
continue
find &haystack, +sizeof(haystack), 'n', 'e', 'e', 'd', 'l', 'e'
p (long)$_ - (long)&haystack
p $numfound
find &haystack, +sizeof(haystack), 'h', 'a', 'y', 's'
kill
----
0x[0-9a-f]+ <haystack\+5000>
1 pattern found.
\$1 = 5000
\$2 = 1
Pattern not found.
END

ours "info os" "$work/threads-dynamic" <<'END'
break spinner
continue
info os
info os processes
info os procgroups
info os threads
info os files
kill
----
^processes +Listing of all processes
^threads +Listing of all threads
^pid +user +command +cores
^1 +[0-9]+ +/.*threads-dynamic +0
^pgid +leader command +pid +command line
^1 +.*threads-dynamic +1 +
^pid +command +tid +core
^1 +spinner +[0-9]+ +0
^pid +command +file descriptor +name
^1 +threads-dynamic +0 +/dev/null
END

cat > "$work/library.c" <<'END'
static __thread int library_counted = 100;
int library_count(void) { return ++library_counted; }
END
gcc -g -shared -fPIC -o "$work/library.so" "$work/library.c"
for link in static dynamic; do
ours "thread-local storage: $link" "$work/packets-$link" <<'END'
handle SIGUSR1 nostop noprint pass
handle SIGUSR2 nostop noprint pass
break checkpoint
continue
p counted
p zeroed
set var counted = 18
p counted
continue
p counted
p zeroed
thread 1
p counted
p zeroed
delete
continue
----
Breakpoint 1.*, checkpoint \(where=1\)
\$1 = 8
\$2 = 70
\$3 = 18
Breakpoint 1.*, checkpoint \(where=2\)
\$4 = 8
\$5 = 80
Switching to thread 1
\$6 = 17
\$7 = 70
exited normally
END
done

both "errno of two threads" "$work/packets-dynamic" <<'END'
handle SIGUSR1 nostop noprint pass
handle SIGUSR2 nostop noprint pass
break checkpoint
continue
p errno
continue
p errno
delete
continue
----
Breakpoint 1.*, checkpoint \(where=1\)
\$1 = 5
Breakpoint 1.*, checkpoint \(where=2\)
\$2 = 4
exited normally
END

both "thread-local storage of a library that came late" "$work/packets-dynamic" "$work/library.so" <<'END'
handle SIGUSR1 nostop noprint pass
handle SIGUSR2 nostop noprint pass
break checkpoint if where == 3
continue
p library_counted
p counted
delete
continue
----
Breakpoint 1.*, checkpoint \(where=3\)
\$1 = 101
\$2 = 7
exited normally
END

if command -v musl-gcc > /dev/null && musl-gcc -g -pthread -o "$work/packets-musl" "$here/packets.c" 2> "$work/err"; then
ours "thread-local storage: musl" "$work/packets-musl" <<'END'
handle SIGUSR1 nostop noprint pass
handle SIGUSR2 nostop noprint pass
break checkpoint
continue
p counted
p zeroed
continue
p counted
p zeroed
delete
continue
----
Breakpoint 1.*, checkpoint \(where=1\)
\$1 = 8
\$2 = 70
Breakpoint 1.*, checkpoint \(where=2\)
\$3 = 8
\$4 = 80
exited normally
END
else
    skipped=$((skipped + 1)); echo "skip thread-local storage: musl: no musl-gcc"
fi

ours "what llano cannot do is said" "$work/steps-static" <<'END'
maint packet vRun;
maint packet QNonStop:1
maint packet vAttach;5
maint packet nonsense
maint packet mffffffffffffff00,ffffffffffffffff
maint packet Z0,zz,1
maint packet vCont;s
print 1 + 1
kill
----
received: "E.llano runs already
received: "E.llano stops all tasks together
received: "E.all tasks are attached
received: ""
received: "E0e"
received: "E16"
received: "E16"
\$1 = 2
END
