//! futex(2): waiting on a word of memory, known by its view and address, or by file and offset if it is mapped shared.

use super::Args;
use crate::error::{Errno, Fail, SysResult, fault};
use crate::kernel::Kernel;
use crate::mm::Backing;
use crate::time::Timespec;
use crate::user;
use crate::wait::{FutexKey, Tid, Wait, Why};
use hashbrown::HashMap;
use llano_machine::space::Sharing;
use llano_machine::usermem;
use smallvec::SmallVec;

/// Waiters by futex, in order of arrival.
pub type Futexes = HashMap<FutexKey, SmallVec<[Waiter; 2]>, core::hash::BuildHasherDefault<AddressHasher>>;

/// One waiter.
#[derive(Debug, Clone, Copy)]
pub struct Waiter {
    tid: Tid,
    bitset: u32,
}

/// Addresses are spread by one multiplication.
#[derive(Debug, Default)]
pub struct AddressHasher(u64);

impl core::hash::Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64((*b).into());
        }
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0 ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

const WAIT: i32 = 0;
const WAKE: i32 = 1;
const REQUEUE: i32 = 3;
const CMP_REQUEUE: i32 = 4;
const WAKE_OP: i32 = 5;
const WAIT_BITSET: i32 = 9;
const WAKE_BITSET: i32 = 10;
const CLOCK_REALTIME: i32 = 256;
const PRIVATE: i32 = 128;
const OWNER_DIED: u32 = 0x4000_0000;
const WAITERS: u32 = 0x8000_0000;
const TID_MASK: u32 = 0x3fff_ffff;

/// What the word at `addr` is known by. `op` may say that only threads of this process use it.
fn key(k: &Kernel, t: Tid, addr: u64, op: i32) -> FutexKey {
    let plain = FutexKey { file: (0, k.task(t).view.0), at: addr };
    if op & PRIVATE != 0 {
        return plain;
    }
    let mm = k.task(t).mm.borrow();
    let Some(vma) = mm.find(addr).filter(|vma| vma.sharing == Sharing::Shared) else { return plain };
    let Backing::File(file, offset) = &vma.backing else { return plain };
    match file.path.as_ref().map_or_else(|| Ok(file.ops().attr()), |path| path.inode().attr()) {
        Ok(attr) => FutexKey { file: (attr.dev, attr.ino), at: offset + (addr - vma.start) },
        _ => plain,
    }
}

/// futex(2).
pub fn sys_futex(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (addr, op, value) = (a.u64(0), a.i32(1), a.u32(2));
    let cmd = op & !(PRIVATE | CLOCK_REALTIME);
    if op & CLOCK_REALTIME != 0 && cmd != WAIT_BITSET && cmd != WAIT {
        return Err(Errno::ENOSYS.into());
    }
    if !addr.is_multiple_of(4) {
        return Err(Errno::EINVAL.into());
    }
    let (timeout_at, addr2, value3) = (a.u64(3), a.u64(4), a.u32(5));
    let at = key(k, t, addr, op);
    match cmd {
        WAIT => wait(k, t, (addr, at), value, timeout_at, Timeout::Relative, u32::MAX),
        WAIT_BITSET => {
            let kind = if op & CLOCK_REALTIME != 0 { Timeout::Realtime } else { Timeout::Monotonic };
            wait(k, t, (addr, at), value, timeout_at, kind, value3)
        }
        WAKE => Ok(checked_wake(k, addr, at, value, u32::MAX)?),
        WAKE_BITSET if value3 == 0 => Err(Errno::EINVAL.into()),
        WAKE_BITSET => Ok(checked_wake(k, addr, at, value, value3)?),
        REQUEUE | CMP_REQUEUE => {
            let to = key(k, t, addr2, op);
            let expected = (cmd == CMP_REQUEUE).then_some(value3);
            requeue(k, (addr, at), (addr2, to), value as i32, timeout_at as i32, expected)
        }
        WAKE_OP => {
            let to = key(k, t, addr2, op);
            wake_op(k, at, (addr2, to), value as i32, timeout_at as i32, value3)
        }
        _ => Err(Errno::ENOSYS.into()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Timeout {
    Relative,
    Monotonic,
    Realtime,
}

fn deadline(k: &mut Kernel, timeout_at: u64, kind: Timeout) -> Result<Option<u64>, Errno> {
    let Some(ts) = user::get_opt::<Timespec>(timeout_at)? else { return Ok(None) };
    let ns = ts.ns()?;
    let now = k.refresh_now();
    Ok(Some(match kind {
        Timeout::Relative => now.saturating_add(ns),
        Timeout::Monotonic => ns,
        Timeout::Realtime => ns.saturating_add_signed(k.env.realtime_offset.get().wrapping_neg()),
    }))
}

fn wait(
    k: &mut Kernel,
    t: Tid,
    (addr, key): (u64, FutexKey),
    value: u32,
    timeout: u64,
    kind: Timeout,
    bitset: u32,
) -> SysResult {
    if bitset == 0 {
        return Err(Errno::EINVAL.into());
    }
    let progress = &k.task(t).progress;
    if progress.woken {
        return Ok(0);
    }
    if let Some(at) = progress.futex {
        // It waited and something else woke it: time, or a signal that ends the call.
        if progress.timed_out {
            forget(k, t, at);
            return Err(Errno::ETIMEDOUT.into());
        }
        if progress.interrupted {
            forget(k, t, at);
            k.task_mut(t).progress.futex = None;
            let wait = Wait::new(Why::Futex(addr)).until(progress_deadline(k, t));
            return Err(
                if timeout != 0 { wait.signals(crate::wait::OnSignal::Interrupt) } else { wait }.into()
            );
        }
        return Err(Wait::new(Why::Futex(addr)).until(progress_deadline(k, t)).into());
    }
    let deadline = match progress.deadline {
        Some(d) => Some(d),
        None => deadline(k, timeout, kind)?,
    };
    if user::get::<u32>(addr)? != value {
        return Err(Errno::EAGAIN.into());
    }
    k.futexes.entry(key).or_default().push(Waiter { tid: t, bitset });
    let progress = &mut k.task_mut(t).progress;
    progress.deadline = deadline;
    progress.futex = Some(key);
    Err(Wait::new(Why::Futex(addr)).until(deadline).into())
}

fn progress_deadline(k: &Kernel, t: Tid) -> Option<u64> {
    k.task(t).progress.deadline
}

/// Takes a waiter out of its queue.
fn forget(k: &mut Kernel, t: Tid, at: FutexKey) {
    if let Some(queue) = k.futexes.get_mut(&at) {
        queue.retain(|w| w.tid != t);
        if queue.is_empty() {
            k.futexes.remove(&at);
        }
    }
}

fn checked_wake(k: &mut Kernel, addr: u64, at: FutexKey, count: u32, bitset: u32) -> Result<i64, Errno> {
    usermem::check(addr, 4).map_err(fault)?;
    Ok(wake(k, at, count as i32, bitset).into())
}

/// Wakes one waiter at an address of the task's, whatever is mapped there (the end of a thread).
pub fn wake_at(k: &mut Kernel, t: Tid, addr: u64) {
    let shared = key(k, t, addr, 0);
    if wake(k, shared, 1, u32::MAX) == 0 && shared.file != (0, 0) {
        wake(k, FutexKey { file: (0, 0), at: addr }, 1, u32::MAX);
    }
}

/// Wakes up to `count` waiters whose bits match; returns how many.
fn wake(k: &mut Kernel, at: FutexKey, count: i32, bitset: u32) -> i32 {
    let mut woken = 0;
    while woken < count.max(1) {
        let Some(queue) = k.futexes.get_mut(&at) else { break };
        let Some(i) = queue.iter().position(|w| w.bitset & bitset != 0) else { break };
        let waiter = queue.remove(i);
        if queue.is_empty() {
            k.futexes.remove(&at);
        }
        let Some(task) = k.tables.task_mut(waiter.tid) else { continue };
        task.progress.woken = true;
        k.wake(waiter.tid);
        woken += 1;
    }
    woken
}

fn requeue(
    k: &mut Kernel,
    (from_addr, from): (u64, FutexKey),
    (to_addr, to): (u64, FutexKey),
    wake_n: i32,
    move_n: i32,
    expected: Option<u32>,
) -> SysResult {
    if wake_n < 0 || move_n < 0 || !to_addr.is_multiple_of(4) {
        return Err(Errno::EINVAL.into());
    }
    usermem::check(to_addr, 4).map_err(fault)?;
    let found = user::get::<u32>(from_addr)?;
    if expected.is_some_and(|e| e != found) {
        return Err(Errno::EAGAIN.into());
    }
    let mut total = if wake_n > 0 { wake(k, from, wake_n, u32::MAX) } else { 0 };
    // Counted first: the two may be the same futex, and nobody is moved twice.
    let waiting = k.futexes.get(&from).map_or(0, SmallVec::len);
    for _ in 0..waiting.min(move_n as usize) {
        let Some(queue) = k.futexes.get_mut(&from) else { break };
        let waiter = queue.remove(0);
        if queue.is_empty() {
            k.futexes.remove(&from);
        }
        k.futexes.entry(to).or_default().push(waiter);
        if let Some(task) = k.tables.task_mut(waiter.tid) {
            task.progress.futex = Some(to);
        }
        total += 1;
    }
    Ok(total.into())
}

fn wake_op(
    k: &mut Kernel,
    at: FutexKey,
    (addr2, at2): (u64, FutexKey),
    wake1: i32,
    wake2: i32,
    encoded: u32,
) -> SysResult {
    let field = |shift: u32| ((encoded << shift) as i32) >> 20;
    let (mut oparg, cmparg) = (field(8), field(20));
    if encoded >> 31 != 0 {
        oparg = 1i32.wrapping_shl(oparg as u32);
    }
    if !addr2.is_multiple_of(4) {
        return Err(Errno::EINVAL.into());
    }
    let old = loop {
        let old = user::get::<u32>(addr2)?;
        let arg = oparg as u32;
        let new = match encoded >> 28 & 7 {
            0 => arg,
            1 => old.wrapping_add(arg),
            2 => old | arg,
            3 => old & !arg,
            4 => old ^ arg,
            _ => return Err(Errno::ENOSYS.into()),
        };
        if usermem::cas_u32(addr2, old, new).map_err(fault)? == old {
            break old as i32;
        }
    };
    let holds = match encoded >> 24 & 15 {
        0 => old == cmparg,
        1 => old != cmparg,
        2 => old < cmparg,
        3 => old <= cmparg,
        4 => old > cmparg,
        5 => old >= cmparg,
        _ => return Err(Errno::ENOSYS.into()),
    };
    let mut total = wake(k, at, wake1, u32::MAX);
    if holds {
        total += wake(k, at2, wake2, u32::MAX);
    }
    Ok(total.into())
}

/// set_robust_list(2).
pub fn sys_set_robust_list(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if a.usize(1) != 24 {
        return Err(Errno::EINVAL.into());
    }
    k.task_mut(t).robust_list = a.u64(0);
    Ok(0)
}

/// get_robust_list(2).
pub fn sys_get_robust_list(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let tid = if a.i32(0) == 0 { t } else { a.i32(0) };
    let head = k.tables.task(tid).ok_or(Errno::ESRCH)?.robust_list;
    user::put(a.u64(2), &24u64)?;
    user::put(a.u64(1), &head)?;
    Ok(0)
}

/// A task ends: the locks on its robust list are marked and their waiters woken (get_robust_list(2)).
pub fn exit_robust_list(k: &mut Kernel, tid: Tid) {
    let task = k.task_mut(tid);
    let head = core::mem::take(&mut task.robust_list);
    if let Some(at) = task.progress.futex.take() {
        forget(k, tid, at);
    }
    if head == 0 {
        return;
    }
    // A list that is broken or endless is given up, as Linux does.
    let _ = walk_robust_list(k, tid, head);
}

fn walk_robust_list(k: &mut Kernel, tid: Tid, head: u64) -> Result<(), Fail> {
    const LIMIT: usize = 2048;
    let [first, offset, pending] = user::get::<[u64; 3]>(head)?;
    let mut entry = first;
    for _ in 0..LIMIT {
        if entry & !1 == head {
            break;
        }
        let next = user::get::<u64>(entry & !1);
        if entry != pending {
            owner_died(k, tid, (entry & !1).wrapping_add(offset))?;
        }
        entry = next?;
    }
    if pending & !1 != 0 {
        owner_died(k, tid, (pending & !1).wrapping_add(offset))?;
    }
    Ok(())
}

fn owner_died(k: &mut Kernel, tid: Tid, addr: u64) -> Result<(), Fail> {
    loop {
        let old = user::get::<u32>(addr)?;
        if old & TID_MASK != tid as u32 {
            return Ok(());
        }
        let new = old & WAITERS | OWNER_DIED;
        if usermem::cas_u32(addr, old, new).map_err(fault)? == old {
            if old & WAITERS != 0 {
                wake_at(k, tid, addr);
            }
            return Ok(());
        }
    }
}
