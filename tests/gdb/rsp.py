"""gdb's remote protocol from the debugger's side, for tests: packets in, packets out, nothing of what gdb makes of them."""
import contextlib
import re
import socket
import subprocess
import time


class Hang(Exception):
    """A reply did not come in time."""


class Gone(Exception):
    """The stub closed the connection."""


class Rsp:
    """A connection to a stub. `patience`: seconds that a reply may take; `log`: what was said, the newest last."""

    def __init__(self, port, patience=20.0):
        self.patience, self.log, self.ack, self.rest = patience, [], True, b""
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def note(self, line):
        self.log.append(line if len(line) < 200 else line[:200] + "...")
        del self.log[:-60]

    def raw(self, data):
        self.note(f"raw {data!r}")
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Gone(str(error)) from None

    def send(self, body):
        body = body.encode() if isinstance(body, str) else body
        self.note(f"-> {body!r}")
        try:
            self.socket.sendall(b"$%s#%02x" % (body, sum(body) & 255))
        except OSError as error:
            raise Gone(str(error)) from None

    def receive(self, patience=None):
        """The next packet's body with runs and escapes undone; None: none came in time, if `patience` was given."""
        until = time.monotonic() + (self.patience if patience is None else patience)
        while True:
            # Acknowledgements stand between packets.
            self.rest = self.rest.lstrip(b"+-")
            whole = re.match(rb"\$([^#]*)#[0-9a-fA-F]{2}", self.rest, re.S)
            if whole:
                self.rest = self.rest[whole.end() :]
                if self.ack:
                    # Nobody listens any more behind the last word.
                    with contextlib.suppress(OSError):
                        self.socket.sendall(b"+")
                body = plain(whole[1])
                self.note(f"<- {body!r}")
                return body
            left = until - time.monotonic()
            if left <= 0:
                if patience is None:
                    raise Hang(f"no reply in {self.patience} s")
                return None
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(1 << 16)
            except TimeoutError:
                continue
            except OSError as error:
                raise Gone(str(error)) from None
            if not data:
                raise Gone("end of stream")
            self.rest += data

    def ask(self, body):
        self.send(body)
        return self.receive()

    def no_ack(self):
        if self.ask("QStartNoAckMode") == b"OK":
            self.ack = False

    def interrupt(self):
        self.note("-> ^C")
        try:
            self.socket.sendall(b"\x03")
        except OSError as error:
            raise Gone(str(error)) from None

    def object(self, name, annex=b""):
        """A whole qXfer object."""
        whole = b""
        while True:
            reply = self.ask(b"qXfer:%s:read:%s:%x,3f00" % (name.encode(), annex, len(whole)))
            if reply[:1] not in (b"m", b"l"):
                return reply
            whole += reply[1:]
            if reply[:1] == b"l":
                return whole

    def close(self):
        self.socket.close()


def plain(body):
    """A body without escapes and run lengths."""
    out, at = bytearray(), 0
    while at < len(body):
        if body[at] == 0x7D and at + 1 < len(body):
            out.append(body[at + 1] ^ 0x20)
            at += 2
        elif body[at] == 0x2A and out and at + 1 < len(body):
            out += out[-1:] * (body[at + 1] - 29)
            at += 2
        else:
            out.append(body[at])
            at += 1
    return bytes(out)


class Stub:
    """llano with a guest behind it, its output in files; killed at the end of the `with`."""

    def __init__(self, llano, work, *guest, wait=True, options=()):
        self.out, self.err = open(work / "stub.out", "w+"), open(work / "stub.err", "w+")
        words = [llano, "run", "--gdb", "127.0.0.1:0", *(["--gdb-wait"] if wait else []), *options, "--", *map(str, guest)]
        self.child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err)
        for _ in range(1000):
            said = re.search(r"Listening on port (\d+)", self.error())
            if said:
                self.port = int(said[1])
                return
            if self.child.poll() is not None:
                break
            time.sleep(0.01)
        raise SystemExit(f"llano does not listen: {self.error()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        self.out.close()
        self.err.close()

    def output(self):
        self.out.seek(0)
        return self.out.read()

    def error(self):
        self.err.seek(0)
        return self.err.read()

    def resident(self):
        """Bytes of memory in use, of the host's."""
        with open(f"/proc/{self.child.pid}/statm") as statm:
            return int(statm.read().split()[1]) * 4096
