# Programs and libraries that come, go and lie at the same addresses. Read by tests/gdb/run.

modes=patch ours "two processes of one program: its own global in each" "$work/twice-dynamic" <<'END'
break work
continue
print mine
continue
continue
print mine
print next(3)
monitor focus
delete
break 36
----
Breakpoint 1, work \(n=1\)
\$1 = 100
END
