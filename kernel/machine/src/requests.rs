//! Requests of other threads to the vCPU.
//!
//! A vCPU that stands still for a debugger gets them in quick succession, each as soon as the last was answered. So both
//! sides look at their slot for a moment before they sleep: a wake-up costs more than most answers.

use crate::bell::{Bell, Door};
use crate::own::park;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::mpsc::{TryRecvError, channel};
use std::time::{Duration, Instant};

/// A slot for requests from other threads to whoever owns `T` on the vCPU: closures, run at a consistent point.
pub struct Requests<T> {
    queue: Mutex<Vec<Request<T>>>,
    waiting: AtomicBool,
    /// [`RUNS`], [`LOOKS`] or [`SLEEPS`].
    vcpu: AtomicU8,
    door: Door,
}

/// The vCPU does other things.
const RUNS: u8 = 0;
/// It stands still, and looks whether something waits before it sleeps.
const LOOKS: u8 = 1;
/// It sleeps at the door.
const SLEEPS: u8 = 2;

/// How long who waits for the other side looks before sleeping.
pub const MOMENT: Duration = Duration::from_micros(30);

/// Looks again and again for `ready` for [`MOMENT`]; returns whether it came true.
pub fn look(mut ready: impl FnMut() -> bool) -> bool {
    crate::on_host(); // the clock is the C library's
    let begin = Instant::now();
    loop {
        for _ in 0..32 {
            if ready() {
                return true;
            }
            core::hint::spin_loop();
        }
        if begin.elapsed() > MOMENT {
            return false;
        }
        // The other side may need this very processor.
        std::thread::yield_now();
    }
}

type Request<T> = Box<dyn FnOnce(&mut T) + Send>;

impl<T> Requests<T> {
    /// An empty slot whose requests ring `door`.
    pub fn new(door: Door) -> Requests<T> {
        Requests {
            queue: Mutex::new(Vec::new()),
            waiting: AtomicBool::new(false),
            vcpu: AtomicU8::new(RUNS),
            door,
        }
    }

    /// What requests ring.
    pub fn door(&self) -> &Door {
        &self.door
    }

    /// Leaves a request and rings. It runs on the vCPU; results travel by a channel in the closure.
    pub fn post(&self, f: impl FnOnce(&mut T) + Send + 'static) {
        self.queue.lock().unwrap_or_else(|e| e.into_inner()).push(Box::new(f));
        self.waiting.store(true, Ordering::SeqCst);
        match self.vcpu.load(Ordering::SeqCst) {
            RUNS => self.door.ring(),
            SLEEPS => self.door.knock(),
            _ => {}
        }
    }

    /// Posts a request and waits for its answer; `None` if the vCPU does not answer within `timeout`.
    pub fn ask<R: Send + 'static>(
        &self,
        timeout: Duration,
        f: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Option<R> {
        let (tx, rx) = channel();
        self.post(move |t| drop(tx.send(f(t))));
        let mut answer = Err(TryRecvError::Empty);
        look(|| {
            answer = rx.try_recv();
            !matches!(answer, Err(TryRecvError::Empty))
        });
        answer.or_else(|_| rx.recv_timeout(timeout)).ok()
    }

    /// Whether something waits: one load.
    #[inline]
    pub fn any(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    /// Waits on the vCPU, which stands still, until something waits or the door was rung.
    pub fn stand(&self, bell: &Bell) {
        self.vcpu.store(LOOKS, Ordering::SeqCst);
        if look(|| self.any()) {
            return;
        }
        self.vcpu.store(SLEEPS, Ordering::SeqCst);
        // What was left before that was seen rang nobody.
        if !self.waiting.load(Ordering::SeqCst) {
            bell.wait_door();
        }
        self.vcpu.store(LOOKS, Ordering::SeqCst);
    }

    /// The vCPU runs on. What waits now may not have rung.
    pub fn run_on(&self) {
        self.vcpu.store(RUNS, Ordering::SeqCst);
    }

    /// Takes what waits; called on the vCPU.
    pub fn take(&self) -> Vec<Request<T>> {
        crate::on_host(); // they are the tools' code
        self.waiting.store(false, Ordering::SeqCst);
        // try_lock: a debug thread stopped while it holds the lock must not stop the kernel; it rings again after. Nor
        // may the vCPU stop for it in here.
        park::quietly(|| match self.queue.try_lock() {
            Ok(mut q) => core::mem::take(&mut *q),
            Err(_) => {
                self.waiting.store(true, Ordering::SeqCst);
                Vec::new()
            }
        })
    }
}
