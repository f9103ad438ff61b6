# 200 threads, queues, locks and events; asyncio with a unix server, timeouts and a subprocess-free pipe.
import asyncio, os, queue, sys, tempfile, threading, time

def threads():
    work, done = queue.Queue(), queue.Queue()
    start = threading.Event()
    local = threading.local()
    def run(n):
        local.n = n
        start.wait()
        for item in iter(work.get, None):
            done.put(item * item + local.n - n)
    all_threads = [threading.Thread(target=run, args=(n,)) for n in range(200)]
    for t in all_threads: t.start()
    start.set()
    for i in range(5000): work.put(i)
    for _ in all_threads: work.put(None)
    for t in all_threads: t.join()
    print("threads", sum(done.get() for _ in range(5000)), threading.active_count())
    lock = threading.Condition()
    with lock:
        print("timed out", not lock.wait(0.01))

async def loops():
    path = os.path.join(tempfile.mkdtemp(), "s")
    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line[::-1].strip() + b"\n")
        writer.close()
    server = await asyncio.start_unix_server(serve, path)
    async def client(n):
        reader, writer = await asyncio.open_unix_connection(path)
        out = []
        for i in range(20):
            writer.write(b"%d-%d\n" % (n, i))
            out.append(await reader.readline())
        writer.close()
        return len(b"".join(out))
    print("asyncio", sum(await asyncio.gather(*(client(n) for n in range(25)))))
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.02)
    except asyncio.TimeoutError:
        print("timeout")
    loop = asyncio.get_running_loop()
    print("executor", await loop.run_in_executor(None, sum, range(100000)))
    server.close()

threads()
asyncio.run(loops())
sys.stdout.flush()
