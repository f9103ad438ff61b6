# Debuggers that do anything, and such that send garbage; tests/all --long has the first for half an hour. Read by
# tests/gdb/run.

if command -v python3 > /dev/null; then
    that "a random debugger" "$here/random" --llano "$llano" --seconds 20
    that "malformed packets" "$here/fuzz" --llano "$llano" --seconds 15
else
    skipped=$((skipped + 1)); echo "skip a random debugger, malformed packets: no python3"
fi
