# System calls that stop: `catch syscall`, in every way to intercept them. Read by tests/gdb/run.

every="patch sud seccomp"

modes="patch sud seccomp"
modes=$every ours "catch syscall, entry and return" "$work/calls-static" <<'END'
catch syscall getuid getpid
continue
printf "%d %d\n", $rax, $orig_rax
x/i $pc - 2
continue
printf "%d %d\n", $rax >= 0, $orig_rax
continue
continue
continue
set $orig_rax = 39
continue
printf "%d %d\n", $rax, $orig_rax
continue
set $orig_rax = -1
set $rax = 77
continue
printf "%d %d\n", $rax, $orig_rax
continue
set $rax = 5
delete
finish
continue
----
Catchpoint 1 \(syscalls 'getuid' \[102\] 'getpid' \[39\]\)
\(call to syscall getuid\), .* in syscall
^-38 102
syscall *$
\(returned from syscall getuid\), .* in syscall
^1 102
\(call to syscall getuid\), .* in getuid
\(returned from syscall getuid\), .* in getuid
\(call to syscall getuid\), .* in syscall
\(returned from syscall getpid\), .* in syscall
^1 39
\(call to syscall getuid\), .* in getuid
\(call to syscall getuid\), .* in syscall
^-38 102
\(returned from syscall getuid\), .* in syscall
main \(argc=1.*calls.c:31
exited normally
END

modes=$every ours "catch syscall: one that sleeps, and one that a signal interrupts" "$work/calls-dynamic" <<'END'
tbreak main
continue
handle SIGALRM stop print
catch syscall clock_nanosleep read
continue
continue
printf "%d\n", $rax
continue
continue
printf "%d %d\n", $rax, $orig_rax
continue
bt 1
continue
continue
printf "%d\n", $rax
delete
continue
----
\(call to syscall clock_nanosleep\)
\(returned from syscall clock_nanosleep\)
^0
\(call to syscall read\)
\(returned from syscall read\)
^-512 0
received signal SIGALRM
^#0 .*read
\(call to syscall read\)
\(returned from syscall read\)
^1$
exited normally
END

modes=$every ours "catch syscall: fork, execve, exit" "$work/calls-dynamic" again <<'END'
tbreak main
continue
handle SIGALRM nostop noprint
catch syscall clone execve exit_group
continue
continue
printf "%d %d\n", $orig_rax, $rax > 1
continue
thread
continue
continue
printf "%d %d\n", $orig_rax, $rax
continue
continue
----
Catchpoint 2 \(syscalls .*'execve' \[59\]
\(call to syscall clone\)
\(returned from syscall clone\)
^56 1
\(call to syscall exit_group\)
Current thread is 2 \(Thread 1\.3\)
\(call to syscall execve\)
\(returned from syscall execve\).* in _start \(\) from target:.*ld-linux
^59 0
\(call to syscall exit_group\)
exited normally
END

# What is caught while it sleeps already returns, and a call that was stopped is made when gdb leaves.
modes=$every ours "catch syscall: one under way, and leaving before it is made" "$work/threads-static" <<'END'
break spinner
continue
catch syscall read write
set var spinning = 0
delete 1
continue
continue
thread
detach
----
hit Breakpoint 1, spinner
\(call to syscall write\)
\(returned from syscall (read|write)\)
Current thread is
detached
END
that "left behind a call: the guest's output" grep -q "all joined" "$work/out"
unset modes
