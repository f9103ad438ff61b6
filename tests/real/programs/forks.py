# subprocess, multiprocessing with fork and spawn, os.fork with threads, and pools.
import multiprocessing as mp, os, signal, subprocess as sp, sys, threading, time
from concurrent.futures import ProcessPoolExecutor

def square(n):
    return n * n

def worker(inbox, outbox, base):
    for n in iter(inbox.get, None):
        outbox.put(base + n)

def add(value, lock, times):
    for _ in range(times):
        with lock:
            value.value += 1

def talk(connection):
    while (message := connection.recv()) != "end":
        connection.send(message[::-1])
    connection.send("bye")

def methods(name):
    context = mp.get_context(name)
    with context.Pool(3) as pool:
        print(name, "pool", sum(pool.map(square, range(200))), pool.apply(square, (12,)))
    inbox, outbox = context.Queue(), context.Queue()
    workers = [context.Process(target=worker, args=(inbox, outbox, 1000)) for _ in range(3)]
    for w in workers: w.start()
    for n in range(100): inbox.put(n)
    for _ in workers: inbox.put(None)
    print(name, "queue", sum(outbox.get(timeout=60) for _ in range(100)))
    for w in workers: w.join()
    print(name, "exits", [w.exitcode for w in workers])
    value, lock = context.Value("i", 0), context.Lock()
    adders = [context.Process(target=add, args=(value, lock, 300)) for _ in range(3)]
    for a in adders: a.start()
    for a in adders: a.join()
    print(name, "value", value.value)
    ours, theirs = context.Pipe()
    talker = context.Process(target=talk, args=(theirs,))
    talker.start()
    for n in range(200):
        ours.send("message %d" % n)
        assert ours.recv() == ("message %d" % n)[::-1]
    ours.send("end")
    print(name, "pipe", ours.recv())
    talker.join()

def subprocesses():
    print(sp.run(["sort", "-n"], input="3\n1\n2\n", capture_output=True, text=True).stdout.split())
    first = sp.Popen(["seq", "20000"], stdout=sp.PIPE)
    second = sp.Popen(["grep", "-c", "7"], stdin=first.stdout, stdout=sp.PIPE)
    first.stdout.close()
    print("pipeline", second.communicate()[0], first.wait())
    print("shell", sp.getstatusoutput("(echo a; exit 3) | cat; exit 4"))
    # preexec_fn makes subprocess fork and run Python in the child.
    print("preexec", sp.run(["sh", "-c", "umask"], preexec_fn=lambda: os.umask(0o77), stdout=sp.PIPE).stdout)
    p = sp.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    time.sleep(0.2)
    p.send_signal(signal.SIGTERM)
    print("terminated", p.wait())
    print("python in python", sp.run([sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.call(['sh', '-c', 'exit 6']))"]).returncode)
    many = [sp.Popen(["sh", "-c", "exit %d" % n]) for n in range(30)]
    print("many", sum(p.wait() for p in many))

def forks():
    stop = threading.Event()
    counting = threading.Thread(target=stop.wait)
    counting.start()
    data = bytearray(8 << 20)
    pids = []
    for n in range(8):
        data[n << 20] = n + 1
        if (pid := os.fork()) == 0:
            ok = list(data[i << 20] for i in range(8)) == [i + 1 if i <= n else 0 for i in range(8)]
            data[:] = b"x" * len(data)
            os._exit(n + 1 if ok and data.count(b"x") == len(data) else 99)
        pids.append(pid)
    print("forks", [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids], sum(data))
    stop.set()
    counting.join()

if __name__ == "__main__":
    what = sys.argv[1]
    if what in ("fork", "spawn"): methods(what)
    elif what == "subprocess": subprocesses()
    elif what == "os": forks()
    else:
        with ProcessPoolExecutor(3, mp_context=mp.get_context("fork")) as pool:
            print("executor", sum(pool.map(square, range(100))))
    sys.stdout.flush()
