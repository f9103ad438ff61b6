#!/usr/bin/env python3
"""Runs the terminal scripts of this directory on the host's Linux and writes its answers into them.

    record.py FILE...            rewrite every answer with what this Linux says
    record.py --check FILE...    change nothing; status 1 and a list if an answer differs

A script is lines of `verb [arguments] [= answer]`, played on a fresh pty pair whose slave is the
controlling terminal of this process. The kernel's unit tests play the same scripts on its own tty, so
the files are both the questions and the recorded truth (kernel/src/tty/recorded.rs is the other player).

    case NAME                    a fresh pair, slave open, termios as Linux gives it
    set [now|drain|flush] WORDS  tcsetattr on the slave: +FLAG -FLAG VNAME=N raw
    type "BYTES"                 write to the master          = bytes accepted
    screen                       read all the master has      = "BYTES"
    master N                     one read of N at the master  = "BYTES" | ERRNO
    read N                       one read of N at the slave   = "BYTES" | ERRNO   (never blocks)
    write "BYTES"                write to the slave           = bytes accepted | ERRNO
    signals                      delivered since last asked   = NAMES
    count / mcount               FIONREAD at slave / master   = N
    poll / mpoll                 at slave / master            = in out hup err pri
    flush / mflush in|out|both   tcflush at the slave, the master
    flow ooff|oon|ioff|ion       tcflow at the slave
    packet on|off                TIOCPKT at the master
    fill "B" / mfill "B"         write B until refused, at slave / master = bytes accepted (about)
    size ROWS COLS               TIOCSWINSZ at the master
    open / close / mclose        the slave, the master
    termios                      of the slave                 = iflag oflag cflag lflag, cc
"""

import ast
import errno
import fcntl
import os
import re
import select
import signal
import struct
import sys
import termios
import time

SETTLE = 0.010  # the host moves bytes between the two sides on a work queue
HEARD = []
WATCHED = [signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGWINCH, signal.SIGHUP, signal.SIGCONT]
EXTRA = {"IUCLC": 0o1000, "OLCUC": 0o2, "XTABS": 0o14000, "EXTPROC": 0o200000, "IUTF8": 0o40000,
         "ECHOPRT": 0o2000, "ECHOCTL": 0o1000, "ECHOKE": 0o4000, "VSWTC": 7}
FIELD = {"I": 0, "O": 1, "C": 2, "L": 3}
WORDS = {0: "IGNBRK BRKINT IGNPAR PARMRK INPCK ISTRIP INLCR IGNCR ICRNL IUCLC IXON IXANY IXOFF IMAXBEL IUTF8",
         1: "OPOST OLCUC ONLCR OCRNL ONOCR ONLRET OFILL OFDEL XTABS",
         2: "CSTOPB CREAD PARENB PARODD HUPCL CLOCAL CRTSCTS",
         3: "ISIG ICANON ECHO ECHOE ECHOK ECHONL NOFLSH TOSTOP ECHOCTL ECHOPRT ECHOKE FLUSHO IEXTEN EXTPROC"}


def value(name):
    return EXTRA[name] if name in EXTRA else getattr(termios, name)


def quote(data):
    def one(b):
        named = {10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 92: "\\\\"}
        return named.get(b) or (chr(b) if 32 <= b < 127 else "\\x%02x" % b)
    if len(data) > 64:
        return "%d bytes ending in %s" % (len(data), quote(data[-8:]))
    return '"' + "".join(map(one, data)) + '"'


def unquote(text):
    """"..." pieces, each optionally followed by *N."""
    out = b""
    for piece, times in re.findall(r'("(?:[^"\\]|\\.)*")(?:\*(\d+))?', text):
        out += ast.literal_eval("b" + piece) * int(times or 1)
    return out


class Pair:
    def __init__(self):
        self.master = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        fcntl.ioctl(self.master, 0x40045431, struct.pack("i", 0))
        number = struct.unpack("I", fcntl.ioctl(self.master, 0x80045430, b"\0" * 4))[0]
        self.path = "/dev/pts/%d" % number
        self.slave = None

    def open(self):
        self.slave = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def own(self):
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def set(self, words):
        when = {"now": 0, "drain": 1, "flush": 2}[words.pop(0)] if words[0] in ("now", "drain", "flush") else 0
        raw = bytearray(fcntl.ioctl(self.slave, termios.TCGETS, b"\0" * 36))
        flags = list(struct.unpack("4I", raw[:16]))
        for word in words:
            if word == "raw":
                flags[0] &= ~(0o1 | 0o2 | 0o10 | 0o40 | 0o100 | 0o200 | 0o400 | 0o2000)
                flags[1] &= ~0o1
                flags[3] &= ~(0o10 | 0o100 | 0o2 | 0o1 | 0o100000)
            elif "=" in word:
                name, number = word.split("=")
                raw[17 + value(name)] = int(number, 0)
            else:
                field = next(f for f, names in WORDS.items() if word[1:] in names.split())
                bits = value(word[1:])
                flags[field] = flags[field] | bits if word[0] == "+" else flags[field] & ~bits
        raw[:16] = struct.pack("4I", *flags)
        fcntl.ioctl(self.slave, termios.TCSETS + when, bytes(raw))

    def drain(self):
        out = b""
        while True:
            try:
                got = os.read(self.master, 65536)
            except OSError:
                return out
            if not got:
                return out
            out += got

    def fill(self, fd, data):
        total = 0
        while True:
            try:
                total += os.write(fd, data)
            except BlockingIOError:
                time.sleep(SETTLE)
                try:
                    total += os.write(fd, data)
                except BlockingIOError:
                    return total

    def play(self, verb, rest):
        words = rest.split()
        data = unquote(rest)
        if verb == "set":
            self.set(words)
        elif verb == "type":
            return str(os.write(self.master, data))
        elif verb == "write":
            return str(os.write(self.slave, data))
        elif verb == "screen":
            return quote(self.drain())
        elif verb == "master":
            return quote(os.read(self.master, int(words[0])))
        elif verb == "read":
            return quote(os.read(self.slave, int(words[0])))
        elif verb == "signals":
            # By number and once each: how often a handler ran, and in which order, is its process's affair.
            names = " ".join(n.name[3:] for n in sorted(set(HEARD))) or "none"
            HEARD.clear()
            return names
        elif verb in ("count", "mcount"):
            fd = self.slave if verb == "count" else self.master
            return str(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4))[0])
        elif verb in ("poll", "mpoll"):
            fd = self.slave if verb == "poll" else self.master
            poller = select.poll()
            poller.register(fd, select.POLLIN | select.POLLOUT | select.POLLPRI)
            bits = dict(poller.poll(0)).get(fd, 0)
            names = {"in": 1, "pri": 2, "out": 4, "err": 8, "hup": 16}
            return " ".join(n for n, b in names.items() if bits & b) or "none"
        elif verb == "flush":
            fcntl.ioctl(self.slave, termios.TCFLSH, ["in", "out", "both"].index(words[0]))
        elif verb == "mflush":
            fcntl.ioctl(self.master, termios.TCFLSH, ["in", "out", "both"].index(words[0]))
        elif verb == "flow":
            fcntl.ioctl(self.slave, termios.TCXONC, ["ooff", "oon", "ioff", "ion"].index(words[0]))
        elif verb == "packet":
            fcntl.ioctl(self.master, termios.TIOCPKT, struct.pack("i", int(words[0] == "on")))
        elif verb in ("fill", "mfill"):
            return str(self.fill(self.slave if verb == "fill" else self.master, data))
        elif verb == "size":
            fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", int(words[0]), int(words[1]), 0, 0))
        elif verb == "open":
            self.open()
        elif verb == "close":
            os.close(self.slave)
            self.slave = None
        elif verb == "mclose":
            os.close(self.master)
            self.master = None
        elif verb == "termios":
            raw = fcntl.ioctl(self.slave, termios.TCGETS, b"\0" * 36)
            return "%o %o %o %o %s" % (struct.unpack("4I", raw[:16]) + (raw[17:].hex(),))
        else:
            sys.exit("record: no verb " + verb)
        return None

    def end(self):
        for fd in (self.slave, self.master):
            if fd is not None:
                os.close(fd)
        try:
            fcntl.ioctl(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY), termios.TIOCNOTTY)
        except OSError:
            pass
        time.sleep(SETTLE)
        HEARD.clear()


def split(line):
    """(verb, arguments, answer or None); the = of an answer stands outside quotes, after a blank."""
    text, answer = line, None
    inside = False
    for i, ch in enumerate(line):
        if ch == '"' and (i == 0 or line[i - 1] != "\\" or line[i - 2:i] == "\\\\"):
            inside = not inside
        if not inside and line.startswith(" = ", i):
            text, answer = line[:i], line[i + 3:]
            break
    verb, _, rest = text.strip().partition(" ")
    return verb, rest.strip(), answer


def run(path, check):
    out, pair, asked, wrong, case = [], None, 0, 0, ""
    for number, line in enumerate(open(path).read().split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            out.append(line)
            continue
        verb, rest, answer = split(line)
        if verb == "case":
            if pair:
                pair.end()
            case, pair = rest, Pair()
            if "unopened" not in rest:
                pair.open()
                pair.own()
            out.append(line)
            continue
        try:
            said = pair.play(verb, rest)
        except OSError as error:
            said = errno.errorcode[error.errno]
        time.sleep(SETTLE)
        if verb in ("fill", "mfill") and answer is not None and abs(int(said) - int(answer)) * 20 <= int(answer):
            said = answer  # queues are made of pages: where exactly they end varies
        asked += answer is not None
        if said != answer:
            wrong += 1
            print("%s:%d: %s: %s says %s, was %s" % (path, number, case, line.strip(), said, answer))
        head = line.split(" = ")[0] if answer is None else line[:len(line) - len(answer) - 3]
        out.append(head + (" = " + said if said is not None else ""))
    if pair:
        pair.end()
    if not check:
        open(path, "w").write("\n".join(out))
    print("%s %s" % ("not ok" if wrong else "ok", os.path.basename(path)))
    return asked - wrong, wrong


def has_terminal():
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        return True
    except OSError:
        return False


def main():
    check = "--check" in sys.argv
    paths = [a for a in sys.argv[1:] if a != "--check"]
    if not paths:
        sys.exit(__doc__)
    if os.getsid(0) != os.getpid() or has_terminal():
        # A session of its own, so that each slave can become the controlling terminal.
        child = os.posix_spawn(sys.executable, [sys.executable] + sys.argv, os.environ, setsid=True)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    for number in WATCHED:
        signal.signal(number, lambda n, _: HEARD.append(signal.Signals(n)))
    right, wrong = map(sum, zip(*(run(path, check) for path in paths)))
    if check:
        print("%d passed, %d failed, 0 skipped" % (right, wrong))
    sys.stdout.flush()
    os._exit(1 if check and wrong else 0)


main()
