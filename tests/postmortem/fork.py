"""The second of two processes reads address 0; then the first dies by a signal as well."""
import ctypes, os, signal

pid = os.fork()
if pid == 0:
    ctypes.string_at(0)
_, status = os.waitpid(pid, 0)
print("child", pid, "status", status, flush=True)
os.kill(os.getpid(), signal.SIGABRT)
