#!/usr/bin/env python3
"""Sends gdb what VS Code's cppdbg sends (.vscode/launch.json), by its machine interface, and looks at the answers.

    tests/gdb/mi.py PORT LLANO      behind PORT: tests/gdb/threads.c before its first instruction
"""
import queue, re, subprocess, sys, threading

port, llano = sys.argv[1:]
gdb = subprocess.Popen(["gdb", "-nx", "-q", "--interpreter=mi3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
lines, stops, token = queue.Queue(), [], 1000


def reader():
    for line in gdb.stdout:
        print(line, end="")
        lines.put(line.rstrip())
    lines.put(None)


def until(pattern, what):
    """The first line that fits; stops seen on the way are kept."""
    while True:
        line = lines.get(timeout=60)
        assert line is not None, f"gdb ended before {what}"
        if line.startswith("*stopped"):
            stops.append(line)
        if re.match(pattern, line):
            return line


def send(command, fits="", result="done"):
    """A command, and its answer, which has this result and fits an expression."""
    global token
    token += 1
    print(f"-> {token}{command}")
    gdb.stdin.write(f"{token}{command}\n")
    gdb.stdin.flush()
    answer = until(rf"{token}\^", command)
    assert answer.startswith(f"{token}^{result}"), f"{command}: {answer}"
    assert re.search(fits, answer), f"{command}: nothing like {fits} in {answer}"
    return answer


def stopped(fits):
    line = stops.pop(0) if stops else until(r"\*stopped", "a stop")
    stops.clear()
    assert re.search(fits, line), f"nothing like {fits} in {line}"
    return line


threading.Thread(target=reader, daemon=True).start()
send("-gdb-set mi-async on")
send('-interpreter-exec console "set pagination off"')
send('-interpreter-exec console "set print pretty on"')
send("-gdb-set breakpoint pending on")
send("-list-features", "breakpoint-notifications")
send(f"-file-exec-and-symbols {llano}")
send(f"-target-select remote 127.0.0.1:{port}", result="connected")
stopped('frame=')
number = re.search(r'number="(\d+)"', send("-break-insert -f spinner", 'fullname=".*threads.c"'))[1]
send("-exec-continue", result="running")
at = stopped(r'reason="breakpoint-hit".*func="spinner".*stopped-threads="all"')
me = re.search(r'thread-id="(\d+)"', at)[1]
# What the window of calls shows: all threads, with names, and a stack of each.
threads = send("-thread-info", r'name="1\.\d+ sleeper"')
ids = re.findall(r'\{id="(\d+)",target-id="Thread 1\.', threads)
assert "1" in ids and len(ids) == 3, f"threads {ids}"
for thread in ids:
    send(f"-stack-info-depth --thread {thread} 1000", "depth=")
    send(f"-stack-list-frames --thread {thread} 0 19", r'level="1"')
send(f"-stack-select-frame 0")
send(f"-stack-list-arguments --thread {me} 2 0 0", 'name="arg"')
send(f"-stack-list-variables --thread {me} --frame 0 2", 'name="arg"')
# Watches and hovers.
send(f"-var-create --thread {me} --frame 0 - * spinning", 'value="1"')
name = re.search(r'name="(\w+)"', send(f"-var-create --thread {me} --frame 0 - * pipe_ends", 'numchild="2"'))[1]
send(f"-var-list-children --simple-values {name} 0 2", r'exp="0".*value="3"')
send(f"-var-evaluate-expression {name}.1", 'value="4"')
send(f"-var-delete {name}")
send(f"-data-evaluate-expression --thread {me} --frame 0 spinning+41", 'value="42"')
send("-data-list-register-names", '"rip".*"fs_base".*"orig_rax"')
send(f"-data-list-register-values --thread {me} x 0", r'number="0"')
send("-data-disassemble -s $pc -e $pc+16 -- 0", "func-name=\"spinner\"")
send("-data-read-memory-bytes &spinning 4", 'contents="01000000"')
# Steps, another breakpoint, running to the end.
for _ in range(2):
    send(f"-exec-next --thread {me}", result="running")
    stopped(r'reason="end-stepping-range".*func="spinner"')
send("-var-update --all-values *", "changelist=")
send(f"-exec-step-instruction --thread {me}", result="running")
stopped(r'reason="end-stepping-range"')
send('-interpreter-exec console "info sharedlibrary"')
send(f"-break-delete {number}")
send("-exec-continue", result="running")
send("-exec-interrupt", "")
stopped(r'signal-name="(SIGINT|0)"|reason="signal-received"')
send("-gdb-set var spinning=0")
send("-target-detach")
send("-gdb-exit", result="exit")
print("all as expected")
