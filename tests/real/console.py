"""A terminal with a program on it, driven like a person would: type, wait for what must appear."""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import time


class Missing(AssertionError):
    """What had to appear did not."""


class Console:
    """A program on a fresh pseudo terminal of 80 by 24."""

    def __init__(self, argv, env, cwd="/", size=(24, 80)):
        self.master, self.slave = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(self.slave)
        self.seen = ""
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
                for fd in (0, 1, 2):
                    os.dup2(self.slave, fd)
                os.closerange(3, 256)
                os.chdir(cwd)
                os.execvpe(argv[0], argv, env)
            finally:
                os._exit(127)
        os.set_blocking(self.master, False)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        os.write(self.master, text.encode())

    def line(self, text):
        self.send(text + "\r")

    def read(self):
        """Takes in what has been written so far."""
        if self.master is None:
            return
        try:
            while chunk := os.read(self.master, 65536):
                self.seen += chunk.decode(errors="replace")
        except OSError:
            pass

    def expect(self, pattern, seconds=10):
        """Waits until `pattern` appears in what is new, consumes up to its end and returns the match."""
        end = time.monotonic() + seconds
        while True:
            self.read()
            if match := re.search(pattern, self.seen):
                self.seen = self.seen[match.end():]
                return match
            if time.monotonic() > end:
                raise Missing(f"waited {seconds} s for {pattern!r}; got {self.seen[-300:]!r}")
            time.sleep(0.01)

    def silent(self, seconds, pattern):
        """Checks that `pattern` does not appear for that long."""
        time.sleep(seconds)
        self.read()
        if re.search(pattern, self.seen):
            raise Missing(f"{pattern!r} must not appear; got {self.seen[-300:]!r}")

    def status(self, seconds=10):
        """Waits for the program's end; its status as a shell sees it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read()
            pid, raw = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = None
                self.read()
                code = os.waitstatus_to_exitcode(raw)
                return 128 - code if code < 0 else code
            time.sleep(0.01)
        raise Missing(f"still running after {seconds} s; got {self.seen[-300:]!r}")

    def restored(self):
        """Checks that the terminal is as it was before."""
        after = termios.tcgetattr(self.slave)
        if after != self.before:
            names = ("iflag", "oflag", "cflag", "lflag", "ispeed", "ospeed", "cc")
            raise Missing("terminal not restored: " + ", ".join(n for n, a, b in zip(names, self.before, after) if a != b))
        if fcntl.fcntl(self.slave, fcntl.F_GETFL) & os.O_NONBLOCK:
            raise Missing("terminal left non-blocking")

    def hang_up(self):
        """The terminal goes away."""
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = None

    def close(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        for fd in (self.master, self.slave):
            if fd is not None:
                os.close(fd)


def run_cases(cases, filter_=""):
    """Runs named functions, each of which raises AssertionError to fail; prints and returns the shell's status."""
    passed = failed = 0
    for name, function in cases:
        if not re.search(filter_, name):
            continue
        start = time.monotonic()
        try:
            function()
            print(f"ok      {name:50} {time.monotonic() - start:6.2f} s", flush=True)
            passed += 1
        except (AssertionError, OSError, subprocess.SubprocessError) as problem:
            print(f"not ok  {name:50} {time.monotonic() - start:6.2f} s\n        {problem}", flush=True)
            failed += 1
    return passed, failed
