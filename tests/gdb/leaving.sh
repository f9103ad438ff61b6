# Coming, interrupting and leaving. Read by tests/gdb/run.

# Ctrl-C as a terminal sends it, to a gdb that waits for a running guest. It is sent once the guest runs for sure.
interrupt() {
    [[ "$1" =~ $filter ]] || { cat > /dev/null; return; }
    script
    start llano "$work/threads-static"
    timeout -k 5 60 gdb -nx -q -ex 'set pagination off' -ex 'set confirm off' -ex "target remote 127.0.0.1:$port" -x "$work/script" \
        > "$work/log" 2>&1 < /dev/null &
    local client=$! try
    for try in $(seq 200); do
        grep -q Continuing "$work/log" && break
        sleep 0.05
    done
    sleep 1
    # The gdb below timeout.
    kill -INT "$(pgrep -P $client gdb)"
    wait $client
    finish
    check "$1"
}

interrupt "Ctrl-C on a spinning guest" <<'END'
continue
bt 2
print turns > 1000
set var spinning = 0
continue
quit
----
received signal SIGINT, Interrupt.
^#0 .*spinner \(arg=0x0\)
\$1 = 1
exited normally
END

ours "detach: the system runs on" "$work/steps-static" <<'END'
break leaf
continue
step
watch counter
detach
----
Breakpoint 1, leaf
Inferior 1 \(process 1\) detached
END
that "detach: status and output" test "$status $(cat "$work/out")" = "10 sum 10 counter 9 ratio 0.50 named"

ours "kill ends llano" "$work/steps-dynamic" <<'END'
break leaf
continue
kill
----
Breakpoint 1, leaf
Inferior 1 \(process 1\) killed
END
that "kill: status" test "$status" = 137

ours "a debugger that vanishes" "$work/steps-static" <<'END'
break leaf
continue
python import os, signal; os.kill(os.getpid(), signal.SIGKILL)
----
Breakpoint 1, leaf
END
that "a debugger that vanished: status" test "$status" = 10

# Two debuggers, one after the other, on a guest that runs already; a Unix socket.
socket_session() {
    local at=$work/gdb.sock try
    "$llano" run --gdb "$at" -- "$work/threads-dynamic" > "$work/out" 2> "$work/err" < /dev/null &
    server=$!
    pids+=("$server")
    for try in $(seq 200); do [ -S "$at" ] && break; sleep 0.05; done
    sleep 0.5
    for turn in 1 2; do
        timeout -k 5 60 gdb -nx -q -batch -ex "target remote $at" -ex 'info threads' -ex 'detach' 2>&1 < /dev/null |
            grep -E '"1\.[0-9]+ spinner" \(running\)' || return 1
    done
    timeout -k 5 60 gdb -nx -q -batch -ex "target remote $at" -ex 'set var spinning = 0' -ex continue 2>&1 < /dev/null |
        grep 'exited normally' || return 2
    finish
    [ "$status" = 0 ] && [ "$(tail -n 1 "$work/out")" = "all joined" ] && [ ! -e "$at" ]
}
that "attach twice by a Unix socket" socket_session

taken() {
    "$llano" run --gdb 127.0.0.1:1x -- /bin/true 2>&1 | grep -q '^llano: --gdb 127.0.0.1:1x: ' || return 1
    "$llano" run --gdb /no/such/dir/socket -- /bin/true 2>&1 | grep -q '^llano: --gdb /no/such' || return 2
}
that "an address that cannot be had: one clear line" taken
