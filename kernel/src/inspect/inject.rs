//! Rules that interfere with calls, at work: before a call is made each is asked, and what they say together happens.
//!
//! A call that is held up is not made yet (or is over, and does not return yet): its task sleeps uninterruptibly, as in a
//! slow disk. One that gets a result is recorded and counted as if it had been made.

use crate::debug::{Caught, DebugStop, Phase};
use crate::error::Errno;
use crate::inject::{Effects, Held, Rule, Target, Who, matches};
use crate::kernel::{Kernel, log};
use crate::sigstate::{SigInfo, code};
use crate::syscall;
use crate::task::Call;
use crate::user;
use crate::wait::{OnSignal, Tid, Wait, Why};
use alloc::vec::Vec;
use llano_abi::syscalls::{self, ArgKind};
use llano_machine::clock;
use llano_machine::cpu::reg;

impl Kernel {
    /// To be called when rules changed.
    pub fn rules_changed(&mut self) {
        self.debug.inject = self.inject.any();
        self.debug.note_busy();
    }

    /// A task is about to make a call. `true`: a rule saw to it.
    pub(crate) fn inject_call(&mut self, tid: Tid) -> bool {
        if self.inject.rules.is_empty() {
            return false;
        }
        let Some(task) = self.tables.task(tid) else { return false };
        let r = &task.ctx.regs().regs;
        let nr = r[reg::RAX] as u32 as usize;
        let args = [r[reg::RDI], r[reg::RSI], r[reg::RDX], r[reg::R10], r[reg::R8], r[reg::R9]];
        let mut rules = core::mem::take(&mut self.inject.rules);
        let mut effects = Effects::default();
        for rule in rules.iter_mut().filter(|rule| rule.calls.contains(nr)) {
            if !self.rule_matches(rule, tid, nr, &args) {
                continue;
            }
            rule.seen += 1;
            if !rule.when.means(rule.seen) || !self.inject.happens(rule.when.chance) {
                continue;
            }
            rule.hits += 1;
            self.tell_hit(rule, tid, nr);
            let e = &rule.effects;
            effects.stop |= e.stop;
            effects.before_ns += e.before_ns;
            effects.after_ns += e.after_ns;
            effects.result = effects.result.or(e.result);
            effects.signal = effects.signal.or(e.signal);
        }
        self.inject.rules = rules;
        if effects == Effects::default() {
            return false;
        }
        self.interfere(tid, Call { nr, args, start: 0 }, &effects);
        true
    }

    fn rule_matches(&self, rule: &Rule, tid: Tid, nr: usize, args: &[u64; 6]) -> bool {
        let Some(task) = self.tables.task(tid) else { return false };
        let theirs = match &rule.who {
            None => true,
            Some(Who::Number(n)) => *n == tid || *n == task.pid,
            Some(Who::Name(name)) => name.as_bytes() == task.name(),
        };
        theirs
            && rule.test.is_none_or(|test| test.passes(args))
            && rule.target.as_ref().is_none_or(|target| self.is_about(target, tid, nr, args))
    }

    fn is_about(&self, target: &Target, tid: Tid, nr: usize, args: &[u64; 6]) -> bool {
        let Some(row) = syscalls::lookup(nr) else { return false };
        let fd = |value: u64| value as i32;
        row.args.iter().zip(args).any(|(arg, &value)| match (target, arg.kind) {
            (Target::Fd(wanted), ArgKind::Fd | ArgKind::DirFd) => fd(value) == *wanted,
            (Target::Path(pattern), ArgKind::Fd) => {
                let name = self.file(tid, fd(value)).map(|file| self.file_text(&file));
                name.is_ok_and(|name| matches(pattern.as_bytes(), name.as_bytes()))
            }
            (Target::Path(pattern), ArgKind::Path) => {
                user::short_path(value).is_ok_and(|path| self.path_matches(pattern.as_bytes(), tid, &path))
            }
            _ => false,
        })
    }

    /// As it was given, or from the working directory.
    fn path_matches(&self, pattern: &[u8], tid: Tid, path: &[u8]) -> bool {
        if matches(pattern, path) {
            return true;
        }
        let Some(task) = self.tables.task(tid).filter(|_| !path.starts_with(b"/")) else { return false };
        let mut full: Vec<u8> = task.fs.borrow().cwd.to_bytes(&self.mounts.root());
        if full.last() != Some(&b'/') {
            full.push(b'/');
        }
        full.extend_from_slice(path.strip_prefix(b"./").unwrap_or(path));
        matches(pattern, &full)
    }

    fn tell_hit(&mut self, rule: &Rule, tid: Tid, nr: usize) {
        let name = || llano_abi::syscalls::lookup(nr).map_or("call", |row| row.name);
        if rule.effects.log {
            log!(self, INFO, "inject", "rule {}, hit {}: {} of task {tid}", rule.id, rule.hits, name());
        }
        if rule.effects.trace && self.trace.on() {
            let text = alloc::format!("rule {}, hit {}: {} of task {tid}", rule.id, rule.hits, name());
            self.trace.command(clock::tsc(), &text);
        }
    }

    fn interfere(&mut self, tid: Tid, call: Call, effects: &Effects) {
        if let Some(signo) = effects.signal {
            crate::signal::send_to_task(self, tid, SigInfo::new(signo, code::SI_KERNEL));
        }
        if let Some(value) = effects.result {
            self.answer_call(tid, call, value);
            self.hold_up(tid, effects.before_ns + effects.after_ns, true, 0);
            return;
        }
        if effects.stop {
            self.stop_before_call(tid, call.nr as u64);
            return;
        }
        if effects.before_ns != 0 {
            self.hold_up(tid, effects.before_ns, false, effects.after_ns);
            return;
        }
        syscall::enter(self, tid);
        self.hold_up(tid, effects.after_ns, true, 0);
    }

    /// The call is over before it began.
    fn answer_call(&mut self, tid: Tid, call: Call, value: i64) {
        let start = if self.trace.on() { clock::tsc() } else { 0 };
        if let Some(count) = self.call_counts.get_mut(call.nr) {
            *count += 1;
        }
        let task = self.task_mut(tid);
        task.calls += 1;
        task.call = Some(Call { start, ..call });
        self.finish_call(tid, value);
    }

    /// The system stands still before the call, as at a caught one; in the monitor, if no debugger is there.
    fn stop_before_call(&mut self, tid: Tid, nr: u64) {
        let regs = self.task_mut(tid).ctx.regs_mut();
        regs.orig_rax = nr;
        regs.regs[reg::RAX] = Errno::ENOSYS.result() as u64;
        self.debug.caught.push(Caught { tid, nr, phase: Phase::Before });
        self.debug.note_busy();
        if self.debug.attached {
            self.stop_with(DebugStop::Call(tid, nr));
        } else {
            self.pause();
        }
    }

    fn hold_up(&mut self, tid: Tid, time_ns: u64, made: bool, after_ns: u64) {
        // A call that sleeps, or whose task is gone, returns later, or never.
        if time_ns == 0 || self.tables.task(tid).is_none_or(|t| t.call.is_some() || t.wait.is_some()) {
            return;
        }
        let until = Some(self.refresh_now() + time_ns);
        self.inject.held.push(Held { tid, made, after_ns });
        self.rules_changed();
        self.block(tid, Wait::new(Why::Delay).until(until).signals(OnSignal::Uninterruptible));
    }

    /// Goes on with a call that was held up. `false`: the task does not run now.
    pub(crate) fn inject_go_on(&mut self, tid: Tid) -> bool {
        let Some(at) = self.inject.held.iter().position(|h| h.tid == tid) else { return true };
        let Some(task) = self.tables.task_mut(tid) else { return true };
        if task.wait.is_some() {
            return true; // a signal was looked at, and the wait goes on
        }
        task.progress.timed_out = false;
        let held = self.inject.held.remove(at);
        self.rules_changed();
        if held.made {
            return true;
        }
        syscall::enter(self, tid);
        self.hold_up(tid, held.after_ns, true, 0);
        false
    }

    /// A task is over, or executes another program.
    pub(crate) fn forget_held(&mut self, tid: Tid) {
        if !self.inject.held.is_empty() {
            self.inject.held.retain(|h| h.tid != tid);
            self.rules_changed();
        }
    }
}
