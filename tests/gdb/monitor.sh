# gdb's `monitor`: the commands of llano's monitor. Read by tests/gdb/run.

modes=patch ours "monitor: help, tasks, maps, hooks, JSON, advice" "$work/threads-dynamic" <<'END'
break spinner
continue
monitor help
monitor help auxv
monitor tasks
monitor json tasks
monitor maps 1
monitor hooks
monitor trace last 3
monitor tasksx
monitor cont
monitor stop
set var spinning = 0
delete
continue
----
^command +what it shows or does
^help +The commands
^The auxiliary vector that a task's program was started with
^tid +pid +ppid +name
^ +1 +1 +0 +threads-dynamic +waiting +futex
gdb holds the system
^\[\{"tid":1,"pid":1,
threads-dynamic$
Syscall User Dispatch|seccomp
monitor: hooks
no command `tasksx`; did you mean `tasks`
gdb holds the system; its `continue` lets it run
gdb holds the system, which stands still
exited normally
END

modes=patch ours "monitor auxv: of a task, not llano's" "$work/steps-dynamic" <<'END'
break main
continue
monitor auxv steps-dynamic
monitor auxv 77
----
AT_PHDR +0x2[0-9a-f]+
AT_EXECFN +0x[0-9a-f]+ +/.*steps-dynamic
no task `77`
END

for word in quit exit; do
modes=patch ours "monitor $word ends llano" "$work/threads-static" <<END
break spinner
continue
monitor $word
continue
info threads
----
Breakpoint 1, spinner
^llano ends
exited normally
No threads
END
that "monitor $word: status" test "$status" = 0
done
