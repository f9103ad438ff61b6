# What VS Code sends. Read by tests/gdb/run.

mi() {
    start llano "$work/threads-dynamic"
    timeout -k 5 90 python3 "$here/mi.py" "$port" "$llano" > "$work/mi" 2>&1
    local result=$?
    cat "$work/mi"
    finish
    [ $result = 0 ] && [ "$status" = 0 ] && [ "$(tail -n 1 "$work/out")" = "all joined" ]
}
if command -v python3 > /dev/null; then
    that "the commands of VS Code's cppdbg, and the guest ends as if alone" mi
else
    skipped=$((skipped + 1)); echo "skip the commands of VS Code's cppdbg: no python3"
fi
