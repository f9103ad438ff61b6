//! The loop: pick a task, run it until it traps, act on why. Each step is a flag test when there is nothing to do.

use crate::inspect::DebugStop;
use crate::kernel::{Kernel, log};
use crate::sched::Slice;
use crate::signal::deliver::{Outcome, deliver, force};
use crate::sigstate::{SIG_IGN, SigInfo, code, sig};
use crate::syscall;
use crate::task::{Pid, State};
use crate::timers::Due;
use crate::wait::{OnSignal, Tid, Wait, Why};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicPtr, Ordering};
use llano_machine::{Fault, Trap, clock, overlay, own, space};
use llano_trace::record::Irq;

/// Why the loop returned: someone outside must decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The first process is over, with this wait(2) status; or the system was powered off (status 0).
    Exit(i32),
    /// A debugger's business.
    Debug(DebugStop),
    /// A tool asked for a pause.
    Paused,
    /// A process is about to die, or llano was told to end: [`Kernel::deaths`] says who.
    Death,
}

/// The kernel that runs, for debuggers: `print *llano_kernel::run::KERNEL.p.value`.
#[used]
pub static KERNEL: AtomicPtr<Kernel> = AtomicPtr::new(core::ptr::null_mut());

impl Kernel {
    /// Runs the system until someone outside must decide.
    pub fn run(&mut self) -> Stop {
        KERNEL.store(self, Ordering::Relaxed);
        own::root::below(|| self.turns())
    }

    /// The loop.
    fn turns(&mut self) -> Stop {
        loop {
            if self.attention() {
                if let Some(stop) = self.attend() {
                    llano_machine::on_host();
                    return stop;
                }
                // Who looks at calls has a turn of his own, so that nobody else has to ask.
                if self.debug.catches() || self.debug.fenced() {
                    self.watched_turn();
                    continue;
                }
            }
            self.turn::<false>();
        }
    }

    #[inline(never)]
    fn watched_turn(&mut self) {
        self.turn::<true>();
    }

    /// Runs the next task until it traps. `CATCH`: the debugger may want to see its calls.
    #[inline(always)]
    fn turn<const CATCH: bool>(&mut self) {
        let Some(tid) = self.sched.pick() else { return self.idle() };
        if (self.running != tid || overlay::current() != self.task(tid).view) && !self.switch_to(tid) {
            return;
        }
        if CATCH && !(self.inject_go_on(tid) && self.debug_go_on(tid)) {
            return;
        }
        let task = self.task(tid);
        if (task.attention || task.call.is_some()) && !self.before_user(tid) {
            return;
        }
        if CATCH {
            self.debug_to_user(tid);
        }
        let trap = match CATCH {
            true => match self.enter_watched(tid) {
                Some(trap) => trap,
                None => return,
            },
            false => llano_machine::enter(&mut self.task_mut(tid).ctx),
        };
        match trap {
            Trap::Syscall if CATCH && self.looked_at(tid) => {}
            Trap::Syscall => syscall::enter(self, tid),
            Trap::SyscallSignal => {
                crate::patching::site_trapped(self, tid);
                if !(CATCH && self.looked_at(tid)) {
                    syscall::enter(self, tid);
                }
            }
            Trap::Syscall32 => syscall::enter_foreign(self, tid),
            Trap::Fault(fault) => self.fault(tid, &fault),
            Trap::Tick => self.tick(tid),
            Trap::Irq => self.irq = true,
        }
    }

    /// A task is about to make a call that somebody may want to see first, or to change. `true`: that was done.
    fn looked_at(&mut self, tid: Tid) -> bool {
        self.debug_call(tid) || self.inject_call(tid)
    }

    /// Whether anything but running the next task is to be done.
    #[inline]
    fn attention(&self) -> bool {
        self.outside() | self.debug.busy
    }

    /// Whether something came from outside.
    fn outside(&self) -> bool {
        self.irq
            | self.env.wakes.any()
            | self.terminals.outbox.any()
            | self.stop_requested
            | self.exit_status.is_some()
    }

    /// Does it.
    fn attend(&mut self) -> Option<Stop> {
        if let Some(status) = self.exit_status {
            // Whoever ran has run for the last time: so the trace ends with an idle CPU.
            self.note_switch(0);
            return Some(Stop::Exit(if self.powered_off { 0 } else { status }));
        }
        if self.terminals.outbox.any() {
            syscall::tty::send_signals(self);
        }
        while let Some(tid) = self.env.wakes.pop() {
            match tid {
                syscall::sigio::NOBODY => syscall::sigio::send(self),
                _ => self.wake(tid),
            }
        }
        if core::mem::take(&mut self.irq) {
            self.serve(Some(0));
            // A tool may have ended the system: nobody has another turn.
            if self.exit_status.is_some() {
                return self.attend();
            }
        }
        if self.stop_requested || self.debug.busy { self.take_stop() } else { None }
    }

    /// Looks at everything outside: deadlines, host descriptors, host signals, requests of other threads.
    fn serve(&mut self, timeout: Option<u64>) {
        let mut ready = Vec::new();
        let mut signals = Vec::new();
        self.env.bell.wait(timeout, &mut ready, &mut signals);
        self.refresh_now();
        // From here on: what stood before was waiting.
        let begin = clock::tsc();
        let (io, asked) = (!ready.is_empty() || !signals.is_empty(), self.requests.any());
        for r in ready {
            if self.terminals.host_ready(r.key) {
                continue;
            }
            let queue = self.env.watched.borrow().get(r.key as usize).cloned().flatten();
            if let Some(queue) = queue {
                queue.wake(r.events);
            }
        }
        for s in signals {
            self.host_signal(s);
        }
        let expired = self.expire_timers();
        let requests = self.requests.clone();
        if requests.any() {
            for request in requests.take() {
                request(self);
            }
        }
        let irq = match (io, asked, expired) {
            (true, ..) => Irq::Io,
            (_, true, _) => Irq::Doorbell,
            (.., true) => Irq::Timer,
            _ => return,
        };
        if self.trace.on() {
            self.trace.irq(begin, clock::tsc(), irq);
        }
    }

    /// Reads the clock.
    pub fn refresh_now(&mut self) -> u64 {
        let now = self.clock.now();
        self.env.now.set(now);
        now
    }

    /// Nobody is runnable: waits for the outside, or skips to the next deadline in virtual time.
    fn idle(&mut self) {
        // What the last look outside brought is not yet acted on.
        if self.outside() {
            return;
        }
        self.note_switch(0);
        own::table::run(0);
        let now = self.refresh_now();
        let next = self.next_deadline();
        let timeout = next.map(|at| at.saturating_sub(now));
        if self.clock.virtual_time
            && let Some(skip) = timeout.filter(|t| *t > 0)
        {
            self.serve(Some(0));
            if self.sched.is_empty() && !self.outside() {
                self.clock.skipped += skip;
                self.refresh_now();
                self.expire_timers();
            }
            return;
        }
        self.serve(timeout);
    }

    fn next_deadline(&self) -> Option<u64> {
        let nouns = crate::ipc::expire(&self.env, self.now());
        match (self.timers.next(), nouns) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Makes sure that the next deadline interrupts the guest.
    pub fn arm_deadline(&mut self) {
        if let Some(at) = self.next_deadline() {
            let host = self.clock.host(at);
            self.host_timers.ring_by(host, clock::monotonic_ns());
        }
    }

    /// Returns whether something was due.
    fn expire_timers(&mut self) -> bool {
        let now = self.now();
        let mut some = false;
        while let Some((at, due)) = self.timers.pop(now) {
            some = true;
            if self.trace.on() {
                self.trace_timer(due, now - at);
            }
            match due {
                Due::Wake(tid) => {
                    if let Some(task) = self.tables.task_mut(tid) {
                        task.progress.timed_out = true;
                        task.wait_key = None;
                        self.wake(tid);
                    }
                }
                Due::Itimer(pid) => self.itimer_expired(pid),
                Due::Posix(pid, id) => self.posix_timer_expired(pid, id),
            }
        }
        self.arm_deadline();
        some
    }

    /// The slice of `tid` is over.
    fn tick(&mut self, tid: Tid) {
        // What other threads and timers ask for is served at once; a look at host descriptors is a host call, so
        // while guests keep the CPU busy they wait a few ticks.
        const LOOK_OUTSIDE: u64 = 3;
        let begin = clock::tsc();
        let now = self.refresh_now();
        let due = self.next_deadline().is_some_and(|at| at <= now);
        self.irq |= due || self.requests.any() || self.ticks.is_multiple_of(LOOK_OUTSIDE);
        if self.slice.is_used(clock::tsc()) {
            self.sched.resched = true;
            self.task_mut(tid).switches.1 += u64::from(self.sched.contended());
        }
        self.charge(tid);
        self.cpu_timers(tid);
        self.check_memory();
        if self.trace.on() {
            self.trace.irq(begin, clock::tsc(), Irq::Tick);
        }
    }

    /// Adds the CPU time since the last look to a task.
    fn charge(&mut self, tid: Tid) {
        let now = clock::tsc();
        let spent = self.tsc_to_ns(now.wrapping_sub(self.charged_at));
        self.charged_at = now;
        if let Some(task) = self.tables.task_mut(tid) {
            task.utime += spent;
        }
    }

    /// Books the running task's time up to now.
    pub fn charge_current(&mut self) {
        self.charge(self.running);
    }

    /// Makes `tid` the running task, with its memory in place. `false`: the host has no room to do so, and the task is
    /// gone.
    fn switch_to(&mut self, tid: Tid) -> bool {
        self.note_switch(tid);
        own::table::run(tid);
        self.running = tid;
        self.arm_deadline();
        let view = self.task(tid).view;
        if overlay::current() == view {
            self.slice = Slice::default();
            return true;
        }
        let (before, begin) = (overlay::work_done(), clock::tsc());
        let activated = overlay::activate(view);
        let end = clock::tsc();
        self.slice = Slice::after(begin, end);
        if self.trace.on() {
            self.trace_exchange(tid, before, begin, end);
        }
        let Err(error) = activated else { return true };
        let pid = self.task(tid).pid;
        log!(self, INFO, "mm", "process {pid} is killed: its memory cannot be put in place: {error}");
        self.exit_process(pid, sig::KILL);
        false
    }

    /// Books the time of the task that ran, and tells the trace. `next` 0: idle.
    fn note_switch(&mut self, next: Tid) {
        let prev = self.running;
        if prev == next {
            return;
        }
        self.charge(prev);
        if self.trace.on() {
            self.trace_switch(prev, next);
        }
        self.running = next;
    }

    /// Before a task goes back to its program: its pending call is tried again, its signals are delivered. `false`: it
    /// does not run now.
    fn before_user(&mut self, tid: Tid) -> bool {
        if self.process_of(tid).stopped && !self.task(tid).pending.set.has(sig::KILL) && !self.killed(tid) {
            self.set_state(tid, State::Stopped);
            return false;
        }
        // A call that waits for nothing a signal has to do with, while there is none: most waits.
        let task = self.task_mut(tid);
        if !task.attention
            && let Some(wait) =
                task.wait.take_if(|w| w.why != Why::Signal && w.on_signal != OnSignal::Uninterruptible)
        {
            self.block(tid, wait);
            return false;
        }
        // A call that was just made and must wait left its reason here; one that was woken is tried again.
        let mut wait = self.task_mut(tid).wait.take().map(alloc::boxed::Box::new);
        if wait.is_none() && self.task(tid).call.is_some() {
            match syscall::retry(self, tid) {
                // Its end is seen before any signal is.
                Ok(()) if self.debug_sees_end(tid) => return false,
                Ok(()) => {}
                Err(Some(w)) => wait = Some(w),
                Err(None) => return false,
            }
        }
        let Some(task) = self.tables.task_mut(tid) else { return false };
        if task.attention || wait.is_some() {
            task.attention = false;
            let mut on_signal = wait.as_ref().map(|w| w.on_signal);
            if on_signal == Some(OnSignal::Uninterruptible) {
                let pending = crate::signal::deliverable(self, tid);
                if !(1..=64).any(|s| pending.has(s) && crate::signal::is_fatal(self, tid, s)) {
                    self.block(tid, *wait.expect("it waits"));
                    self.task_mut(tid).attention = true;
                    return false;
                }
                on_signal = Some(OnSignal::Interrupt);
            }
            if wait.is_some() && self.debug.catches() && self.debug_interrupted(tid, on_signal) {
                self.task_mut(tid).attention = true;
                return false;
            }
            if self.debug.attached && self.debug_signal(tid) {
                let task = self.task_mut(tid);
                task.wait = wait.map(|w| *w);
                task.attention = true;
                return false;
            }
            if wait.is_some() && self.signal_with_handler(tid) {
                // The call is asked once more, so that it can say what it did before the interruption.
                self.task_mut(tid).progress.interrupted = true;
                if syscall::retry(self, tid).is_ok() {
                    (wait, on_signal) = (None, None);
                }
            }
            match deliver(self, tid, on_signal) {
                Outcome::Gone => return false,
                Outcome::Handled if self.stop_requested => return false,
                Outcome::Handled => wait = None,
                Outcome::Done => {}
            }
        }
        if let Some(wait) = wait {
            self.block(tid, *wait);
            return false;
        }
        let task = self.task_mut(tid);
        if task.call.is_none()
            && let Some(mask) = task.saved_sigmask.take()
        {
            task.sigmask = mask;
            task.attention = true;
            return self.before_user(tid);
        }
        true
    }

    /// A signal that runs a handler (or kills) waits to be delivered.
    fn signal_with_handler(&self, tid: Tid) -> bool {
        let set = crate::signal::deliverable(self, tid);
        let task = self.task(tid);
        (1..=64).filter(|s| set.has(*s)).any(|s| {
            let h = task.sighand.borrow().get(s).handler;
            h > crate::sigstate::SIG_IGN
        })
    }

    fn killed(&self, tid: Tid) -> bool {
        crate::signal::deliverable(self, tid).has(sig::KILL)
    }

    /// Puts a task to sleep.
    pub fn block(&mut self, tid: Tid, wait: Wait) {
        if let Some(at) = wait.deadline {
            if at <= self.now() {
                // Already over: the call is tried again at once and finds out.
                self.task_mut(tid).progress.timed_out = true;
                return;
            }
            let key = self.timers.add(at, Due::Wake(tid));
            self.task_mut(tid).wait_key = Some(key);
        }
        for (queue, events) in &wait.queues {
            queue.add(tid, *events);
        }
        if self.trace.on() {
            self.trace_block(tid, &wait.why);
        }
        let (why, about) = wait.why.numbers();
        own::table::set_why(tid, why, about);
        let task = self.task_mut(tid);
        task.wait = Some(wait);
        task.switches.0 += 1;
        self.set_state(tid, State::Blocked);
    }

    /// Wakes a task that sleeps in a call, or is about to; others are left alone.
    pub fn wake(&mut self, tid: Tid) {
        let Some(task) = self.tables.task_mut(tid) else { return };
        match task.state {
            State::Blocked => {
                if self.trace.on() {
                    self.trace.wake(clock::tsc(), self.running as u32, tid as u32);
                }
                self.make_runnable(tid);
            }
            // What it was going to wait for may have come: its call is tried again instead.
            State::Runnable => task.wait = None,
            _ => {}
        }
    }

    /// Puts a task on the run queue, whatever it waited for.
    pub fn make_runnable(&mut self, tid: Tid) {
        if self.task(tid).state != State::Dead {
            self.set_state(tid, State::Runnable);
        }
    }

    /// Changes a task's state and keeps the run queue and the wait queues in step.
    pub fn set_state(&mut self, tid: Tid, state: State) {
        let state = if state == State::Runnable { self.admitted(tid) } else { state };
        let task = self.task_mut(tid);
        let old = core::mem::replace(&mut task.state, state);
        own::table::set_state(tid, state as u32);
        if old == State::Blocked
            && let Some(wait) = task.wait.take()
        {
            for (queue, _) in &wait.queues {
                queue.remove(tid);
            }
            if let Some(key) = task.wait_key.take() {
                self.timers.remove(key);
            }
        }
        match (old == State::Runnable, state == State::Runnable) {
            (false, true) => self.sched.push(tid),
            (true, false) => self.sched.remove(tid),
            _ => {}
        }
    }

    /// A fault of guest code: the debugger's, a page of a file that grew, or the task's signal.
    fn fault(&mut self, tid: Tid, fault: &Fault) {
        if fault.signal == sig::TRAP && self.debug_trap(tid, fault) {
            return;
        }
        const PAGE_FAULT: u64 = 14;
        const ERROR_WRITE: u64 = 2;
        const ERROR_FETCH: u64 = 16;
        let segv = fault.signal == sig::SEGV && fault.trapno == PAGE_FAULT;
        if segv && fault.error & ERROR_WRITE != 0 && overlay::open(fault.addr, 1) {
            return;
        }
        let wanted = match fault.error {
            e if e & ERROR_WRITE != 0 => space::WRITE,
            e if e & ERROR_FETCH != 0 => space::EXEC,
            _ => space::READ,
        };
        let mm = self.task(tid).mm.clone();
        let allowed = segv && mm.borrow().find(fault.addr).is_some_and(|vma| vma.prot & wanted != 0);
        if allowed && mm.borrow_mut().extend_file(fault.addr) {
            return;
        }
        let mut info = SigInfo::at(fault.signal, fault.code, fault.addr);
        if allowed {
            // Mapped, allowed, and yet no page: beyond the end of the file.
            info = SigInfo::at(sig::BUS, code::BUS_ADRERR, fault.addr);
        } else if segv && fault.code == code::SEGV_ACCERR && mm.borrow().find(fault.addr).is_none() {
            // The host sees its reservation there; the guest has nothing mapped.
            info.code = code::SEGV_MAPERR;
        }
        let rip = self.task(tid).ctx.regs().rip;
        if self.trace.on() {
            self.trace.fault(clock::tsc(), tid as u32, info.signo as u32, fault.addr, rip);
        }
        self.task_mut(tid).fault = (fault.error, fault.trapno, fault.cr2);
        force(self, tid, info);
    }

    /// A signal that the host sent to llano itself.
    fn host_signal(&mut self, signo: i32) {
        let Some(first) = self.tables.processes().next().map(|p| (p.pid, p.pgid)) else { return };
        if self.terminals.host_signal(signo) {
            return;
        }
        if signo == sig::TERM && self.deaths.watched {
            self.deaths.terminated = true;
            self.stop_requested = true;
        }
        let info = SigInfo::new(signo, code::SI_KERNEL);
        match signo {
            sig::INT | sig::QUIT | sig::TSTP => {
                let _ = crate::signal::send_to_group(self, None, first.1, signo, info);
            }
            sig::CONT | sig::WINCH => {}
            // A first process that ignores it (an interactive shell SIGTERM) cannot keep llano from ending.
            _ if self.ignores(first.0, signo) => self.exit_status = Some(signo),
            _ => crate::signal::send_to_process(self, first.0, info),
        }
    }

    fn ignores(&self, pid: Pid, signo: i32) -> bool {
        let leader = self.tables.process(pid).and_then(|p| self.tables.task(*p.threads.first()?));
        leader.is_some_and(|task| task.sighand.borrow().get(signo).handler == SIG_IGN)
    }
}
