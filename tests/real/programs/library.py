# json, sqlite3, re, hashlib, zlib, decimal, struct, tempfile, mmap, signal: modules that lean on the kernel or on C.
import decimal, hashlib, json, mmap, os, re, signal, sqlite3, struct, sys, tempfile, time, zlib
data = {"k%d" % i: [i, i / 7, None, True, "é\n" * (i % 3)] for i in range(2000)}
text = json.dumps(data, sort_keys=True)
assert json.loads(text) == data
print(len(text), hashlib.sha256(text.encode()).hexdigest(), zlib.crc32(text.encode()))
db = sqlite3.connect(":memory:")
db.execute("create table t (a integer primary key, b text)")
db.executemany("insert into t values (?, ?)", ((i, str(i) * 3) for i in range(20000)))
print(db.execute("select count(*), sum(a), max(b) from t where b like '%7%'").fetchone())
print(re.findall(r"(\d+)-(\w+)", "1-a 22-bb 333-ccc"), struct.pack("<iqd", 1, -2, 3.5).hex(), decimal.Decimal(2).sqrt())
with tempfile.TemporaryFile() as f:
    f.truncate(1 << 20)
    with mmap.mmap(f.fileno(), 0) as m:
        m[12345:12350] = b"hello"
        m.flush()
    f.seek(12340)
    print(f.read(15))
got = []
signal.signal(signal.SIGALRM, lambda n, frame: got.append(n))
signal.setitimer(signal.ITIMER_REAL, 0.01)
time.sleep(0.05)
print(got, signal.sigpending(), os.path.basename(sys.executable), os.sched_getaffinity(0) != set())
try:
    os.kill(os.getpid(), 0)
    open("/nonexistent/file")
except OSError as e:
    print(e)
sys.exit(9)
