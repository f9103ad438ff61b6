//! poll(2), select(2) and their relatives: waiting for any of several descriptors.

use super::Args;
use super::eventfd;
use crate::error::{Errno, Result, SysResult};
use crate::fs::file::File;
use crate::ipc::epoll::Epoll;
use crate::ipc::signalfd::SignalFd;
use crate::kernel::Kernel;
use crate::sigstate::SigSet;
use crate::task::process::rlimit;
use crate::time::{SECOND, Timespec, Timeval};
use crate::user;
use crate::wait::{OnSignal, Tid, Wait, Why, poll};
use alloc::rc::Rc;
use llano_abi::poll::PollFd;
use smallvec::{SmallVec, smallvec};

/// What a read set waits for, and what counts as readable.
const READ_SET: u32 = poll::RDNORM | poll::RDBAND | poll::IN | poll::HUP | poll::ERR;
/// What counts as writable.
const WRITE_SET: u32 = poll::WRBAND | poll::WRNORM | poll::OUT | poll::ERR;
/// What counts as exceptional.
const EXCEPT_SET: u32 = poll::PRI;
const SETS: [u32; 3] = [READ_SET, WRITE_SET, EXCEPT_SET];

/// The open file behind a descriptor that can be waited for: not one opened with O_PATH.
///
/// # Errors
/// `EBADF`.
pub fn waitable(k: &Kernel, t: Tid, fd: i32) -> Result<Rc<File>> {
    let file = k.file(t, fd)?;
    if file.is_path() { Err(Errno::EBADF) } else { Ok(file) }
}

/// The poll bits that hold for a file now, as task `t` sees it: a signalfd shows the signals of whoever asks.
pub fn ready(k: &Kernel, t: Tid, file: &File) -> u32 {
    if !file.depends {
        return file.ops().poll(file);
    }
    if let Some(epoll) = file.downcast::<Epoll>() {
        let any = epoll.is_ready(&mut |file| ready(k, t, file));
        return if any { poll::IN | poll::RDNORM } else { 0 };
    }
    match file.downcast::<SignalFd>() {
        Some(signals) => eventfd::signals_ready(k, t, signals),
        None => file.ops().poll(file),
    }
}

/// The deadline of a wait that lasts `timeout_ns` from its first invocation on.
pub fn deadline(k: &mut Kernel, t: Tid, timeout_ns: Option<u64>) -> Option<u64> {
    let ns = timeout_ns?;
    if ns == 0 && k.task(t).progress.deadline.is_none() {
        return Some(0);
    }
    if k.task(t).progress.deadline.is_none() {
        let now = k.refresh_now();
        k.task_mut(t).progress.deadline = Some(now.saturating_add(ns));
    }
    k.task(t).progress.deadline
}

/// Whether the deadline of the wait in progress has passed.
pub fn over(k: &Kernel, t: Tid, deadline: Option<u64>) -> bool {
    k.task(t).progress.timed_out || deadline.is_some_and(|at| at <= k.now())
}

/// Puts a signal mask in place for the time of the call, unless the pointer is null.
///
/// # Errors
/// `EINVAL` for a wrong size, `EFAULT`.
pub fn swap_mask(k: &mut Kernel, t: Tid, addr: u64, size: usize) -> Result<()> {
    if addr == 0 || k.task(t).saved_sigmask.is_some() {
        return Ok(());
    }
    if size != 8 {
        return Err(Errno::EINVAL);
    }
    let set = SigSet(user::get::<u64>(addr)? & !SigSet::UNBLOCKABLE.0);
    let task = k.task_mut(t);
    task.saved_sigmask = Some(core::mem::replace(&mut task.sigmask, set));
    task.attention = true;
    Ok(())
}

fn wait_any() -> Wait {
    Wait::new(Why::Poll).signals(OnSignal::Interrupt)
}

fn watch(wait: Wait, file: &File, events: u32) -> Wait {
    match file.ops().queue(file, events) {
        Some(queue) => wait.on(&queue, events | poll::ERR | poll::HUP),
        None => wait,
    }
}

fn do_poll(k: &mut Kernel, t: Tid, fds: u64, count: usize, timeout_ns: Option<u64>) -> SysResult {
    if count as u64 > k.limit(t, rlimit::NOFILE) {
        return Err(Errno::EINVAL.into());
    }
    let deadline = deadline(k, t, timeout_ns);
    let over = over(k, t, deadline);
    let mut found = 0;
    let files = k.task(t).files.clone();
    for i in 0..count as u64 {
        let at = fds + i * size_of::<PollFd>() as u64;
        let asked: PollFd = user::get(at)?;
        let mut revents = 0;
        if asked.fd >= 0 {
            let events = u32::from(asked.events) | poll::ERR | poll::HUP;
            revents = match files.borrow().get(asked.fd) {
                Ok(file) if !file.is_path() => ready(k, t, file) & events,
                _ => poll::NVAL,
            };
        }
        found += i64::from(revents != 0);
        user::put(at + 6, &(revents as u16))?;
    }
    if found > 0 || over {
        return Ok(found);
    }
    let mut wait = wait_any().until(deadline);
    for i in 0..count as u64 {
        let asked: PollFd = user::get(fds + i * size_of::<PollFd>() as u64)?;
        if let Ok(file) = files.borrow().get(asked.fd) {
            wait = watch(wait, file, u32::from(asked.events) | poll::ERR | poll::HUP);
        }
    }
    Err(wait.into())
}

/// poll(2).
pub fn sys_poll(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let timeout_ns = u64::try_from(a.i32(2)).ok().map(|ms| ms * 1_000_000);
    do_poll(k, t, a.u64(0), a.u32(1) as usize, timeout_ns)
}

/// ppoll(2).
pub fn sys_ppoll(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let timeout_ns = timespec(k, t, a.u64(2))?;
    swap_mask(k, t, a.u64(3), a.usize(4))?;
    let result = do_poll(k, t, a.u64(0), a.u32(1) as usize, timeout_ns);
    leave_rest(k, t, a.u64(2), |ns| user::put(a.u64(2), &Timespec::from_ns(ns)));
    result
}

/// A timeout argument; read once, as later its memory holds the rest.
fn timespec(k: &Kernel, t: Tid, addr: u64) -> Result<Option<u64>> {
    if addr != 0 && k.task(t).progress.deadline.is_some() {
        return Ok(Some(0));
    }
    user::get_opt::<Timespec>(addr)?.map(|ts| ts.ns()).transpose()
}

/// Tells the program how much of its timeout is left; that it cannot be told is no error.
fn leave_rest(k: &Kernel, t: Tid, addr: u64, put: impl FnOnce(u64) -> Result<()>) {
    if addr != 0
        && let Some(deadline) = k.task(t).progress.deadline
    {
        let _ = put(deadline.saturating_sub(k.now()));
    }
}

/// The bits of a `fd_set` for `n` descriptors.
type Bits = SmallVec<[u64; 4]>;

fn get_set(addr: u64, words: usize) -> Result<Bits> {
    let mut bits: Bits = smallvec![0; words];
    if addr != 0 {
        for (i, word) in bits.iter_mut().enumerate() {
            *word = user::get(addr + 8 * i as u64)?;
        }
    }
    Ok(bits)
}

fn put_set(addr: u64, bits: &Bits) -> Result<()> {
    if addr != 0 {
        for (i, word) in bits.iter().enumerate() {
            user::put(addr + 8 * i as u64, word)?;
        }
    }
    Ok(())
}

/// The descriptors below `n` that are in any of the sets.
fn asked_for(sets: &[Bits; 3], n: usize) -> impl Iterator<Item = usize> {
    (0..sets[0].len()).flat_map(move |word| {
        let mut bits = sets[0][word] | sets[1][word] | sets[2][word];
        core::iter::from_fn(move || {
            let bit = bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
            (bit < 64).then_some(word * 64 + bit)
        })
        .take_while(move |fd| *fd < n)
    })
}

fn do_select(k: &mut Kernel, t: Tid, a: &Args, timeout_ns: Option<u64>) -> SysResult {
    let n = usize::try_from(a.i32(0)).map_err(|_| Errno::EINVAL)?;
    // As Linux does: what lies beyond the table of descriptors is not looked at.
    let n = n.min(k.task(t).files.borrow().len().next_power_of_two().max(64));
    let words = n.div_ceil(64);
    let asked = [get_set(a.u64(1), words)?, get_set(a.u64(2), words)?, get_set(a.u64(3), words)?];
    let mut got: [Bits; 3] = [smallvec![0; words], smallvec![0; words], smallvec![0; words]];
    let deadline = deadline(k, t, timeout_ns);
    let over = over(k, t, deadline);
    let mut found = 0;
    let files = k.task(t).files.clone();
    for fd in asked_for(&asked, n) {
        let (word, bit) = (fd / 64, 1 << (fd % 64));
        let files = files.borrow();
        let file = files.get(fd as i32).ok().filter(|file| !file.is_path()).ok_or(Errno::EBADF)?;
        let bits = ready(k, t, file);
        for (i, set) in SETS.into_iter().enumerate() {
            if asked[i][word] & bit != 0 && bits & set != 0 {
                got[i][word] |= bit;
                found += 1;
            }
        }
    }
    if found == 0 && !over {
        let mut wait = wait_any().until(deadline);
        for fd in asked_for(&asked, n) {
            let (word, bit) = (fd / 64, 1 << (fd % 64));
            let wanted = SETS.into_iter().zip(&asked).filter(|(_, set)| set[word] & bit != 0);
            let events = wanted.fold(0, |events, (set, _)| events | set);
            if let Ok(file) = files.borrow().get(fd as i32) {
                wait = watch(wait, file, events);
            }
        }
        return Err(wait.into());
    }
    for (i, bits) in got.iter().enumerate() {
        put_set(a.u64(i + 1), bits)?;
    }
    Ok(found)
}

/// select(2).
pub fn sys_select(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let addr = a.u64(4);
    let timeout_ns = match user::get_opt::<Timeval>(addr)? {
        None => None,
        Some(_) if k.task(t).progress.deadline.is_some() => Some(0),
        // More than a second's worth of microseconds is fine here.
        Some(tv) if tv.sec < 0 || tv.usec < 0 => return Err(Errno::EINVAL.into()),
        Some(tv) => {
            let us = tv.usec as u64;
            Some((tv.sec as u64).saturating_mul(SECOND).saturating_add(us.saturating_mul(1000)))
        }
    };
    let result = do_select(k, t, a, timeout_ns);
    leave_rest(k, t, addr, |ns| user::put(addr, &Timeval::from_ns(ns)));
    result
}

/// pselect6(2).
pub fn sys_pselect6(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let timeout_ns = timespec(k, t, a.u64(4))?;
    if let Some([set, size]) = user::get_opt::<[u64; 2]>(a.u64(5))? {
        swap_mask(k, t, set, size as usize)?;
    }
    let result = do_select(k, t, a, timeout_ns);
    leave_rest(k, t, a.u64(4), |ns| user::put(a.u64(4), &Timespec::from_ns(ns)));
    result
}
