// Perfetto's trace processor under plain node: the viewer's own wasm engine, asked over its own protocol.
//
//   const trace = await open(viewerDirectory, traceFile);
//   const rows = await trace.query("select name, dur from slice");     // [{name: "read", dur: 120n}, ...]
//
// The engine is a web worker that speaks length-prefixed protobuf messages (TraceProcessorRpc) over a MessagePort.
// Of that protocol this file knows three methods and one result encoding; field numbers are from
// protos/perfetto/trace_processor/trace_processor.proto.

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const METHOD = { append: 1, finalize: 2, query: 3 };

// ---- protobuf, as much as is needed ---------------------------------------------------------------------------

function varint(value) {
  const bytes = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

const number = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);

function bytes(field, value) {
  const data = Buffer.from(value);
  return Buffer.concat([varint((field << 3) | 2), varint(data.length), data]);
}

/** The varint at `at` and the position after it, or nothing when the buffer ends inside it. */
function readVarint(buffer, at) {
  let value = 0n;
  for (let shift = 0n; at < buffer.length; shift += 7n) {
    const byte = buffer[at++];
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return [value, at];
  }
  return undefined;
}

/** The fields of a message in order: [number, bigint or Buffer]. */
function fields(buffer) {
  const found = [];
  for (let at = 0; at < buffer.length; ) {
    const [key, afterKey] = readVarint(buffer, at);
    const wire = Number(key & 7n);
    let value;
    if (wire === 0) {
      [value, at] = readVarint(buffer, afterKey);
    } else {
      const [length, start] = wire === 2 ? readVarint(buffer, afterKey) : [wire === 1 ? 8n : 4n, afterKey];
      at = start + Number(length);
      value = buffer.subarray(start, at);
    }
    found.push([Number(key >> 3n), value]);
  }
  return found;
}

const field = (message, wanted) => message.find(([number]) => number === wanted)?.[1];

// ---- the engine ---------------------------------------------------------------------------------------------

/** Runs the engine's worker script in a context that looks enough like a worker; returns the port it listens on. */
function startWorker(directory) {
  class XMLHttpRequest {
    open(_method, url) {
      this.file = path.join(directory, path.basename(url));
    }
    send() {
      const data = fs.readFileSync(this.file);
      this.status = 200;
      this.response = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
    }
  }
  const quiet = { log() {}, info() {}, debug() {}, warn() {}, error: console.error };
  const worker = {
    XMLHttpRequest, console: quiet, setTimeout, clearTimeout, TextDecoder, TextEncoder, performance, URL, crypto,
    importScripts() {},
    location: { href: `file://${directory}/engine_bundle.js` },
    WorkerGlobalScope: class {},
  };
  worker.self = worker;
  worker.globalThis = worker;
  vm.createContext(worker);
  vm.runInContext(fs.readFileSync(path.join(directory, "engine_bundle.js"), "utf8"), worker);
  return worker;
}

class Engine {
  constructor(directory) {
    this.worker = startWorker(directory);
    this.Uint8Array = vm.runInContext("Uint8Array", this.worker);
    this.sequence = 0;
    this.pending = Buffer.alloc(0);
    this.answers = [];
    this.waiting = null;
    const engine = this;
    this.port = {
      postMessage(data) {
        engine.received(Buffer.from(data));
      },
    };
  }

  /** Hands the worker its port as soon as it asks for one, and waits for the engine behind it. */
  async start() {
    for (let tries = 0; !this.worker.onmessage && tries < 200; tries++) await pause(50);
    this.worker.onmessage({ data: this.port });
    for (let tries = 0; !this.port.onmessage && tries < 200; tries++) await pause(50);
    if (!this.port.onmessage) throw new Error("the trace processor does not start");
  }

  received(data) {
    this.pending = Buffer.concat([this.pending, data]);
    for (;;) {
      const head = readVarint(this.pending, 1);
      if (!head || this.pending.length < head[1] + Number(head[0])) break;
      const end = head[1] + Number(head[0]);
      this.answers.push(fields(this.pending.subarray(head[1], end)));
      this.pending = this.pending.subarray(end);
    }
    if (this.answers.length) this.waiting?.();
  }

  async answer() {
    while (!this.answers.length) await new Promise((resolve) => (this.waiting = resolve));
    this.waiting = null;
    return this.answers.shift();
  }

  request(method, body = Buffer.alloc(0)) {
    const message = Buffer.concat([number(1, ++this.sequence), number(2, method), body]);
    this.port.onmessage({ data: new this.Uint8Array(bytes(1, message)) });
  }

  async load(data) {
    const chunk = 32 << 20;
    for (let at = 0; at < data.length; at += chunk) {
      this.request(METHOD.append, bytes(101, data.subarray(at, at + chunk)));
      const result = field(await this.answer(), 201);
      const error = result && field(fields(result), 2);
      if (error) throw new Error(`the trace does not parse: ${error}`);
    }
    this.request(METHOD.finalize);
    await this.answer();
  }

  async query(sql) {
    this.request(METHOD.query, bytes(103, bytes(1, sql)));
    const columns = [];
    const cells = [];
    for (let last = false; !last; ) {
      const result = field(await this.answer(), 203);
      for (const [what, value] of fields(result)) {
        if (what === 1) columns.push(value.toString());
        if (what === 2 && value.length) throw new Error(`${value}\nin: ${sql}`);
        if (what === 3) last = readBatch(value, cells);
      }
    }
    const rows = [];
    for (let at = 0; at < cells.length; at += columns.length) {
      rows.push(Object.fromEntries(columns.map((name, column) => [name, cells[at + column]])));
    }
    return rows;
  }
}

/** Appends the cells of one CellsBatch; whether it was the last. */
function readBatch(batch, cells) {
  let kinds = Buffer.alloc(0);
  let strings = [];
  const integers = [];
  const doubles = [];
  let last = false;
  for (const [what, value] of fields(batch)) {
    if (what === 1) kinds = value;
    if (what === 2) {
      for (let at = 0, integer; at < value.length; ) {
        [integer, at] = readVarint(value, at);
        integers.push(BigInt.asIntN(64, integer));
      }
    }
    if (what === 3) for (let at = 0; at < value.length; at += 8) doubles.push(value.readDoubleLE(at));
    if (what === 5) strings = value.toString().split("\0");
    if (what === 6) last = value !== 0n;
  }
  const take = { 1: () => null, 2: () => integers.shift(), 3: () => doubles.shift(), 4: () => strings.shift() };
  for (const kind of kinds) cells.push(take[kind]?.());
  return last;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Loads `trace` into a new engine of the viewer in `viewer` (what `tests/trace/viewer` prints). */
async function open(viewer, trace) {
  const version = fs.readdirSync(viewer).filter((name) => /^v\d/.test(name)).sort().pop();
  const engine = new Engine(path.join(viewer, version));
  await engine.start();
  await engine.load(fs.readFileSync(trace));
  return engine;
}

module.exports = { open };
