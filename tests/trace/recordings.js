// Recordings of real programs: each export, babeltrace2 and llano's own commands must tell the same of them.
const assert = require("node:assert/strict");
const { spawn, spawnSync } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const THREADS = `
import threading, time
def work(n):
    for i in range(20): time.sleep(0.0005)
ts = [threading.Thread(target=work, args=(i,)) for i in range(4)]
[t.start() for t in ts]; [t.join() for t in ts]`;

/** Name, command, status, and calls still in progress when it was saved. */
const PROGRAMS = [
  ["a pipeline", ["sh", "-c", "cat /etc/passwd | grep root | wc -l; cat /no/such/file 2>/dev/null; true"], 0, 0],
  ["python with threads", ["python3", "-c", THREADS], 0, 0],
  ["all details", ["--trace-detail", "full", "sh", "-c", "ls -l /etc | wc -l; (exit 3); cat /etc/passwd >/dev/null & wait"], 0, 0],
  ["a fork storm", ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10; do (true; (true) & wait) & done; wait"], 0, 0],
  ["a crash", ["python3", "-c", "import ctypes; ctypes.string_at(0)"], 139, 0],
  ["a task blocked for ever", ["sh", "-c", "sleep 1000 & sleep 0.05; exit 0"], 0, 1],
];

module.exports = async ({ test, Skip, llano, work, viewer, tool, open, column, one, picture }) => {
  const run = (...words) => {
    const ran = spawnSync(llano, words, { encoding: "utf8", timeout: 120_000, maxBuffer: 1 << 30 });
    assert.equal(ran.status, 0, `${words.join(" ")}: ${ran.stderr}`);
    return ran.stdout;
  };
  const info = (file) => Object.fromEntries(run("trace", "info", file).trim().split("\n").map((line) => line.split(/\s{2,}/)));
  const stats = (file) => JSON.parse(run("trace", "stats", "--json", file));
  const counts = (rows) => Object.fromEntries(rows.map(({ name, n }) => [name, Number(n)]).sort());

  const hasBabeltrace = () => spawnSync("babeltrace2", ["--version"]).status === 0;

  /** How long each task was there, ns: from its birth to its last moment on the CPU, or to the end of the recording. */
  function lifetimes(file) {
    const read = spawnSync("babeltrace2", ["--clock-cycles", "--no-delta", file], { encoding: "utf8", maxBuffer: 1 << 30 });
    if (read.status !== 0) return new Map();
    const hz = BigInt(fs.readFileSync(path.join(file, "metadata"), "utf8").match(/freq = (\d+)/)[1]);
    const [born, gone, exited, left] = [new Map(), new Map(), new Set(), new Map()];
    let last = 0n;
    for (const [, at, event, tid, fields] of read.stdout.matchAll(/^\[(\d+)\] (?:\S+ )?([\w-]+): .*?\bnr = \d+, tid = (\d+) \}, \{(.*)$/gm)) {
      last = BigInt(at);
      if (event === "clone") born.set(fields.match(/child = (\d+)/)[1], last);
      if (event === "exit") exited.add(tid);
      if (event === "switch") left.set(tid, last);
    }
    for (const tid of exited) gone.set(tid, left.get(tid));
    return new Map([...born].map(([tid, at]) => [Number(tid), Number(((gone.get(tid) ?? last) - at) * 1_000_000_000n / hz)]));
  }

  /** What must hold of an export of `file`. */
  async function exported(file, kind, open_calls) {
    const out = file.replace(/ctf$/, kind);
    run("trace", "export", file, out);
    const trace = await open(viewer(), out);
    const faults = await trace.query("select name, value from stats where severity != 'info' and value > 0");
    assert.deepEqual(faults, [], kind);
    const summed = stats(file);
    const wanted = counts(summed.calls.map(({ name, calls }) => ({ name, n: calls })));
    const sliced = await trace.query(`select name, count(*) as n from slice
      where category = 'syscall' and arg_set_id not in (select arg_set_id from args where display_value = 'in progress') group by 1`);
    assert.deepEqual(counts(sliced), wanted, `${kind}: a slice for every call`);
    assert.equal(await one(trace, "select count(*) as n from slice where dur < 0 and category = 'syscall'"), BigInt(open_calls));
    assert.equal(await one(trace, "select count(*) as n from slice where dur < -1"), 0n);
    const overlapping = `select count(*) as n from slice c join slice p on c.parent_id = p.id
      where p.dur >= 0 and (c.ts < p.ts or c.ts + c.dur > p.ts + p.dur)`;
    assert.equal(await one(trace, overlapping), 0n, `${kind}: slices nest`);
    const halves = "select count(*) as n from flow f left join slice a on f.slice_out = a.id left join slice b on f.slice_in = b.id where a.id is null or b.id is null or a.ts > b.ts";
    assert.equal(await one(trace, halves), 0n, `${kind}: wake-ups with both ends`);
    // What a task ran is what the summary says, and its states follow each other without a gap.
    for (const { tid, run_ns } of summed.tasks) {
      const ran = await one(trace, `select coalesce(sum(iif(dur < 0, trace_end() - ts, dur)), 0) as n from thread_state join thread using (utid) where tid = ${tid} and state = 'Running'`);
      // Each end of a slice is rounded to a nanosecond.
      assert.ok(Math.abs(Number(ran) - run_ns) <= 1000, `${kind}: task ${tid} ran ${ran} and ${run_ns} ns`);
      const gaps = await one(trace, `select count(*) as n from (select ts, lag(ts + dur) over (order by ts) as before
        from thread_state join thread using (utid) where tid = ${tid} and state is not null) where before is not null and before != ts`);
      assert.equal(gaps, 0n, `${kind}: states of task ${tid} leave gaps`);
    }
    // The counter of runnable tasks is their states added up.
    const [{ counted, states }] = await trace.query(`select
      (select sum(c.value * (next - c.ts)) from (select track_id, ts, value, lead(ts, 1, trace_end()) over (order by ts) as next from counter
        where track_id in (select id from process_counter_track where name = 'runnable tasks')) c) as counted,
      (select sum(iif(dur < 0, trace_end() - ts, dur)) from thread_state join thread using (utid) where tid > 0 and state in ('Running', 'R', 'R+')) as states`);
    assert.ok(Math.abs(Number(counted) - Number(states)) <= 1000 * (1 + summed.tasks.length), `${kind}: ${counted} and ${states} ns runnable`);
    // Running, runnable and blocked together are a task's life.
    const lives = lifetimes(file);
    if (PROGRAMS.some(([name]) => file.endsWith(`${name.replaceAll(" ", "-")}.ctf`))) assert.ok(lives.size > 0 || !hasBabeltrace(), "no births");
    for (const [tid, life] of lives) {
      const states = await one(trace, `select coalesce(sum(iif(dur < 0, trace_end() - ts, dur)), 0) as n from thread_state join thread using (utid)
        where tid = ${tid} and state in ('Running', 'R', 'R+', 'S', 'D', 'T', 't')`);
      assert.ok(Math.abs(Number(states) - life) <= 1000, `${kind}: task ${tid} was there for ${life} ns and ${states} ns in some state`);
    }
    return trace;
  }

  for (const [name, words, status, open_calls] of PROGRAMS) {
    const file = path.join(work, name.replaceAll(" ", "-") + ".ctf");
    await test(`${name}: CTF, JSON and protobuf agree`, async () => {
      if (!fs.existsSync(llano)) throw new Skip(`no ${llano}`);
      const ran = spawnSync(llano, ["--quiet", "--trace", file, ...words], { encoding: "utf8", timeout: 60_000 });
      assert.equal(ran.status, status, ran.stderr);
      assert.equal(info(file).damage, "none");
      const json = await exported(file, "json", open_calls);
      const proto = await exported(file, "pftrace", open_calls);
      for (const sql of [
        "select count(*) as n from sched",
        "select group_concat(name || pid || ',') as n from (select name, pid from process where pid > 0 order by pid)",
        "select sum(dur) as n from slice where category = 'wait' and dur > 0",
        "select group_concat(n) as n from (select a.key || count(distinct a.display_value) as n from args a join slice using (arg_set_id) where category = 'syscall' and key != 'args.event' and key != 'debug.event' group by replace(replace(a.key, 'debug.', ''), 'args.', '') order by 1)",
      ]) {
        const [a, b] = [await one(json, sql), await one(proto, sql)].map((value) => `${value}`.replaceAll("args.", "").replaceAll("debug.", ""));
        assert.equal(a, b, sql);
      }
    });
    await test(`${name}: babeltrace2 reads it`, () => {
      if (!fs.existsSync(file)) throw new Skip("no recording");
      tool("babeltrace2", ["--version"]);
      const read = spawnSync("babeltrace2", ["--clock-cycles", file], { encoding: "utf8", maxBuffer: 1 << 30 });
      assert.deepEqual([read.status, read.stderr], [0, ""]);
      const times = read.stdout.trim().split("\n").map((line) => BigInt(line.match(/^\[(\d+)\]/)[1]));
      assert.equal(`${times.length}`, info(file).records.split(" ")[0]);
      assert.ok(times.every((time, at) => at === 0 || time >= times[at - 1]), "time goes back");
      const named = read.stdout.match(/\] \(\S+\) syscall: /g).length;
      assert.equal(named, stats(file).calls.reduce((sum, { calls }) => sum + calls, 0));
    });
  }

  for (const [name, , , open_calls] of PROGRAMS) {
    const file = path.join(work, name.replaceAll(" ", "-") + ".ctf");
    await test(`${name}: babeltrace2 reads the export in LTTng's shape`, () => {
      if (!fs.existsSync(file)) throw new Skip("no recording");
      tool("babeltrace2", ["--version"]);
      const events = (dir) => {
        const read = spawnSync("babeltrace2", ["--clock-cycles", dir], { encoding: "utf8", maxBuffer: 1 << 30 });
        assert.deepEqual([read.status, read.stderr], [0, ""]);
        const lines = read.stdout.trim().split("\n").map((line) => line.match(/^\[(\d+)\] \(\S+\) (?:\S+ )?([\w-]+): (.*)$/));
        assert.ok(lines.every(([, time], at) => at === 0 || BigInt(time) >= BigInt(lines[at - 1][1])), "time goes back");
        return lines.map(([, , event, fields]) => ({ event, fields }));
      };
      const out = file.replace(/ctf$/, "lttng");
      run("trace", "export", file, out);
      const [got, records] = [events(out), events(file)];
      const count = (list, start) => list.filter(({ event }) => event.startsWith(start)).length;
      // Each call twice, but those that end a task, and those that never returned.
      const calls = stats(file).calls;
      const exits = calls.filter((call) => /^exit/.test(call.name)).reduce((sum, call) => sum + call.calls, 0);
      for (const { name, calls: n } of calls) {
        assert.ok(count(got, `syscall_entry_${name}`) >= n, `${name}: ${n} entries`);
        if (!/^exit/.test(name)) assert.ok(count(got, `syscall_exit_${name}`) >= n, `${name}: ${n} exits`);
      }
      const returned = count(records, "syscall") - count(records, "syscall-args");
      assert.equal(count(got, "syscall_entry_"), returned + open_calls);
      assert.equal(count(got, "syscall_exit_"), returned - exits);
      for (const [ours, theirs] of [["switch", "sched_switch"], ["wake", "sched_waking"], ["wake", "sched_wakeup"], ["clone", "sched_process_fork"],
        ["exec", "sched_process_exec"], ["exit", "sched_process_exit"], ["irq", "irq_handler_entry"], ["signal-sent", "signal_generate"], ["mark", "lttng_logger"]]) {
        assert.equal(count(got, theirs), count(records, ours), theirs);
      }
      const switched = got.filter(({ event }) => event === "sched_switch").map(({ fields }) => fields.match(/prev_tid = (\d+).*next_tid = (\d+)/).slice(1));
      assert.ok(switched.length > 1 && switched.every(([prev], at) => at === 0 || prev === switched[at - 1][1]), "a switch from a task that does not run");
    });
  }

  await test("the calls are those strace sees natively", () => {
    tool("strace", ["--version"]);
    const env = { ...process.env, LC_ALL: "C" };
    for (const words of [["ls", "-l", "/usr"], ["cat", "/etc/passwd"], ["sh", "-c", "cat /etc/passwd; ls /; test -d /etc; cat /no/such/file 2>&-; exit 3"]]) {
      const [file, log] = [path.join(work, "native.ctf"), path.join(work, "native.strace")];
      const native = spawnSync("strace", ["-f", "-qq", "-o", log, ...words], { env, encoding: "utf8" });
      const ours = spawnSync(llano, ["--trace", file, ...words], { env, encoding: "utf8" });
      assert.deepEqual([ours.status, ours.stdout.length], [native.status, native.stdout.length], ours.stderr);
      // By task in order of their birth: names, and whether they failed with which error. A line cut in two counts where it ends.
      const tasks = (text, line) => {
        const calls = new Map();
        for (const [, tid, call] of text.matchAll(line)) {
          const name = call.match(/^(?:<\.\.\. )?(\w+)/)[1];
          if (!calls.has(tid)) calls.set(tid, []);
          if (!call.endsWith("<unfinished ...>")) calls.get(tid).push(`${name} ${call.match(/ = -1 (\w+)/)?.[1] ?? "ok"}`);
        }
        return [...calls.values()];
      };
      const wanted = tasks(fs.readFileSync(log, "utf8"), /^(\d+) +((?:\w+\(|<\.\.\. ).*)$/gm);
      // Nobody calls execve for the first program: llano starts it.
      assert.equal(wanted[0].shift(), "execve ok");
      const got = tasks(run("trace", "print", file), /^ *(\d+) [0-9:.]+ (\w+\(.*)$/gm);
      // Aside: the start of ld.so, which maps its first memory elsewhere and registers no rseq; time, natively no call; and
      // whether the signal of a child's end comes before or in the wait for it.
      const text = (calls) => calls.join("\n").replace(/^brk ok\n(?:.*\n)*?rseq \w+\n/gm, "").replace(/^(clock_gettime|gettimeofday|time|rt_sigreturn) ok\n/gm, "");
      assert.deepEqual(got.map(text).sort(), wanted.map(text).sort(), words.join(" "));
      assert.ok(got.flatMap((calls) => text(calls).split("\n")).length > 20, "too few are compared");
    }
  });

  await test("a torn trace is mended", () => {
    const file = path.join(work, "torn.ctf");
    const script = "i=0; while [ $i -lt 3000 ]; do : </dev/null; i=$((i+1)); done";
    assert.equal(spawnSync(llano, ["--trace", file, "sh", "-c", script]).status, 0);
    const stream = path.join(file, "stream");
    fs.truncateSync(stream, fs.statSync(stream).size - 5000);
    assert.notEqual(spawnSync("babeltrace2", [file]).status, 0, "babeltrace2 takes a torn packet");
    const torn = spawnSync(llano, ["trace", "info", file], { encoding: "utf8" });
    assert.match(torn.stderr, /^llano: .*: \d+ bytes of a torn packet at the end are left out\n$/);
    run("trace", "repair", file);
    const read = spawnSync("babeltrace2", [file], { encoding: "utf8", maxBuffer: 1 << 30 });
    assert.deepEqual([read.status, read.stderr], [0, ""]);
    assert.equal(`${read.stdout.trim().split("\n").length}`, info(file).records.split(" ")[0]);
  });

  await test("more than the ring holds is written meanwhile", async () => {
    const file = path.join(work, "long.ctf");
    const script = "i=0; while [ $i -lt 30000 ]; do : </dev/null; i=$((i+1)); done";
    assert.equal(spawnSync(llano, ["--trace", file, "--trace-ring", "8M", "sh", "-c", script]).status, 0);
    const [, records, first, last, lost] = info(file).records.match(/(\d+) \(events (\d+) to (\d+)\), (\d+) lost/).map(Number);
    assert.ok(records > 2 * (8 << 20) / 64, "it fits the ring");
    // A busy machine may keep the writer waiting for longer than the ring lasts, but then it is said.
    assert.equal(records + lost, last + 1, info(file).records);
    if (lost === 0) assert.equal(first, 0);
    if (lost === 0) assert.ok(stats(file).calls.find(({ name }) => name === "openat").calls >= 30000);
    await exported(file, "pftrace", 0);
  });

  await test("nothing is lost if nothing may be", async () => {
    const file = path.join(work, "lossless.ctf");
    const script = "i=0; while [ $i -lt 20000 ]; do : </dev/null; i=$((i+1)); done";
    assert.equal(spawnSync(llano, ["--trace", file, "--trace-lossless", "--trace-ring", "1M", "sh", "-c", script]).status, 0);
    const [, records, first, last, lost] = info(file).records.match(/(\d+) \(events (\d+) to (\d+)\), (\d+) lost/).map(Number);
    assert.deepEqual([first, lost, records], [0, 0, last + 1]);
    assert.ok(stats(file).calls.find(({ name }) => name === "openat").calls >= 20000);
    // Who writes has failed: the guest goes on.
    const run = spawnSync("sh", ["-c", 'exec "$0" "$@" 2>/dev/full', llano, "--trace", "-", "--trace-lossless", "--trace-ring", "1M", "sh", "-c", `${script}; echo done`], { encoding: "utf8", timeout: 60000 });
    assert.deepEqual([run.signal, run.stdout], [null, "done\n"]);
  });

  await test("a killed llano leaves a recording", async () => {
    const file = path.join(work, "killed.ctf");
    const child = spawn(llano, ["--trace", file, "sh", "-c", "while :; do : </dev/null; done"]);
    const stream = path.join(file, "stream");
    for (let tries = 0; tries < 200 && !(fs.existsSync(stream) && fs.statSync(stream).size > 1 << 20); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill("SIGKILL");
    await new Promise((resolve) => child.on("exit", resolve));
    const before = Number(info(file).records.split(" ")[0]);
    assert.ok(before > 10_000, `only ${before} records`);
    run("trace", "repair", file);
    const read = spawnSync("babeltrace2", [file], { encoding: "utf8", maxBuffer: 1 << 30 });
    assert.equal(read.status, 0, read.stderr);
    assert.equal(read.stdout.trim().split("\n").length, before);
    await exported(file, "json", 0);
  });

  await test("a pause is told apart from waiting", async () => {
    const [file, socket] = [path.join(work, "paused.ctf"), path.join(work, "monitor")];
    const child = spawn(llano, ["--trace", file, "--monitor-socket", socket, "sh", "-c", "cat /etc/passwd | wc -l; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"]);
    const ended = new Promise((resolve) => child.on("exit", resolve));
    for (let tries = 0; tries < 200 && !fs.existsSync(socket); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
    run("monitor", socket, "-c", "stop");
    await new Promise((resolve) => setTimeout(resolve, 300));
    run("monitor", socket, "-c", "cont");
    assert.equal(await ended, 0);
    assert.match(run("trace", "print", file), /^ +\d+ \S+ --- held by a debugger for \d{3,}\.\d{3} ms ---$/m);
    const trace = await exported(file, "pftrace", 0);
    const [pause] = await trace.query("select s.dur, t.name from slice s join thread_track k on s.track_id = k.id join thread t using (utid) where s.name = 'stopped'");
    assert.ok(pause.dur > 290_000_000n && pause.name === "debugger", `${pause.dur} ${pause.name}`);
    assert.match(run("trace", "print", file), /^ +0 \S+ kernel: Linux version /m);
    await exported(file, "json", 0);
  });

  await test("its pictures", () => {
    for (const kind of ["json", "pftrace"]) {
      const file = path.join(work, `paused.${kind}`);
      if (!fs.existsSync(file)) throw new Skip("no recording");
      const shown = picture(file, `paused-${kind}.png`);
      for (const track of ["CPU 0 Scheduling", "kernel 2", "debugger", "sh 1"]) assert.ok(shown.includes(track), `no ${track} in\n${shown}`);
    }
  });

  await test("a track has the last name of its task, and points where it got another", async () => {
    for (const kind of ["json", "pftrace"]) {
      const file = path.join(work, `a-pipeline.${kind}`);
      if (!fs.existsSync(file)) throw new Skip("no recording");
      const trace = await open(viewer(), file);
      const rows = await trace.query(`select t.name as thread, p.name as process, s.name from slice s join thread_track k on s.track_id = k.id
        join thread t using (utid) join process p using (upid) where s.category = 'exec' and s.dur = 0 order by s.ts`);
      for (const program of ["cat", "grep", "wc"]) {
        assert.ok(rows.some(({ thread, process, name }) => thread === program && process === program && name.endsWith(`/${program}`) && name.startsWith("exec /")),
          `${kind}: no ${program} in ${JSON.stringify(rows)}`);
      }
    }
  });

  await test("what the UI says of a call", () => {
    for (const kind of ["json", "pftrace"]) {
      const file = path.join(work, `a-pipeline.${kind}`);
      if (!fs.existsSync(file)) throw new Skip("no recording");
      const shown = picture(file, `call-${kind}.png`, "openat");
      for (const word of ["syscall", "Arguments", "dirfd", "AT_FDCWD", '"/etc/ld.so.cache"', "O_RDONLY|O_CLOEXEC", "3</etc/ld.so.cache>"]) {
        assert.ok(shown.includes(word), `no ${word} in\n${shown}`);
      }
    }
  });

  await test("a program's marks stand on one clock with its calls", async () => {
    const file = path.join(work, "marks.ctf");
    const program = `
import os, time
fd = os.open("/sys/kernel/tracing/trace_marker", os.O_WRONLY)
mark = lambda text: os.write(fd, text.encode())
now = lambda: mark("I|1|at %d" % time.clock_gettime_ns(time.CLOCK_MONOTONIC))
now()
for n in range(3):
    mark("B|1|round %d" % n)
    mark("C|1|round|%d" % n)
    mark("B|1|nap")
    time.sleep(0.01)
    mark("E|1")
    os.stat("/etc")
    mark("E")
now()
os.write(fd, b"the end")`;
    const ran = spawnSync(llano, ["--quiet", "--trace", file, "python3", "-c", program], { encoding: "utf8" });
    assert.equal(ran.status, 0, ran.stderr);
    for (const kind of ["json", "pftrace"]) {
      const trace = await exported(file, kind, 0);
      const slices = await trace.query("select s.name, p.name as parent, s.dur from slice s left join slice p on s.parent_id = p.id where s.category = 'mark' and s.dur > 0 order by s.ts");
      assert.deepEqual(slices.map(({ name, parent }) => `${name} ${parent}`),
        [0, 1, 2].flatMap((n) => [`round ${n} ${null}`, `nap round ${n}`]), kind);
      assert.ok(slices.every(({ dur }) => dur >= 10_000_000n), kind);
      const inside = await column(trace, "select s.name || ' in ' || p.name as n from slice s join slice p on s.parent_id = p.id where s.name in ('clock_nanosleep', 'newfstatat') and p.category = 'mark' order by s.ts");
      assert.deepEqual(inside, [0, 1, 2].flatMap((n) => ["clock_nanosleep in nap", `newfstatat in round ${n}`]));
      const counted = await column(trace, "select cast(c.value as int) as n from counter c join process_counter_track t on c.track_id = t.id where t.name in ('round', 'round value') order by c.ts");
      assert.deepEqual(counted, [0n, 1n, 2n]);
      // What the program read of the clock and where its words stand differ by the same in the beginning and at the end.
      const read = await trace.query("select ts, cast(substr(name, 4) as int) as at from slice where name glob 'at *' order by ts");
      assert.equal(read.length, 2);
      const apart = read.map(({ ts, at }) => Number(ts - at));
      assert.ok(Math.abs(apart[1] - apart[0]) < 1_000_000, `${kind}: the clocks differ by ${apart} ns`);
      assert.equal(await one(trace, "select count(*) as n from slice where name = 'the end' and category = 'mark'"), 1n);
    }
  });

  await test("what llano did itself stands beside the guest", async () => {
    const [file, own, socket] = ["merged.ctf", "self.json", "merge.socket"].map((name) => path.join(work, name));
    const child = spawn(llano, ["--quiet", "--trace", file, "--trace-self", own, "--monitor-socket", socket, "sh", "-c", "while :; do /bin/true; sleep 0.01; done"]);
    const ended = new Promise((resolve) => child.on("exit", resolve));
    const commands = ["tasks", "trace filter all", "trace last 5", "log"];
    while (!fs.existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const command of commands) run("monitor", socket, "-c", command);
    run("monitor", socket, "-c", "quit");
    await ended;
    for (const kind of ["json", "pftrace"]) {
      const out = path.join(work, `merged.${kind}`);
      run("trace", "export", file, out, "--merge", own);
      const trace = await open(viewer(), out);
      assert.deepEqual(await trace.query("select name, value from stats where severity != 'info' and value > 0"), [], kind);
      const threads = await column(trace, "select thread.name from thread join process using (upid) where process.name = 'llano on the host' and thread.name != 'llano on the host' order by 1");
      assert.deepEqual([...new Set(threads)], ["main (the vCPU)", "monitor-client", "trace-writer"], kind);
      // The kernel's record of a command lies inside the request that brought it, to a few microseconds.
      const inside = await trace.query(`select i.name as command, min(i.ts - s.ts) as after, min(s.ts + s.dur - i.ts) as before from slice i
        join slice s on s.name = 'request' and i.ts between s.ts - 20000 and s.ts + s.dur + 20000 where i.category = 'monitor' and i.dur = 0 and i.name != 'quit' group by 1 order by 1`);
      assert.deepEqual(inside.map((row) => row.command), [...commands].sort(), kind);
      for (const { command, after, before } of inside) assert.ok(after > -20_000n && before > -20_000n, `${kind}: ${command}`);
      const phases = await column(trace, "select name from slice where category = 'boot' order by ts");
      assert.deepEqual(phases, ["memory", "mount the root", "kernel", "servers", "first program", "run"], kind);
      // The first program begins after the kernel was there, before the system ran.
      const born = await one(trace, "select min(ts) as n from slice where category = 'exec'");
      const [begin] = await trace.query("select ts, ts + dur as end from slice where name = 'first program'");
      assert.ok(begin.ts - 20_000n <= born && born <= begin.end + 20_000n, `${kind}: ${begin.ts} ${born} ${begin.end}`);
    }
    const refused = (...words) => spawnSync(llano, ["trace", "export", file, ...words], { encoding: "utf8" });
    for (const [words, says] of [
      [[path.join(work, "m.json"), "--merge", path.join(work, "none")], "No such file"],
      [[path.join(work, "m.json"), "--merge", path.join(file, "metadata")], "no file of --trace-self"],
      [[path.join(work, "m.ctf"), "--merge", own], ".pftrace and .json"],
    ]) {
      const ran = refused(...words);
      assert.ok(ran.status > 0 && ran.stderr.includes(says) && ran.stderr.trim().split("\n").length === 1, ran.stderr);
    }
    run("--trace", path.join(work, "other.ctf"), "true");
    const other = spawnSync(llano, ["trace", "export", path.join(work, "other.ctf"), path.join(work, "m.json"), "--merge", own], { encoding: "utf8" });
    assert.match(other.stderr, /not of the same run/);
  });

  await test("trace view serves it", async () => {
    const file = path.join(work, "a-pipeline.ctf");
    if (!fs.existsSync(file)) throw new Skip("no recording");
    const get = (name) => new Promise((resolve, reject) => {
      const request = http.get({ host: "127.0.0.1", port: 9001, path: name }, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }));
      });
      request.on("error", reject);
    });
    const view = async (options, body) => {
      const child = spawn(llano, ["trace", "view", file, ...options]);
      const ended = new Promise((resolve) => child.on("exit", resolve));
      try {
        const [said, failed] = await Promise.race([
          new Promise((resolve) => child.stdout.on("data", (data) => resolve([`${data}`]))),
          new Promise((resolve) => child.stderr.on("data", (data) => resolve(["", `${data}`]))),
        ]);
        if (/port 9001: Address already in use/.test(failed)) throw new Skip("port 9001 is taken");
        await body(said, ended);
      } finally {
        child.kill();
      }
    };
    const wanted = fs.readFileSync(file.replace(/ctf$/, "pftrace"));
    await view([], async (said, ended) => {
      assert.equal(said, "https://ui.perfetto.dev/#!/?url=http://127.0.0.1:9001/a-pipeline.pftrace\n");
      for (const name of ["/", "/../../etc/passwd", "/a-pipeline.ctf"]) assert.equal((await get(name)).status, 404, name);
      const got = await get("/a-pipeline.pftrace");
      assert.equal(got.headers["access-control-allow-origin"], "https://ui.perfetto.dev");
      assert.ok(got.body.equals(wanted), "another trace");
      assert.equal(await ended, 0);
    });
    const ui = viewer();
    await view(["--ui", ui], async (said) => {
      assert.equal(said, "http://127.0.0.1:9001/#!/?url=http://127.0.0.1:9001/a-pipeline.pftrace\n");
      const page = await get("/");
      assert.equal(page.headers["content-type"], "text/html");
      assert.ok(page.body.equals(fs.readFileSync(path.join(ui, "index.html"))));
      for (let times = 0; times < 2; times++) assert.ok((await get("/a-pipeline.pftrace")).body.equals(wanted));
      if (spawnSync("chromium", ["--version"]).error) return;
      const shown = picture(said.trim(), "view.png");
      for (const track of ["CPU 0 Scheduling", "cat ", "grep "]) assert.ok(shown.includes(track), `no ${track} in\n${shown}`);
    });
  });
};
