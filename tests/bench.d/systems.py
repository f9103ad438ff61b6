"""The systems that run a row, and one measurement of one row under one of them."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

NOT_AVAILABLE = 77  # bench.h
ALL_KINDS = ("guest", "boot", "trap", "memory")


@dataclass(frozen=True)
class System:
    """A way to run a program: `prefix` before its command line."""

    name: str
    prefix: tuple = ()
    trap_prefix: tuple = ()  # the same with every system call trapped
    kinds: tuple = ("guest", "boot")  # of row it can run
    follows_exec: bool = True
    rounds: int = 10**6  # the slow ones are measured fewer times

    def wrap(self, command, trapped=False):
        """The host's command line that runs `command` under this system."""
        return [*(self.trap_prefix if trapped else self.prefix), *command]

    def can_run(self, row):
        """Whether the row means anything here."""
        return row.kind in self.kinds and (self.follows_exec or not row.execs)

    def figure(self, status, out):
        """The number that the program printed; ValueError when there is none."""
        if status != 0:
            raise ValueError
        return float(out)


def native():
    """The host itself."""
    return System("native", kinds=ALL_KINDS)


def llano(name, path, intercept, trace):
    """llano; `trace` is `off`, or `default` for its ring as it comes."""
    trace_options = ["--trace", "off"] if trace == "off" else []
    def run(how):
        return tuple([str(path), "run", *(["--intercept", how] if how else []), *trace_options, "--"])
    return System(name, run(intercept), run("seccomp" if intercept == "seccomp" else "sud"), ALL_KINDS)


def others():
    """Those of strace, gdbserver, qemu-user and user-mode-linux that are installed, by name."""
    qemu = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")
    found = []
    if shutil.which("strace"):
        found.append(System("strace", ("strace", "-f", "-qq", "-o", "/dev/null"), rounds=1))
    if shutil.which("gdbserver") and shutil.which("gdb"):
        found.append(GdbServer("gdbserver", kinds=("guest",), follows_exec=False, rounds=1))
    if qemu:
        found.append(System("qemu-user", (qemu,), follows_exec=False, rounds=1))
    if shutil.which("linux.uml"):
        found.append(Uml("uml", kinds=("guest",), rounds=1))
    return {system.name: system for system in found}


class GdbServer(System):
    """gdb stops at every system call, over the remote protocol, and goes on."""

    # Over a pipe the program's stdout is gdbserver's stderr, which gdb drops when it ends.
    output = Path(tempfile.gettempdir()) / f"llano-bench-{os.getpid()}"

    def wrap(self, command, trapped=False):
        server = f"gdbserver --once - {' '.join(command)} 2>{self.output}"
        script = ["set confirm off", "set pagination off", f"target remote | {server}", "catch syscall",
                  "python\nwhile gdb.selected_inferior().pid: gdb.execute('continue', to_string=True)"]
        return ["gdb", "-nx", "-q", "-batch", *(word for line in script for word in ("-ex", line))]

    def figure(self, status, out):
        lines = self.output.read_text().splitlines()
        self.output.unlink()
        return float(next((line for line in lines if re.fullmatch(r"[0-9.]+", line)), ""))


class Uml(System):
    """User-mode Linux with the host's root, booted for each row (its boot is not in the figure)."""

    init = Path(tempfile.gettempdir()) / f"llano-bench-init-{os.getpid()}"

    def wrap(self, command, trapped=False):
        self.init.write_text("#!/bin/sh\nmount -t proc proc /proc\nmkdir -p /dev/shm\nmount -t tmpfs tmpfs /dev/shm\n"
                             f"echo figure $({' '.join(command)})\n")
        self.init.chmod(0o755)
        return ["linux.uml", "mem=768M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet",
                f"init={self.init}", "con=null", "con0=null,fd:1"]

    def figure(self, status, out):
        # It ends by a panic, for its init ends; the status says nothing.
        self.init.unlink()
        return float(next((line[7:] for line in out.splitlines() if line.startswith("figure ")), ""))


@dataclass
class Figure:
    """What one run gave: a value, or why there is none."""

    value: float = None
    problem: str = ""


def first_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[0][:160] if lines else ""


def program_of(row, build, budget_ms, times):
    """The command line of a row."""
    words = [word.format(ms=budget_ms, times=times, build=build, true=build / "true") for word in row.command.split()]
    return [str(build / words[0]), *words[1:]]


def measure(row, system, build, budget_ms, times, timeout_s):
    """Runs `row` once under `system`."""
    if not system.can_run(row):
        return Figure()
    program = program_of(row, build, budget_ms, times)
    if row.kind == "memory":
        return resident(system, program, timeout_s)
    if row.kind == "boot":
        command = [*program, *system.wrap([str(build / "first")])]
    elif row.kind == "trap" and system.name != "native":
        command = system.wrap([str(build / "calls"), "null", str(budget_ms)], trapped=True)
    else:
        command = system.wrap(program)
    return run(command, system, timeout_s)


def run(command, system, timeout_s):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        kill_session(process)
        return Figure(problem=f"hangs: no figure in {timeout_s} s")
    if process.returncode == NOT_AVAILABLE:
        return Figure(problem=f"n/a: {first_line(err)}")
    try:
        return Figure(system.figure(process.returncode, out))
    except ValueError:
        return Figure(problem=f"fails: status {process.returncode}: {first_line(err) or first_line(out)}")


def kill_session(process):
    """Ends what this run started: the program may have started others."""
    os.killpg(process.pid, 9)
    process.communicate()


def resident(system, program, timeout_s):
    """KiB resident in the process that `system` is, while its guest sleeps."""
    process = subprocess.Popen(system.wrap(program), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    os.set_blocking(process.stdout.fileno(), False)
    deadline = time.monotonic() + timeout_s
    try:
        while not process.stdout.read(8):
            if process.poll() is not None or time.monotonic() > deadline:
                return Figure(problem="fails: the guest never started")
            time.sleep(0.01)
        time.sleep(0.2)  # to reach its pause
        for line in open(f"/proc/{process.pid}/smaps_rollup"):
            if line.startswith("Rss:"):
                return Figure(float(line.split()[1]))
        return Figure(problem="fails: no Rss line")
    finally:
        process.stdout = None
        kill_session(process)


def profile(row, system, build):
    """Where the time of a row goes under `system`: what perf says, the largest shares first."""
    if not shutil.which("perf") or row.kind not in ("guest", "trap"):
        return "  no profile: " + ("of rows of this kind" if shutil.which("perf") else "no perf")
    program = program_of(row, build, 1500, 2)
    data = Path(tempfile.gettempdir()) / f"llano-bench-{os.getpid()}.perf"
    try:
        subprocess.run(["perf", "record", "-q", "-F", "4000", "-o", str(data), "--", *system.wrap(program)],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        report = subprocess.run(["perf", "report", "-i", str(data), "--stdio", "--no-children", "-s", "dso,symbol",
                                 "--percent-limit", "1.5"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    except subprocess.TimeoutExpired:
        return "  no profile: it took too long"
    finally:
        data.unlink(missing_ok=True)
    shares = [line.rstrip(" -")[:120] for line in report.splitlines() if re.match(r" +[0-9.]+%", line)]
    return "\n".join(shares[:12]) or "  no profile: no samples"
