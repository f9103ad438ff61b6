//! A made-up recording with everything a trace can hold: `sh` runs `cat /etc/passwd | wc -l`, a thread waits for a
//! futex, a signal arrives, a program faults, and two calls never return.

use llano_abi::syscalls::nr;
use llano_trace::record::{BytesKind, Counter, Irq, TaskState, TimerKind, Waiting};
use llano_trace::recorder::Recorder;
use llano_trace::snapshot::{Calibration, OpenCall, Snapshot, TaskNow};

/// 3 GHz, so that three ticks are a nanosecond.
pub(crate) const CLOCK: Calibration =
    Calibration { tsc0: 7_000_000_000, tsc_hz: 3_000_000_000, epoch_ns: 1_700_000_000_123_456_789 };

const CWD: u64 = -100i64 as u64;
const SLEEPING: TaskState = TaskState::Sleeping;

/// The recorder and the time in it.
pub(crate) struct Scene {
    rec: Recorder,
    tsc: u64,
}

impl Scene {
    fn pass(&mut self, ns: u64) -> u64 {
        self.tsc += ns * 3;
        self.tsc
    }

    /// A call of `ns` nanoseconds that does not wait.
    fn call(&mut self, tid: u32, nr: usize, args: &[u64], result: i64, ns: u64) {
        self.pass(2_000);
        let start = self.tsc;
        let now = self.pass(ns);
        self.rec.syscall(start, now, tid, nr, result, &six(args));
    }

    fn path(&mut self, tid: u32, nr: usize, address: u64, path: &str) {
        self.rec.call_bytes(self.tsc, tid, nr, BytesKind::Path, address, path.as_bytes());
    }

    fn fd(&mut self, tid: u32, fd: u64, name: &str) {
        self.rec.bytes(self.tsc, tid, BytesKind::Fd, fd, name.as_bytes());
    }

    fn switch(&mut self, prev: u32, next: u32, state: TaskState) {
        let now = self.pass(60);
        self.rec.switch(now, prev, next, state);
    }

    fn block(&mut self, tid: u32, nr: usize, waiting: Waiting, object: u64) -> u64 {
        self.pass(2_000);
        let start = self.tsc;
        let now = self.pass(150);
        self.rec.block(now, tid, nr, waiting, object);
        start
    }

    /// The end of a call that waited since `start`.
    fn resume(&mut self, start: u64, tid: u32, nr: usize, args: &[u64], result: i64) {
        let now = self.pass(200);
        self.rec.syscall(start, now, tid, nr, result, &six(args));
    }

    /// A word written to the trace marker, descriptor 9.
    fn mark(&mut self, tid: u32, text: &str) {
        self.pass(2_000);
        let start = self.tsc;
        let now = self.pass(100);
        self.rec.mark(now, tid, text.as_bytes());
        self.resume(start, tid, nr::WRITE, &[9, 0x9000, text.len() as u64], text.len() as i64);
    }

    fn wake(&mut self, waker: u32, woken: u32) {
        let now = self.pass(30);
        self.rec.wake(now, waker, woken);
    }
}

fn six(args: &[u64]) -> [u64; 6] {
    let mut all = [0; 6];
    all[..args.len()].copy_from_slice(args);
    all
}

/// Records the scene into a ring of `bytes`.
pub(crate) fn pipeline(bytes: usize) -> (Recorder, Snapshot) {
    let mut s = Scene { rec: Recorder::new(bytes), tsc: CLOCK.tsc0 };
    s.pass(1_000);
    s.rec.log(s.tsc, 0, 6, "boot", "llano booted: 1 GiB of RAM");
    s.rec.clone_task(s.tsc, 0, 10, 10, 0);
    s.rec.exec(s.tsc, 10, b"/bin/sh", b"sh");
    for fd in 0..3 {
        s.fd(10, fd, "/dev/tty");
    }
    s.switch(0, 10, TaskState::Runnable);
    s.call(10, nr::BRK, &[0], 0x5555_0000, 300);
    s.call(10, nr::MMAP, &[0, 8192, 3, 0x22, u64::MAX, 0], 0x7f00_0000_0000, 900);
    s.fd(10, 3, "pipe:[1]");
    s.fd(10, 4, "pipe:[1]");
    s.call(10, nr::PIPE2, &[0x7ffe_0000, 0], 0, 700);

    // vfork: the parent waits until the child executes its program.
    let vfork = s.block(10, nr::VFORK, Waiting::Vfork, 11);
    s.rec.clone_task(s.tsc, 10, 11, 11, 0x4111);
    s.switch(10, 11, SLEEPING);
    s.call(11, nr::DUP2, &[4, 1], 1, 200);
    s.fd(11, 1, "pipe:[1]");
    s.path(11, nr::EXECVE, 0x5000, "/bin/cat");
    s.pass(2_000);
    let exec = s.tsc;
    s.pass(30_000);
    s.wake(11, 10);
    s.rec.exec(s.tsc, 11, b"/bin/cat", b"cat");
    s.rec.map(s.tsc, 11, 0x4000_0000, 0x9000, 5);
    s.resume(exec, 11, nr::EXECVE, &[0x5000, 0x5100, 0x5200], 0);
    s.switch(11, 10, TaskState::Runnable);
    s.resume(vfork, 10, nr::VFORK, &[], 11);
    let vfork = s.block(10, nr::VFORK, Waiting::Vfork, 12);
    s.rec.clone_task(s.tsc, 10, 12, 12, 0x4111);
    s.switch(10, 12, SLEEPING);
    s.call(12, nr::DUP2, &[3, 0], 0, 200);
    s.fd(12, 0, "pipe:[1]");
    s.path(12, nr::EXECVE, 0x5000, "/usr/bin/wc");
    s.pass(2_000);
    let exec = s.tsc;
    s.pass(30_000);
    s.wake(12, 10);
    s.rec.exec(s.tsc, 12, b"/usr/bin/wc", b"wc \"-l\"");
    s.resume(exec, 12, nr::EXECVE, &[0x5000, 0x5100, 0x5200], 0);
    let wc_read = s.block(12, nr::READ, Waiting::Pipe, 0);
    s.switch(12, 10, SLEEPING);
    s.resume(vfork, 10, nr::VFORK, &[], 12);
    for fd in [3, 4] {
        s.call(10, nr::CLOSE, &[fd], 0, 150);
    }
    let wait = s.block(10, nr::WAIT4, Waiting::Child, 11);
    s.switch(10, 11, SLEEPING);

    for _ in 0..6 {
        s.path(11, nr::OPENAT, 0x6000, "/usr/share/locale/C.UTF-8/LC_MESSAGES/coreutils.mo");
        s.call(11, nr::OPENAT, &[CWD, 0x6000, 0o2000000, 0], -2, 1_400);
    }
    s.path(11, nr::OPENAT, 0x6000, "/etc/passwd");
    s.fd(11, 5, "/etc/passwd");
    s.call(11, nr::OPENAT, &[CWD, 0x6000, 0o2000000, 0], 5, 2_100);
    s.call(11, nr::FSTAT, &[5, 0x7ffe_1000], 0, 400);
    s.call(11, nr::READ, &[5, 0x9000, 131_072], 1834, 3_000);
    s.rec.call_bytes(
        s.tsc,
        11,
        nr::WRITE,
        BytesKind::Data,
        0x9000,
        b"root:x:0:0:root:/root:/bin/bash\ndaemon",
    );
    s.pass(500);
    let write = s.tsc;
    s.pass(600);
    s.wake(11, 12);
    s.resume(write, 11, nr::WRITE, &[1, 0x9000, 1834], 1834);
    s.call(11, nr::READ, &[5, 0x9000, 131_072], 0, 300);
    s.call(11, nr::CLOSE, &[5], 0, 200);
    s.pass(900);
    let exit = s.tsc;
    s.pass(2_000);
    s.rec.signal_sent(s.tsc, 11, 10, 17, 1);
    s.wake(11, 10);
    s.resume(exit, 11, nr::EXIT_GROUP, &[0], 0);
    s.rec.exit(s.tsc, 11, 0);
    s.switch(11, 12, TaskState::Zombie);
    s.resume(wc_read, 12, nr::READ, &[0, 0x9000, 16_384], 1834);
    for word in ["E|12", "B|12|count", "B|12|read", "C|12|lines|3"] {
        s.mark(12, word);
    }
    s.call(12, nr::FSTAT, &[0, 0x7ffe_1000], 0, 400);
    for word in ["C|12|lines|30", "E", "half way", "E|12", "B|12|rest"] {
        s.mark(12, word);
    }
    s.rec.irq(s.tsc, s.tsc + 900, Irq::Tick);
    s.pass(1_000);
    let wc_read = s.block(12, nr::READ, Waiting::Pipe, 0);
    s.wake(0, 12);
    s.switch(12, 12, SLEEPING);
    s.resume(wc_read, 12, nr::READ, &[0, 0x9000, 16_384], 0);
    s.switch(12, 10, TaskState::Runnable);
    s.rec.signal_delivered(s.tsc, 10, 17, 0x5555_1234);
    s.resume(wait, 10, nr::WAIT4, &[-1i64 as u64, 0x7ffe_0010, 0, 0], 11);

    // A thread that waits for a futex.
    s.call(10, nr::CLONE, &[0x3d0f00, 0x7f10_0000, 0x7f10_1000, 0x7f10_1000, 0x7f10_2000], 13, 5_000);
    s.rec.clone_task(s.tsc, 10, 13, 10, 0x3d0f00);
    s.switch(10, 13, TaskState::Runnable);
    let futex = s.block(13, nr::FUTEX, Waiting::Futex, 0x7f20_0000);
    s.switch(13, 10, SLEEPING);
    s.pass(40_000);
    let start = s.tsc;
    s.pass(300);
    s.wake(10, 13);
    s.resume(start, 10, nr::FUTEX, &[0x7f20_0000, 129, 1], 1);
    s.rec.counter(s.tsc, Counter::Memory, 0, 12 << 20);
    s.rec.counter(s.tsc, Counter::Pipe, 1, 1834);
    s.rec.exchange(s.tsc, s.tsc + 900, 13, 8192, 3);
    s.pass(900);
    s.rec.timer(s.tsc, 10, TimerKind::Posix, 1500, 2);
    s.rec.patch(s.tsc, 10, 0x7f00_0000_1234, true);
    s.rec.signal_returned(s.tsc, 10, 0x7ffe_0000, 0x5555_5678);
    s.rec.command(s.tsc, "tasks");
    s.switch(10, 13, TaskState::Runnable);
    s.resume(futex, 13, nr::FUTEX, &[0x7f20_0000, 128, 0, 0, 0, 0], 0);
    s.pass(3_000);
    s.rec.fault(s.tsc, 13, 11, 0, 0x0040_115a);
    s.rec.signal_sent(s.tsc, 0, 13, 11, 1);
    s.rec.log(s.tsc, 13, 4, "signal", "sh[13]: SIGSEGV at 0x0, ip 0x40115a");
    s.pass(300_000);
    s.rec.stop(s.tsc - 600_000, s.tsc, 13);
    s.rec.exit(s.tsc, 13, 11);
    s.switch(13, 0, TaskState::Dead);

    // The shell waits for the terminal and wc for its end: both calls stay open.
    let wait = s.tsc - 3 * 290_000;
    s.rec.irq(s.tsc + 10_000, s.tsc + 16_000, Irq::Io);
    s.pass(60_000);
    let open = |nr, args: &[u64], start_tsc| Some(OpenCall { nr, args: six(args), start_tsc });
    let tasks = vec![
        TaskNow { tid: 10, tgid: 10, comm: "sh".into(), call: open(nr::READ, &[0, 0x7ffe_2000, 1], wait) },
        TaskNow {
            tid: 12,
            tgid: 12,
            comm: "wc \"-l\"".into(),
            call: open(nr::WRITE, &[1, 0x9000, 3], s.tsc - 3_000),
        },
    ];
    (s.rec, Snapshot { clock: CLOCK, now_tsc: s.tsc, tasks })
}
