// Damaged recordings, full disks, places where nothing can be written: one clear line each, and what can be read is read.
const assert = require("node:assert/strict");
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

/** xorshift32: the same damage every time. */
function random(seed) {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

module.exports = async ({ test, Skip, llano, work }) => {
  const PACKET = 64 << 10;
  const source = path.join(work, "sound.ctf");
  /** Runs llano with at most a GiB of address space for its data, and for at most 20 seconds. */
  const run = (words, options = {}, limits = "ulimit -d 1048576;") => {
    const ran = spawnSync("bash", ["-c", `${limits} exec "$0" "$@"`, llano, ...words], { encoding: "utf8", timeout: 20_000, maxBuffer: 1 << 30, ...options });
    assert.equal(ran.signal, null, `${words.join(" ")}: ${ran.signal} ${ran.stderr}`);
    return ran;
  };
  const refused = (ran, says) => {
    assert.notEqual(ran.status, 0, ran.stderr);
    assert.match(ran.stderr, says);
    const lines = ran.stderr.trim().split("\n");
    assert.ok(lines.every((line) => line.startsWith("llano: ")) && lines.length <= 2, ran.stderr);
  };
  const left = (dir) => fs.readdirSync(dir).filter((name) => name.endsWith(".tmp"));

  await test("a recording to damage", () => {
    if (!fs.existsSync(llano)) throw new Skip(`no ${llano}`);
    const script = "cat /etc/passwd | grep root | wc -l; i=0; while [ $i -lt 1200 ]; do : </dev/null; i=$((i+1)); done";
    assert.equal(run(["--quiet", "--trace", source, "sh", "-c", script], {}, "").status, 0);
  });

  await test("damaged recordings, by every command", () => {
    if (!fs.existsSync(source)) throw new Skip("no recording");
    const whole = fs.readFileSync(path.join(source, "stream"));
    const [damaged, out] = [path.join(work, "damaged.ctf"), path.join(work, "out")];
    let read = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const below = random(seed * 7919);
      let bytes = Buffer.from(whole);
      for (let flips = below(40); flips > 0; flips--) bytes[below(bytes.length)] ^= 1 << below(8);
      if (seed % 4 === 1) bytes.fill(below(256), below(bytes.length), below(bytes.length) + 5000);
      if (seed % 5 === 1) bytes = bytes.subarray(0, below(bytes.length));
      if (seed % 7 === 1) bytes = Buffer.concat([bytes.subarray(PACKET), bytes.subarray(0, PACKET)]);
      if (seed === 24) bytes = Buffer.alloc(0);
      if (seed === 25) bytes = Buffer.alloc(10 * PACKET);
      fs.rmSync(damaged, { recursive: true, force: true });
      fs.rmSync(out, { recursive: true, force: true });
      for (const dir of [damaged, out]) fs.mkdirSync(dir);
      fs.copyFileSync(path.join(source, "metadata"), path.join(damaged, "metadata"));
      fs.writeFileSync(path.join(damaged, "stream"), bytes);
      const words = [["info"], ["print", "--all"], ["stats"], ["stats", "--json"]].map(([command, ...options]) => [command, damaged, ...options]);
      for (const kind of ["json", "pftrace", "ctf", "lttng"]) words.push(["export", damaged, path.join(out, `a.${kind}`)]);
      words.push(["repair", damaged, path.join(out, "mended.ctf")]);
      const statuses = words.map((command) => {
        const ran = run(["trace", ...command]);
        assert.ok(ran.stderr.split("\n").every((line) => line === "" || line.startsWith("llano: ")), `${seed} ${command}: ${ran.stderr}`);
        assert.ok(ran.stderr.trim().split("\n").length <= 2, `${seed} ${command}: ${ran.stderr}`);
        return ran.status;
      });
      // What one command can read all can.
      assert.equal(new Set(statuses).size, 1, `${seed}: ${statuses}`);
      assert.deepEqual(left(out), []);
      if (statuses[0] !== 0) continue;
      read++;
      const mended = run(["trace", "info", path.join(out, "mended.ctf")]);
      assert.match(mended.stdout, /^damage {4}none$/m, `${seed}: ${mended.stderr}`);
      for (const name of ["mended.ctf", "a.lttng"]) {
        const babel = spawnSync("babeltrace2", [path.join(out, name)], { encoding: "utf8", maxBuffer: 1 << 30 });
        if (babel.error) continue;
        // It may say that events are missing, for some are.
        const said = babel.stderr.split("\n").filter((line) => !/^(WARNING: Tracer (may have )?discarded .*)?$/.test(line));
        assert.deepEqual([babel.status, said], [0, []], `${seed} ${name}`);
      }
    }
    assert.ok(read >= 20, `only ${read} were readable`);
  });

  await test("what is no recording is said to be none", () => {
    const empty = path.join(work, "empty.ctf");
    fs.mkdirSync(empty, { recursive: true });
    for (const file of [empty, "/etc/passwd", "/dev/null", "/dev/zero", path.join(work, "nothing"), "/etc"]) {
      for (const words of [["info", file], ["print", file], ["stats", file], ["repair", file, path.join(work, "repaired.ctf")], ["export", file, path.join(work, "x.json")]]) {
        refused(run(["trace", ...words]), new RegExp(`^llano: ${file}.*: .`));
      }
    }
    refused(run(["trace", "info", "-"], { input: "no trace" }), /^llano: standard input: no whole packet/);
  });

  await test("a full disk", () => {
    if (!fs.existsSync(source)) throw new Skip("no recording");
    const out = path.join(work, "full");
    fs.mkdirSync(out, { recursive: true });
    // Files of 40 KiB at most stand for a disk that has no more, which needs no privilege.
    const within = (words) => run(words, {}, "trap '' XFSZ; ulimit -f 40;");
    for (const kind of ["json", "pftrace", "ctf", "lttng"]) {
      const file = path.join(out, `a.${kind}`);
      refused(within(["trace", "export", source, file]), new RegExp(`^llano: cannot write ${file}: File too large$`, "m"));
      assert.deepEqual(fs.readdirSync(out), [], `${kind}: something is left`);
    }
    refused(within(["trace", "repair", source, path.join(out, "a.ctf")]), /^llano: cannot write .*: File too large$/m);
    assert.deepEqual(fs.readdirSync(out), []);
    for (const command of ["info", "print", "stats"]) {
      const full = fs.openSync("/dev/full", "w");
      refused(run(["trace", command, source], { stdio: ["ignore", full, "pipe"] }), /^llano: standard output: No space left on device$/m);
      fs.closeSync(full);
    }
  });

  await test("a disk that fills while it is recorded", () => {
    const out = path.join(work, "disk");
    fs.mkdirSync(out, { recursive: true });
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=300k", "tmpfs", out]).status !== 0) throw new Skip("no tmpfs can be mounted");
    try {
      // The program does its work all the same, and what was written is a recording.
      const words = ["sh", "-c", "i=0; while [ $i -lt 5000 ]; do : </dev/null; i=$((i+1)); done; echo done"];
      const atExit = run(["--quiet", "--trace", path.join(out, "a.json"), ...words], {}, "");
      assert.equal(atExit.stdout, "done\n");
      refused(atExit, /^llano: --trace cannot write .*a\.json: No space left on device$/m);
      assert.deepEqual(fs.readdirSync(out), []);
      const streamed = run(["--quiet", "--trace", path.join(out, "b.ctf"), ...words], {}, "");
      assert.equal(streamed.stdout, "done\n");
      refused(streamed, /^llano: --trace cannot write .*b\.ctf: No space left on device$/m);
      const torn = run(["trace", "info", path.join(out, "b.ctf")]);
      assert.equal(torn.status, 0, torn.stderr);
      assert.match(torn.stdout, /^records {3}[1-9]\d{3} /m);
      refused(run(["trace", "repair", path.join(out, "b.ctf")]), /^llano: cannot write .*b\.ctf: No space left on device$/m);
    } finally {
      spawnSync("umount", [out]);
    }
  });

  await test("a recording in progress is not replaced", () => {
    const file = path.join(work, "growing.ctf");
    const script = `"$0" --quiet --trace "$1" -- sleep 2 & sleep 1; "$0" --quiet --trace "$1" -- true; e=$?; wait; exit $e`;
    const ran = spawnSync("bash", ["-c", script, llano, file], { encoding: "utf8", timeout: 20_000 });
    refused(ran, /^llano: --trace cannot write .*growing\.ctf: it is being recorded; take another name$/m);
    const info = run(["trace", "info", file]);
    assert.match(info.stdout, /clock_nanosleep|records {3}[1-9]\d+ /);
  });

  await test("what a process of the same number left behind is no obstacle", () => {
    const file = path.join(work, "again.ctf");
    const script = `mkdir "$(dirname "$1")/.again.ctf.$$.tmp" && exec "$0" --quiet --trace "$1" -- true`;
    const ran = spawnSync("bash", ["-c", script, llano, file], { encoding: "utf8", timeout: 20_000 });
    assert.equal(ran.status, 0, ran.stderr);
    assert.deepEqual(left(work), []);
  });

  await test("a reader that does not read keeps nobody from ending llano", async () => {
    const loop = ["sh", "-c", "while :; do kill -0 $$; done"];
    for (const options of [["--trace-lossless", "--trace-ring", "1M"], []]) {
      // A pipe that is full and stays so.
      const script = `exec 3> >(sleep 30); "$0" --quiet --trace - "$@" 2>&3 & sleep 2; kill -TERM $!; wait $!; e=$?; kill %+ 2>/dev/null; exit $e`;
      const ran = spawnSync("bash", ["-c", script, llano, ...options, "--", ...loop], { timeout: 20_000, stdio: "ignore" });
      assert.equal(ran.status, 143, `${options}: ${ran.signal}`);
    }
  });

  await test("a place where nothing can be written", () => {
    if (!fs.existsSync(source)) throw new Skip("no recording");
    for (const file of ["/proc/no/such", "/sys/kernel", path.join(work, "nowhere")].flatMap((dir) => ["json", "pftrace", "ctf", "lttng"].map((kind) => `${dir}/a.${kind}`))) {
      const says = new RegExp(`^llano: (--trace )?cannot write ${file}: (No such file or directory|Permission denied|Operation not permitted|Read-only file system)$`, "m");
      refused(run(["trace", "export", source, file]), says);
      const ran = run(["--trace", file, "echo", "said"], {}, "");
      refused(ran, says);
      assert.equal(ran.stdout, "", "a program ran whose trace is lost");
    }
    for (const dir of ["/proc/no/such", path.join(work, "nowhere")]) {
      refused(run(["trace", "info", "-"], { env: { ...process.env, TMPDIR: dir }, input: fs.readFileSync(path.join(source, "stream")) }), new RegExp(`^llano: .*${dir}: No such file or directory$`, "m"));
    }
  });
};
