# One program under gdb, on llano and natively. Read by tests/gdb/run.

for link in static dynamic; do
both "break, backtrace, step: $link" "$work/steps-$link" <<'END'
break leaf
continue
bt
info locals
next
print twice
finish
step
step
print counter
set var ratio = 7.25
info breakpoints
delete
tbreak steps.c:add
continue
print a
print b
print $orig_rax
finish
continue
----
Breakpoint 1 at 0x[0-9a-f]+: file .*steps.c, line 10
Breakpoint 1, leaf \(n=0\) at .*steps.c:10
^#0  leaf \(n=0\) at .*steps.c:10
^#1  0x[0-9a-f]+ in middle \(n=0\) at .*steps.c:16
^#2  0x[0-9a-f]+ in main \(argc=1, argv=.*\) at .*steps.c:30
^twice = 
^11
\$1 = 0
Value returned is \$2 = 1
^17
^18
\$3 = 1
breakpoint already hit 1 time
Temporary breakpoint 2(\.1)?, add \(a=9, b=1\) at .*steps.c:23
\$4 = 9
\$5 = 1
\$6 = -1
Value returned is \$7 = 10
\[Inferior 1 \(process [0-9]+\) exited with code 012\]
END

levels=O2 both "break, backtrace, finish in optimized code: $link" "$work/steps-$link" <<'END'
break leaf
continue
bt
info locals
finish
finish
tbreak steps.c:add
delete 1
continue
print a
print $orig_rax
finish
continue
----
Breakpoint 1 at 0x[0-9a-f]+: file .*steps.c, line 11
Breakpoint 1, leaf \(n=(n@entry=)?0\) at .*steps.c:11
^#0  leaf \(n=(n@entry=)?0\) at .*steps.c:11
^#1  0x[0-9a-f]+ in middle \(n=(n@entry=)?0\) at .*steps.c:16
^#2  0x[0-9a-f]+ in main \(argc=.*1, argv=.*\) at .*steps.c:30
^twice = 0
Value returned is \$1 = 1
Value returned is \$2 = 1
Temporary breakpoint 2(\.1)?, add \(a=.*, b=.*\) at .*steps.c:
\$3 = 9
\$4 = -1
Value returned is \$5 = 10
exited with code 012
END

levels="O0 O2" both "watch: $link" "$work/steps-$link" <<'END'
break main
continue
watch counter
continue
continue
continue
bt 2
delete
continue
----
Hardware watchpoint 2: counter
Old value = 0
New value = 1
middle \(n=(n@entry=)?0\) at
Old value = 1
New value = 4
Old value = 4
New value = 9
^#0  middle \(n=(n@entry=)?2\) at .*steps.c:18
^#1 .* in main
exited with code 012
END

levels="O0 O2" both "watch by steps: $link" "$work/steps-$link" <<'END'
set can-use-hw-watchpoints 0
break middle
continue
delete
watch counter
continue
delete
continue
----
Watchpoint 2: counter
Old value = 0
New value = 1
middle \(n=(n@entry=)?0\) at
exited with code 012
END

levels="O0 O2" both "call a function: $link" "$work/steps-$link" <<'END'
break middle
continue
print add(40, 2)
bt 1
delete
continue
----
\$1 = 42
^#0  middle \(n=(n@entry=)?0\)
exited with code 012
END

levels="O0 O2" both "threads: $link" "$work/threads-$link" <<'END'
break spinner
continue
info threads
bt 1
next
next
thread apply all bt
print spinning
set var spinning = 0
delete
continue
----
hit Breakpoint 1, spinner \(arg=(arg@entry=)?(0x0|<optimized out>)\)
^[* ] +1 +Thread .*threads-
^#0  spinner \(arg=(arg@entry=)?(0x0|<optimized out>)\)
turns\+\+
while \(spinning\)
^#[0-9]+ .*read
^#[0-9]+ .*sleeper \(arg=(arg@entry=)?(0x0|<optimized out>)\) at
^#[0-9]+ .*main \(\) at .*threads.c
\$1 = 1
exited normally
END

levels="O0 O2" both "signals: $link" "$work/events-$link" <<'END'
break on_usr1
break on_alarm
continue
continue
bt 2
continue
bt 2
continue
bt 1
continue
----
received signal SIGUSR1, User defined signal 1.
Breakpoint 1, on_usr1 \(sig=10\)
^#0  on_usr1
^#1  <signal handler called>
Breakpoint 2, on_alarm \(sig=14\)
^#1  <signal handler called>
received signal SIGSEGV, Segmentation fault.
^#0 .*wild \(p=(p@entry=)?0x8\) at
exited normally
END

levels="O0 O2" both "a signal withheld: $link" "$work/events-$link" <<'END'
continue
signal 0
continue
----
received signal SIGUSR1
received signal SIGSEGV
exited with code 01
END

levels="O0 O2" both "step into a handler: $link" "$work/events-$link" <<'END'
continue
break on_usr1
stepi
x/i $pc
bt 2
delete
continue
continue
----
received signal SIGUSR1
^=> .*<on_usr1>:
^#0 +on_usr1
^#1 +<signal handler called>
received signal SIGSEGV
exited normally
END
done

ours "expressions are C from the start" "$work/steps-static" <<'END'
show language
print counter
print (char)65
----
currently c"
\$1 = 0
\$2 = 65 'A'
END

ours "tasks are threads with names" "$work/threads-dynamic" <<'END'
break spinner
continue
info threads
thread 3
bt
info auxv
info sharedlibrary
print spinning
set var spinning = 0
delete
continue
----
"1\.[0-9]+ spinner" hit Breakpoint 1
Thread 1\.1 "1\.1 threads-dynamic" \(blocked: futex 0x[0-9a-f]+\)
"1\.[0-9]+ spinner" \(running\)
"1\.[0-9]+ sleeper" \(blocked: read fd 3\)
Switching to thread 3
sleeper \(arg=(arg@entry=)?(0x0|<optimized out>)\) at .*threads.c
AT_ENTRY
Yes +target:/.*threads-dynamic
Yes +target:.*/ld-linux-x86-64.so.2
Yes +target:.*/libc.so.6
\$1 = 1
exited normally
END

ours "an executed program: pending breakpoint" "$work/events-dynamic" "$work/steps-static" <<'END'
set breakpoint pending on
break leaf
continue
continue
continue
bt
info threads
delete
continue
----
leaf.* pending
SIGUSR1
SIGSEGV
hit Breakpoint 1, leaf \(n=(n@entry=)?0\) at .*steps.c:10
^#2  .*main \(argc=1
"1\.1 events-dynamic" \((runnable|blocked: child)
"[0-9]+\.[0-9]+ steps-static"
exited normally
END
