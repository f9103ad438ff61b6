"""The rows of the table, as data: what runs, in which unit, and the bar it should meet."""

from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `command` names a program of this directory and its arguments; `{ms}` is the time it may
    take, `{name}` of another program its path. `kind` says who runs it:
      guest   the system under test runs it and it prints the figure
      boot    the host's `launch` starts the system with `first` as its guest
      trap    natively the bare SIGSYS round trip, elsewhere getppid that is trapped
      memory  the resident set of the system's process while its guest sleeps
    `bar` is on the ratio to native, or absolute (in `unit`) when `absolute`; for MB/s more is better.
    `calls` is how many system calls one operation makes, where the trace's ring has a bar: RING_NS for each.
    """

    name: str
    command: str
    bar: Optional[float] = None
    unit: str = "ns"
    kind: str = "guest"
    absolute: bool = False
    execs: bool = False  # starts another program: useless under systems that do not follow
    what: str = ""
    calls: int = 0

    @property
    def more_is_better(self):
        """Whether a larger figure is the better one."""
        return self.unit == "MB/s"


RING_NS = 30  # what the default ring may add to a system call

CALLS = [
    Row("null", "calls null {ms}", 0.15, what="getppid", calls=1),
    Row("clock", "calls clock {ms}", 0.20, what="clock_gettime as a system call", calls=1),
    Row("read", "calls read {ms}", 0.20, what="1 byte of /dev/zero", calls=1),
    Row("write", "calls write {ms}", 0.20, what="1 byte to /dev/null", calls=1),
    Row("fstat", "calls fstat {ms}", 0.20, what="on tmpfs", calls=1),
    Row("stat", "calls stat {ms}", 0.25, what="on tmpfs", calls=1),
    Row("open+close", "calls open {ms}", 0.25, what="on tmpfs", calls=2),
    Row("select10", "calls select10 {ms}", 0.25, what="10 pipes, 1 readable", calls=1),
    Row("epoll", "calls epoll {ms}", 0.20, what="epoll_wait, 1 ready", calls=1),
    Row("sigaction", "calls sigaction {ms}", 0.15, what="install a handler", calls=1),
    Row("signal", "calls signal {ms}", 0.25, what="kill itself, handler, return", calls=2),
    Row("mmap64k", "calls mmap64k {ms}", 0.30, what="mmap, touch 16 pages, munmap", calls=2),
]

TASKS = [
    Row("yield", "tasks yield {ms}", 0.15, what="two threads on one CPU"),
    Row("futex", "tasks futex {ms}", 0.10, what="ping-pong of two threads"),
    Row("futex, pinned", "tasks futex-pinned {ms}", what="native on one CPU"),
    Row("thread", "tasks thread {ms}", 0.25, what="create+join"),
    Row("thread, pinned", "tasks thread-pinned {ms}", what="native on one CPU"),
]

PEERS = [
    Row("pipe", "peers pipe exec default {ms}", 0.06, execs=True, what="ping-pong, exec'ed peer"),
    Row("pipe, pinned", "peers pipe exec pinned {ms}", execs=True, what="native on one CPU"),
    Row("unix", "peers unix exec default {ms}", 0.06, execs=True, what="ping-pong, exec'ed peer"),
    Row("unix, pinned", "peers unix exec pinned {ms}", execs=True, what="native on one CPU"),
    Row("pipe, forked", "peers pipe fork default {ms}", 0.25, what="ping-pong, forked peer"),
    Row("pipe, forked, pinned", "peers pipe fork pinned {ms}", what="native on one CPU"),
    Row("pipe bandwidth", "peers pipe bandwidth default {ms}", 1.5, "MB/s", execs=True,
        what="64 KiB writes"),
    Row("unix bandwidth", "peers unix bandwidth default {ms}", 1.5, "MB/s", execs=True,
        what="64 KiB writes"),
]

PROCESSES = [
    Row("vfork+exec", "spawn vfork-exec {ms} {true}", 0.25, execs=True, what="static-PIE"),
    Row("fork+exit", "spawn fork-exit {ms} {true}", 0.5),
    Row("fork+exec", "spawn fork-exec {ms} {true}", 0.4, execs=True, what="static-PIE"),
    Row("sh -c", "spawn sh {ms} {true}", 0.5, execs=True, what="/bin/sh, dynamic, runs static-PIE"),
]

WHOLE = [
    Row("boot", "launch {times}", 5e6, kind="boot", absolute=True,
        what="spawn to the first guest instruction"),
    Row("idle RSS", "first sleep", 20 * 1024, "KiB", kind="memory", absolute=True,
        what="while the guest sleeps"),
    Row("trap", "sigsys {ms}", 1.4, kind="trap",
        what="native: bare SIGSYS round trip; else getppid, trapped"),
]

PING_PONG_PY = """
import os
there, back = os.pipe(), os.pipe()
if os.fork() == 0:
    while (message := os.read(there[0], 64)) != b"end":
        os.write(back[1], message)
    os._exit(0)
for i in range(10000):
    os.write(there[1], b"%d" % i)
    assert os.read(back[0], 64) == b"%d" % i
os.write(there[1], b"end")
assert os.wait()[1] == 0
"""

# Commands of `work` (see work.c); {python} is the message script, {build} the build directory.
RAM = "/dev/shm/llano-bench-tree"
COPY = "-c {build}/tree " + RAM
WORK = [
    Row("python3 start-up", "work {times} /usr/bin/python3 -c pass", 1.2, execs=True),
    Row("sqlite3 inserts", "work -i {build}/inserts.sql -u /dev/shm/llano-bench.db {times} "
        "sqlite3 /dev/shm/llano-bench.db", 0.8, execs=True, what="100k rows on tmpfs, one transaction"),
    Row("sqlite3 commits", "work -i {build}/commits.sql -u /dev/shm/llano-bench.db {times} "
        "sqlite3 /dev/shm/llano-bench.db", execs=True, what="5k rows on tmpfs, a transaction each"),
    Row("tar, RAM", f"work {COPY} -u {RAM}.tar {{times}} tar -cf {RAM}.tar -C {RAM} .", 0.8,
        execs=True, what="5k files on tmpfs"),
    Row("tar, host tree", f"work -u {RAM}.tar {{times}} tar -cf {RAM}.tar -C {{build}}/tree .", 1.2,
        execs=True, what="5k files"),
    Row("git status, RAM", f"work {COPY} {{times}} git -C {RAM} status --porcelain", 0.8,
        execs=True, what="5k files on tmpfs"),
    Row("git status, host tree", "work {times} git -C {build}/tree status --porcelain", 1.2,
        execs=True, what="5k files"),
    Row("bash loop", "work {times} bash {build}/loop.bash", 0.5, execs=True,
        what="1,000 times /bin/true, by fork"),
    Row("make -j1", "work -c {build}/project " + RAM + " {times} make -s -B -j1 -C " + RAM, 1.2,
        execs=True, what="12 C files"),
    Row("make -j2", "work -c {build}/project " + RAM + " {times} make -s -B -j2 -C " + RAM,
        execs=True, what="12 C files"),
    Row("python3 messages", "work {times} /usr/bin/python3 {build}/messages.py", 2, execs=True,
        what="10,000 between two forked processes"),
]

ROWS = CALLS + TASKS + PEERS + PROCESSES + WHOLE
