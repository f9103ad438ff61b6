# Watched memory beyond what the CPU can watch: long ranges, many places, and a host that refuses perf_event_open(2), where
# everything is watched by page protection. Read by tests/gdb/run.

for link in static dynamic; do
levels="O0 O2" ours "watch a buffer: $link" "$work/watched-$link" buffer <<'END'
break begin
continue
watch buf
continue
print buf[8]
continue
continue
info symbol $pc
continue
continue
backtrace 1
continue
print buf[1]
continue
----
Hardware watchpoint 2: buf
Hardware watchpoint 2: buf
Old value = '\\000' <repeats 63 times>
New value = "\\000\\000\\000\\000\\000\\000\\000\\000a
\$1 = 97 'a'
Hardware watchpoint 2: buf
New value = "a\\000
Hardware watchpoint 2: buf
New value = 'f' <repeats 64 times>
filled .* in section \.text
Hardware watchpoint 2: buf
New value = 'f' <repeats 30 times>, "pipe", 'f' <repeats 30 times>
Hardware watchpoint 2: buf
New value = 'f' <repeats 30 times>, "pipe", 'f' <repeats 29 times>, "t"
^#0 .* thread \(arg
Hardware watchpoint 2: buf
Old value = 'f' <repeats 30 times>, "pipe", 'f' <repeats 29 times>, "t"
New value = "fp", 'f' <repeats 28 times>, "pipe"
= 112 'p'
exited normally
END

levels="O0 O2" ours "watch more places than the CPU has slots: $link" "$work/watched-$link" many <<'END'
break begin
continue
watch one
watch two
watch three
watch four
watch five
watch six
watch then
continue
continue
continue
continue
continue
continue
continue
backtrace 1
continue
----
watchpoint 2: one
New value = 1
watchpoint 3: two
New value = 2
watchpoint 4: three
New value = 3
watchpoint 5: four
New value = 4
watchpoint 6: five
New value = 5
watchpoint 7: six
New value = 6
watchpoint 8: then
New value = \{tv_sec = [1-9]
exited normally
END

ours "watch shared memory that a child writes: $link" "$work/watched-$link" shared <<'END'
break begin
continue
watch -location shared[40]
watch *(char (*)[48])&shared[50]
delete 2
watch *(char (*)[48])&shared[34]
continue
info threads
continue
----
New value = .*"\\a"|New value = .*\\a
^\* .*watched
exited normally
END
done

# The same where the host grants no watchpoint.
if "$work/denied-static" true; then
    granting=$llano
    llano=$work/llano-denied
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$work/denied-static" "$granting" > "$llano"
    chmod +x "$llano"
levels="O0 O2" ours "watch: refused by the host" "$work/steps-static" <<'END'
break main
continue
watch counter
continue
continue
delete
continue
----
Hardware watchpoint 2: counter
Old value = 0
New value = [1-9]
Old value = [1-9]
New value = [1-9]
exited
END

ours "watch two places: refused by the host" "$work/watched-static" many <<'END'
break many
continue
watch one
watch six
continue
continue
continue
----
New value = 1
New value = 6
exited normally
END
    llano=$granting
fi
