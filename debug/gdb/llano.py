"""gdb's side of llano: its tasks, its trace, and printers for what the kernel is made of.

gdb loads this from llano's binary if its auto-load safe-path says so, else: gdb -x debug/gdb/llano.py

`help llano` lists the commands. They ask llano's monitor over gdb's own connection. The printers need a build with
DWARF of types (`cargo build`); `print/r` shows what lies below them. docs/gdb.md is the manual.
"""
import errno
import json
import re
import signal

import gdb
import gdb.printing


# ---- what llano says ----------------------------------------------------------------------------
def monitor(command):
    """The answer of llano's monitor to a command, as JSON."""
    try:
        text = gdb.execute("monitor json " + command, to_string=True)
    except gdb.error as wrong:
        raise gdb.GdbError(f"llano: {wrong}; these commands need `target remote` to a llano with --gdb")
    try:
        return json.loads(text)
    except ValueError:
        raise gdb.GdbError("llano: " + (text.strip() or "no answer; is this a llano?"))


def table(rows, columns):
    """Rows as a table: a column is (heading, function of a row, right-aligned)."""
    cells = [[heading for heading, _, _ in columns]] + [[str(of(row)) for _, of, _ in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        padded = [c.rjust(w) if right else c.ljust(w) for c, w, (_, _, right) in zip(line, widths, columns)]
        print("  ".join(padded).rstrip())


def size(count):
    """Bytes as people write them."""
    for unit in "", "K", "M", "G":
        if count < 1024 or unit == "G":
            return f"{count:.1f}{unit}" if unit and count < 10 and count != int(count) else f"{count:.0f}{unit}"
        count /= 1024


def selected():
    """The number of the selected task."""
    thread = gdb.selected_thread()
    if thread is None or not thread.is_valid():
        raise gdb.GdbError("llano: no task is selected")
    return thread.ptid[1]


class Llano(gdb.Command):
    """Look at the tasks of llano, and at what they did.

Each command asks llano's monitor, as `monitor COMMAND` does, and knows which task is selected."""

    def __init__(self):
        super().__init__("llano", gdb.COMMAND_STATUS, prefix=True)


class Ps(gdb.Command):
    """All tasks: what they do and wait for. `*` marks the selected one."""

    def __init__(self):
        super().__init__("llano ps", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        here = gdb.selected_thread()
        threads = {t.ptid[1]: t for t in gdb.selected_inferior().threads()}
        chosen = here.ptid[1] if here else 0
        table(monitor("tasks"), [
            ("", lambda t: "*" if t["tid"] == chosen else "", False),
            ("thread", lambda t: threads[t["tid"]].num if t["tid"] in threads else "", True),
            ("pid", lambda t: t["pid"], True),
            ("tid", lambda t: t["tid"], True),
            ("ppid", lambda t: t["ppid"], True),
            ("name", lambda t: t["comm"], False),
            ("state", lambda t: t["state"], False),
            ("call", lambda t: t["syscall"] or "", False),
            ("waits for", lambda t: t["waits_for"] or "", False),
            ("cpu ms", lambda t: f"{t['cpu_ns'] / 1e6:.3f}", True),
            ("in memory", lambda t: size(t["resident"]), True),
        ])


class Trace(gdb.Command):
    """The last events of the selected task: llano trace [N]

N is 20 if it is not given; `llano trace N all` shows those of all tasks. The number in front of each event is the one
that `llano trace print --numbers` shows, so it can be found again in a recording of the same run."""

    def __init__(self):
        super().__init__("llano trace", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        words = argument.split()
        everyone = "all" in words
        words = [w for w in words if w != "all"]
        count = words[0] if words else "20"
        if len(words) > 1 or not count.isdigit():
            raise gdb.GdbError("`llano trace` takes how many events, and `all` for those of all tasks")
        for line in monitor(f"trace last {count}" + ("" if everyone else f" {selected()}"))["lines"]:
            print(line)


class BtAll(gdb.Command):
    """A backtrace of every task, process by process: llano bt-all [N]

N is how many frames, 16 if it is not given. What a task waits for stands in its heading."""

    def __init__(self):
        super().__init__("llano bt-all", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        depth = argument.strip() or "16"
        if not depth.isdigit():
            raise gdb.GdbError("`llano bt-all` takes how many frames to show")
        tasks = {t["tid"]: t for t in monitor("tasks")}
        back = gdb.selected_thread()
        frame = gdb.selected_frame() if back else None
        try:
            for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.ptid[1]):
                task = tasks.get(thread.ptid[1])
                if task is None:
                    continue
                waits = f": {task['waits_for']}" if task["waits_for"] else ""
                print(f"\n{task['pid']}.{task['tid']} {task['comm']} [{task['state']}{waits}]  thread {thread.num}")
                thread.switch()
                try:
                    gdb.execute(f"bt {depth}")
                except gdb.error as wrong:
                    print(f"    {wrong}")
        finally:
            if back and back.is_valid():
                back.switch()
                if frame.is_valid():
                    frame.select()


class Maps(gdb.Command):
    """What is mapped in the selected task's address space: llano maps [TASK]"""

    def __init__(self):
        super().__init__("llano maps", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        table(monitor(f"maps {argument.strip() or selected()}"), [
            ("start", lambda v: v["start"], False),
            ("end", lambda v: v["end"], False),
            ("perms", lambda v: v["perms"], False),
            ("size", lambda v: size(v["size"]), True),
            ("in memory", lambda v: size(v["resident"]), True),
            ("name", lambda v: v["name"] or "", False),
        ])


# ---- focus ---------------------------------------------------------------------------------------
class Focus:
    """Has gdb find names in the selected task's process first.

    At a stop llano shows gdb the images of the process that stopped. When the user selects another process's task, they
    are read again, once. A focus that the user set with `monitor focus` stays."""

    pid = None

    @classmethod
    def stopped(cls, _):
        thread = gdb.selected_thread()
        cls.pid = cls.process(thread) if thread else None

    @staticmethod
    def process(thread):
        """The process of a thread: threads are named `PID.TID NAME`."""
        found = re.match(r"(\d+)\.\d+ ", thread.name or "")
        return int(found[1]) if found else None

    @classmethod
    def selected(cls):
        thread = gdb.selected_thread()
        pid = cls.process(thread) if thread else None
        if pid is None or pid == cls.pid:
            return
        cls.pid = pid
        try:
            if json.loads(gdb.execute("monitor json focus", to_string=True))["focus"] != "stop":
                return
            gdb.execute(f"monitor focus {pid}", to_string=True)
            gdb.execute("sharedlibrary", to_string=True)
            gdb.execute("monitor focus stop", to_string=True)
        except (gdb.error, ValueError, KeyError):
            pass # not a llano, or one without focus


# ---- printers ------------------------------------------------------------------------------------
def short(value):
    """A value without the paths of its types."""
    return re.sub(r"\b[a-z_0-9]+::(?:\w+::)*", "", value.format_string(max_elements=32))


def some(option):
    """What an Option holds, or None."""
    names = [f.name for f in option.type.fields() if f.name]
    if "None" in names or not names:
        return None
    inner = option[names[0]]
    try:
        return inner[inner.type.fields()[0]]
    except (gdb.error, TypeError, IndexError):
        return inner


def pointee(rc):
    """What an Rc or Arc points to; None for trait objects."""
    pointer = rc["ptr"]["pointer"]
    return pointer.dereference() if pointer.type.code == gdb.TYPE_CODE_PTR else None


def inside(value):
    """Through any Rc, Box, RefCell and Cell."""
    while True:
        name = value.type.strip_typedefs().name or ""
        if re.match(r"alloc::(rc::Rc|sync::Arc)<", name):
            held = pointee(value)
            if held is None:
                return value
            value = held["value"] if "value" in [f.name for f in held.type.fields()] else held["data"]
        elif re.match(r"core::cell::(RefCell|Cell|UnsafeCell)<", name):
            value = value["value"]
        elif value.type.code == gdb.TYPE_CODE_PTR:
            value = value.dereference()
        else:
            return value


def bare(value):
    """Without the wrappers that std puts around what may be uninitialized."""
    while re.match(r"core::mem::(maybe_uninit|manually_drop|maybe_dangling)::", value.type.name or ""):
        value = value[value.type.fields()[-1]]
    return value


def vector(value):
    """Address and length of a Vec's elements."""
    buffer, of = value["buf"], value.type.template_argument(0)
    return buffer["inner"]["ptr"]["pointer"]["pointer"].cast(of.pointer()), int(value["len"])


def text(value):
    """A Vec of bytes as text."""
    start, count = vector(value)
    return bytes(gdb.selected_inferior().read_memory(int(start), count)).decode("utf-8", "backslashreplace") if count else ""


def place(node):
    """The path of a node, up to the top of its filesystem."""
    names = []
    while True:
        names.append(text(inside(node["name"])))
        above = some(inside(node["parent"]))
        if above is None or len(names) > 64:
            return "/".join(reversed(names[:-1]))
        node = inside(above)


def whole(path):
    """A path through all mounts."""
    covered = some(inside(path["mount"])["covers"])
    return ((whole(covered) if covered is not None else "").rstrip("/") + "/" + place(inside(path["node"]))).rstrip("/") or "/"


class Summary:
    """One line."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        try:
            return self.line(self.value)
        except (gdb.error, KeyError, TypeError, IndexError) as wrong:
            return f"<{wrong}>; print/r shows the fields"


class List(Summary):
    """Elements behind a line."""

    def display_hint(self):
        return "array"

    def children(self):
        for at, element in enumerate(self.elements(self.value)):
            yield f"[{at}]", element


class Map(List):
    """Keys and values."""

    def display_hint(self):
        return "map"

    def children(self):
        for at, (key, element) in enumerate(self.elements(self.value)):
            yield f"[{2 * at}]", key
            yield f"[{2 * at + 1}]", element


class Errno(Summary):
    def line(self, v):
        number = int(v["__0"])
        return f"{errno.errorcode.get(number, 'errno')} ({number})"


class SigSet(Summary):
    def line(self, v):
        bits = int(v["__0"])
        names = {s.value: s.name for s in signal.Signals}
        return "{" + " ".join(names.get(n, str(n)) for n in range(1, 65) if bits >> (n - 1) & 1) + "}"


class Frame(Summary):
    NAMES = "rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15".split()

    def line(self, v):
        words = [f"{n}={int(v['regs'][i]):#x}" for i, n in enumerate(self.NAMES)]
        pc, call = int(v["rip"]), int(v["orig_rax"])
        try:
            where = gdb.execute(f"info symbol {pc:#x}", to_string=True).split(" in section")[0]
        except gdb.error:
            where = "No symbol"
        where = "" if where.startswith("No symbol") else f" <{where.strip()}>"
        pending = "" if call == (1 << 64) - 1 else f" in call {call}"
        return f"rip={pc:#x}{where}{pending} rflags={int(v['rflags']):#x} " + " ".join(words)


class Context(Summary):
    def line(self, v):
        return Frame(v["frame"]).to_string() + f" fs={int(v['fs_base']):#x} gs={int(v['gs_base']):#x}"


class Wait(Summary):
    def line(self, v):
        deadline = some(v["deadline"])
        return short(v["why"]) + (f" until {int(deadline)} ns" if deadline is not None else "")


class Task(Summary):
    def line(self, v):
        name = bytes(int(v["comm"][i]) for i in range(16)).split(b"\0")[0].decode("utf-8", "backslashreplace")
        wait, call = some(v["wait"]), some(v["call"])
        said = f'Task {int(v["pid"])}.{int(v["tid"])} "{name}" {short(v["state"])}'
        said += f", in call {int(call['nr'])}" if call is not None else ""
        return said + (f", waits: {Wait(wait).to_string()}" if wait is not None else "")


class Process(Summary):
    def line(self, v):
        start, count = vector(v["threads"])
        threads = " ".join(str(int(start[i])) for i in range(min(count, 32)))
        return f"Process {int(v['pid'])}, parent {int(v['parent'])}, group {int(v['pgid'])}, threads {threads or 'none'}"


class Vma(Summary):
    def line(self, v):
        prot = int(v["prot"])
        bits = "".join(c if prot >> i & 1 else "-" for i, c in enumerate("rwx"))
        kind = [f.name for f in v["backing"].type.fields() if f.name][0]
        label = v["label"].format_string().strip('"')
        if kind == "File":
            inner = v["backing"]["File"]
            path = some(inside(inner["__0"])["path"])
            label = f"{whole(path) if path is not None else 'a file'} at {int(inner['__1']):#x} {label}"
        return f"{int(v['start']):#x}-{int(v['end']):#x} {bits} {short(v['sharing'])} {label}".rstrip()


class Node(Summary):
    def line(self, v):
        return f'"/{place(v)}"' + (" (deleted)" if int(inside(v["deleted"])) else "")


class Path(Summary):
    def line(self, v):
        return f'"{whole(v)}"' + (" (deleted)" if int(inside(inside(v["node"])["deleted"])) else "")


class Slots(Map):
    def line(self, v):
        return f"{vector(v['used'])[1]} by number"

    def elements(self, v):
        numbers, count = vector(v["used"])
        slots, _ = vector(v["slots"])
        for i in range(count):
            number = numbers[i]
            held = some(slots[int(number)])
            if held is not None:
                yield number, inside(held)


class Vec(List):
    def line(self, v):
        return f"Vec of {vector(v)[1]}"

    def elements(self, v):
        start, count = vector(v)
        return (start[i] for i in range(count))


class Bytes(Summary):
    def line(self, v):
        return f'b"{text(v)}"'


class String(Summary):
    def line(self, v):
        return f'"{text(v["vec"])}"'


class VecDeque(List):
    def line(self, v):
        return f"VecDeque of {int(v['len'])}"

    def elements(self, v):
        of = v.type.template_argument(0)
        start = v["buf"]["inner"]["ptr"]["pointer"]["pointer"].cast(of.pointer())
        room = int(v["buf"]["inner"]["cap"]["__0"])
        return (start[(int(v["head"]) + i) % room] for i in range(int(v["len"])))


class Shared(Summary):
    def line(self, v):
        held = pointee(v)
        if held is None:
            return f"{short(v['ptr'])}"
        owners = int(inside(held["strong"]))
        return f"Rc, {owners} owner" + ("" if owners == 1 else "s")

    def children(self):
        held = pointee(self.value)
        if held is not None:
            yield "value", held["value"]


class Cell(Summary):
    def line(self, v):
        try:
            borrows = int(inside(v["borrow"]))
        except gdb.error:
            return "Cell"
        return "RefCell" + (", borrowed" if borrows > 0 else ", borrowed mutably" if borrows < 0 else "")

    def children(self):
        yield "value", self.value["value"]["value"]


def buckets(raw, of):
    """The elements of hashbrown's table: they lie below the control bytes, whose upper bit says `empty`."""
    inner = raw["table"]
    control = inner["ctrl"]["pointer"]
    count = int(inner["bucket_mask"]) + 1
    if int(inner["items"]) == 0:
        return
    used = bytes(gdb.selected_inferior().read_memory(int(control), count))
    last = control.cast(of.pointer())
    for i in range(count):
        if used[i] < 0x80:
            yield last[-1 - i]


class HashTable(List):
    def line(self, v):
        return f"HashTable of {int(v['raw']['table']['items'])}"

    def elements(self, v):
        return buckets(v["raw"], v.type.template_argument(0))


class HashMap(Map):
    def line(self, v):
        return f"HashMap of {int(v['table']['table']['items'])}"

    def elements(self, v):
        raw = v["table"]
        return ((e["__0"], e["__1"]) for e in buckets(raw, raw.type.template_argument(0)))


class BTreeMap(Map):
    def line(self, v):
        return f"BTreeMap of {int(v['length'])}"

    def elements(self, v):
        root = some(v["root"])
        if root is not None and int(v["length"]):
            # The type of nodes with children, by the name of those without.
            leaf = root["node"]["pointer"].type.target()
            inner = gdb.lookup_type(leaf.name.replace("::LeafNode<", "::InternalNode<", 1)) if int(root["height"]) else None
            yield from self.below(root["node"]["pointer"], int(root["height"]), inner)

    def below(self, node, height, inner):
        leaf = node.dereference()
        edges = node.cast(inner.pointer()).dereference()["edges"] if height else None
        for i in range(int(leaf["len"]) + 1):
            if height:
                yield from self.below(bare(edges[i])["pointer"], height - 1, inner)
            if i < int(leaf["len"]):
                yield bare(leaf["keys"][i]), bare(leaf["vals"][i])


def printers():
    """The printers, by the names of types."""
    known = gdb.printing.RegexpCollectionPrettyPrinter("llano")
    kernel, machine = "^llano_kernel::", "^llano_machine::"
    for name, regexp, printer in [
        ("Errno", "^llano_abi::errno::Errno$", Errno),
        ("SigSet", kernel + "sigstate::SigSet$", SigSet),
        ("Frame", machine + "cpu::Frame$", Frame),
        ("Context", machine + "context::Context$", Context),
        ("Wait", kernel + "wait::Wait$", Wait),
        ("Task", kernel + "task::Task$", Task),
        ("Process", kernel + "task::process::Process$", Process),
        ("Slots", kernel + "task::table::Slots<", Slots),
        ("Vma", kernel + "mm::vma::Vma$", Vma),
        ("Node", kernel + "fs::path::Node$", Node),
        ("Path", kernel + "fs::path::Path$", Path),
        ("Vec<u8>", "^alloc::vec::Vec<u8,", Bytes),
        ("Vec", "^alloc::vec::Vec<", Vec),
        ("String", "^alloc::string::String$", String),
        ("VecDeque", "^alloc::collections::vec_deque::VecDeque<", VecDeque),
        ("BTreeMap", "^alloc::collections::btree::map::BTreeMap<", BTreeMap),
        ("Rc", "^alloc::rc::Rc<", Shared),
        ("RefCell", "^core::cell::(RefCell|Cell)<", Cell),
        ("HashTable", "^hashbrown::table::HashTable<", HashTable),
        ("HashMap", "^hashbrown::map::HashMap<", HashMap),
    ]:
        known.add_printer(name, regexp, printer)
    return known


gdb.printing.register_pretty_printer(None, printers(), replace=True)
for command in Llano, Ps, Trace, BtAll, Maps:
    command()
gdb.events.stop.connect(Focus.stopped)
gdb.events.before_prompt.connect(Focus.selected)
