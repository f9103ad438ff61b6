# The kernel itself under gdb: llano's own code stops, and is left. Read by tests/gdb/run.

ours "kernel: one backtrace from a handler into the program" "$work/steps-static" <<'END'
break sys_write
continue
bt
info threads
frame function main
info locals
set var sum = 11
finish
delete
continue
----
^Breakpoint 1, sys_write \(\) at kernel/src/syscall/rw.rs:
^#0  sys_write \(\) at kernel/src/syscall/rw.rs:
^#[0-9]+ .* in enter \(\) at kernel/src/syscall/mod.rs:
^#[0-9]+ .*turn.* at kernel/src/run.rs:
<signal handler called>
^#[0-9]+ .* in write \(
^#[0-9]+ .* in main \(argc=1, argv=.*steps.c:33
^\* 1 .*"1.1 steps-static" \(in the kernel\) sys_write
in main \(argc=1
^sum = 10
exited with code 013
END

ours "kernel: steps and registers of both sides" "$work/steps-static" <<'END'
tbreak sys_write
continue
print $was = $pc
stepi
print $pc != $was
next
next
up-silently 100
print $rsp > 0
set $rbx = 0x1234
print/x $rbx
continue
----
Temporary breakpoint 1, sys_write
^\$2 = true
^\$4 = 0x1234
exited with code 012
END

# What both the vCPU and the debug thread run, and the handler itself.
ours "kernel: breakpoints in code that the debugger shares" "$work/steps-static" <<'END'
break writev
break __libc_write
break malloc
break futex_wait
break on_signal
break epoll_wait
info breakpoints
tbreak main
continue
delete
continue
----
^Num
exited with code 012
END

ours "kernel: detach while stopped in it" "$work/steps-static" <<'END'
break sys_write
continue
detach
----
^Breakpoint 1, sys_write
Inferior 1 \(process 1\) detached
END
that "kernel: detached: status and output" test "$status $(cat "$work/out")" = "10 sum 10 counter 9 ratio 0.50 named"

ours "kernel: kill while stopped in it" "$work/steps-static" <<'END'
break sys_write
continue
kill
----
^Breakpoint 1, sys_write
Inferior 1 \(process 1\) killed
END
that "kernel: killed: status" test "$status" = 137

ours "kernel: a fault, mended" "$work/steps-static" <<'END'
tbreak sys_write
continue
set $good = $pc
set $pc = 16
continue
set $pc = $good
continue
----
Temporary breakpoint 1, sys_write
Program received signal SIGSEGV
exited with code 012
END

LLANO_TEST=panic ours "kernel: a panic stops at the guilty line" "$work/unknown-static" <<'END'
continue
bt
continue
----
Program received signal SIGABRT
panic_fmt
unknown_call .*at kernel/machine/src/border.rs:
<signal handler called>
in main \(\) at .*unknown.c:7
Program terminated with signal SIGABRT
END
that "kernel: a panic is reported afterwards" grep -q "LLANO_TEST=panic: call 999" "$work/err"

# Ctrl-C on a kernel that answers nobody, twice.
hang() {
    [[ "$1" =~ $filter ]] || { cat > /dev/null; return; }
    script
    LLANO_TEST=hang start llano "$work/unknown-static"
    timeout -k 5 60 gdb -nx -q -ex 'set pagination off' -ex 'set confirm off' -ex "target remote 127.0.0.1:$port" -x "$work/script" \
        > "$work/log" 2>&1 < /dev/null &
    local client=$! try turn
    for turn in 1 2; do
        for try in $(seq 400); do
            [ "$(grep -c Continuing "$work/log")" -ge $turn ] && break
            sleep 0.05
        done
        sleep 1
        kill -INT "$(pgrep -P $client gdb)"
    done
    wait $client
    finish
    check "$1"
}

hang "kernel: a hang is interrupted, twice" <<'END'
echo Continuing\n
continue
bt
stepi
echo Continuing\n
continue
kill
----
received signal SIGINT
unknown_call \(\) at kernel/machine/src/border.rs:
<signal handler called>
in main \(\) at .*unknown.c:7
received signal SIGINT
Inferior 1 \(process 1\) killed
END
that "kernel: hung and killed: status" test "$status" = 137
