//! A kernel that hangs: with `--post-mortem` a thread asks now and then whether it is there.
//!
//! Guest code is interrupted by the question and answers at once; so a vCPU that does not answer, and burns the CPU all the
//! while, runs in circles in kernel code. It is made to crash where it stands, and the crash is reported as any other. The
//! same thread ends a report that does not get on.

use crate::session::Failure;
use llano_kernel::Kernel;
use llano_kernel::inspect::Requests;
use llano_machine::bell::Door;
use llano_machine::signals;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How long the kernel may be silent.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time between two questions.
const PAUSE: Duration = Duration::from_secs(1);
/// The part of that time in which it must have run or waited for a processor of the host, and the part in which it must
/// have run, in hundredths: others may want the host too.
const READY: u64 = 70;
const RAN: u64 = 3;
/// How long a dump of a crashed kernel may make no progress.
const STUCK: Duration = Duration::from_secs(10);
const STACK: usize = 64 << 10;

/// The vCPU writes a dump: it answers nobody.
static DUMPING: AtomicBool = AtomicBool::new(false);
/// The kernel crashed.
static CRASHED: AtomicBool = AtomicBool::new(false);
/// It was made to, because it hung.
static HUNG: AtomicBool = AtomicBool::new(false);
/// Grows while a dump gets on.
static PROGRESS: AtomicU64 = AtomicU64::new(0);

/// A dump gets on.
pub fn tick() {
    PROGRESS.fetch_add(1, Ordering::Relaxed);
}

/// Tells that the vCPU begins or ends to write a dump.
pub fn dumping(on: bool) {
    DUMPING.store(on, Ordering::Relaxed);
}

/// The kernel crashed: from now on only progress is watched. Whether it was made to because it hung.
pub fn crashed() -> bool {
    CRASHED.store(true, Ordering::Relaxed);
    HUNG.load(Ordering::Relaxed)
}

/// Starts the thread.
///
/// # Errors
/// The host gives no thread.
pub fn start(requests: &Arc<Requests<Kernel>>, door: Door) -> Result<(), Failure> {
    let requests = requests.clone();
    let watch = move || {
        while !CRASHED.load(Ordering::Relaxed) {
            thread::sleep(PAUSE);
            let (ran, waited) = cpu_ns(&door);
            let silent = requests.ask(PATIENCE, |_| ()).is_none();
            let now = cpu_ns(&door);
            let (ran, waited) = (now.0.saturating_sub(ran), now.1.saturating_sub(waited));
            let part = |ns: u64| ns * 100 / PATIENCE.as_nanos() as u64;
            let busy = part(ran + waited) >= READY && part(ran) >= RAN;
            if silent && busy && !DUMPING.load(Ordering::Relaxed) && !debugged() {
                HUNG.store(true, Ordering::Relaxed);
                door.abort();
                break;
            }
        }
        end_when_stuck();
    };
    let started = thread::Builder::new().name("watchdog".into()).stack_size(STACK).spawn(watch);
    started.map(drop).map_err(|e| Failure::new(format!("cannot start a thread: {e}")))
}

/// Ends llano when the dump of a crashed kernel makes no progress.
fn end_when_stuck() {
    loop {
        let before = PROGRESS.load(Ordering::Relaxed);
        thread::sleep(STUCK);
        if CRASHED.load(Ordering::Relaxed) && PROGRESS.load(Ordering::Relaxed) == before {
            llano_machine::host::write_stderr(
                b"llano: the post-mortem does not get on; what is written stays\n",
            );
            signals::die();
        }
    }
}

/// For how long the vCPU's thread ran, and for how long it could have, nanoseconds (proc/schedstat of the host).
fn cpu_ns(door: &Door) -> (u64, u64) {
    let text = fs::read_to_string(format!("/proc/self/task/{}/schedstat", door.tid())).unwrap_or_default();
    let mut numbers = text.split(' ').map(|n| n.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// Whether a debugger of the host's holds llano: then silence means nothing.
fn debugged() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().any(|l| l.strip_prefix("TracerPid:").is_some_and(|pid| pid.trim() != "0"))
}
