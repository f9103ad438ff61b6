# Memory as a task sees it, breakpoints in it, watchpoints. Read by tests/gdb/run.

# Programs linked to the same fixed addresses.
for fixed in memory steps; do
    gcc -g -O0 -static -no-pie -o "$work/$fixed-fixed" "$here/$fixed.c" || exit 1
done

for link in static dynamic fixed; do
ours "memory is the selected task's: $link" "$work/memory-$link" fork <<'END'
break parent_side
continue
print value
print fixed
x/s hidden
print *shared
thread 2
print value
print big[500000]
x/s hidden
print *shared
set var value = 22
set var big[500000] = 7
set var *(int *)&fixed = 78
set var *shared = 11
print value + fixed + big[500000]
thread 1
print value
print fixed
print big[500000]
print *shared
continue
----
hit Breakpoint 1(\.1)?, parent_side
\$1 = 3
\$2 = 77
"behind the fence"
\$3 = 10
Switching to thread 2
\$4 = 2
\$5 = 0
"behind the fence"
\$6 = 10
\$7 = 107
Switching to thread 1
\$8 = 3
\$9 = 77
\$10 = 0
\$11 = 11
exited normally
END

ours "parent and child stop: $link" "$work/memory-$link" fork <<'END'
break parent_side
continue
thread 2
set var value = 22
set var big[500000] = 7
set var *(int *)&fixed = 78
set var *shared = 11
break twice
continue
print value
continue
print value
x/2i $pc
delete
continue
----
Breakpoint 2(\.1)?, twice \(n=21\)
\$1 = 22
Breakpoint 2(\.1)?, twice \(n=4\)
\$2 = 3
=> 0x[0-9a-f]+ <twice\+[0-9]+>:.mov
exited normally
END

ours "the guest reads no breakpoint: $link" "$work/memory-$link" readers <<'END'
break readers
break twice
continue
disassemble twice
continue
x/i $pc
continue
----
Breakpoint 1(\.1)?, readers
<\+0>:.push +%rbp
End of assembler dump
Breakpoint 2(\.1)?, twice
exited normally
END

ours "code made at run time: $link" "$work/memory-$link" made <<'END'
break parent_side
continue
finish
break *hidden
continue
x/2i $pc
info threads
continue
x/2i $pc
continue
x/2i $pc
delete
continue
----
Breakpoint 2,
=> 0x[0-9a-f]+:.mov +\$0x1,%eax
ret
Breakpoint 2,
=> 0x[0-9a-f]+:.mov +\$0x1,%eax
exited normally
END
done
