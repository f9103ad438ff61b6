//! What is left: the system's names and numbers, limits, scheduling, prctl.

use super::Args;
use crate::error::{Errno, Fail, Result, SysResult};
use crate::kernel::Kernel;
use crate::task::process::{Limits, UNLIMITED, rlimit};
use crate::task::table::PID_MAX;
use crate::time::SECOND;
use crate::user;
use crate::wait::Tid;

/// What uname(2) says of the kernel.
pub const RELEASE: &str = "6.12.0-llano";
/// See [`RELEASE`].
pub const VERSION: &str = concat!("#1 llano ", env!("CARGO_PKG_VERSION"), " nommu");

/// uname(2).
pub fn sys_uname(k: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    let mut out = [0u8; 6 * 65];
    let fields: [&[u8]; 6] =
        [b"Linux", &k.uts.nodename, RELEASE.as_bytes(), VERSION.as_bytes(), b"x86_64", &k.uts.domainname];
    for (slot, text) in out.chunks_exact_mut(65).zip(fields) {
        let n = text.len().min(64);
        slot[..n].copy_from_slice(&text[..n]);
    }
    user::put_bytes(a.u64(0), &out)?;
    Ok(0)
}

/// sethostname(2) and setdomainname(2).
fn name(k: &Kernel, t: Tid, a: &Args) -> Result<alloc::vec::Vec<u8>> {
    if !k.task(t).cred.privileged() {
        return Err(Errno::EPERM);
    }
    if a.i64(1) < 0 || a.i64(1) > 64 {
        return Err(Errno::EINVAL);
    }
    user::bytes(a.u64(0), a.usize(1))
}

/// sethostname(2).
pub fn sys_sethostname(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    k.uts.nodename = name(k, t, a)?;
    Ok(0)
}

/// setdomainname(2).
pub fn sys_setdomainname(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    k.uts.domainname = name(k, t, a)?;
    Ok(0)
}

/// sysinfo(2).
pub fn sys_sysinfo(k: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    let uptime = k.refresh_now() / SECOND;
    k.update_load();
    let used = llano_machine::host::resident_bytes().min(k.ram);
    let mut words = [0u64; 14];
    words[0] = uptime;
    words[1..4].copy_from_slice(&k.load.0);
    words[4] = k.ram;
    words[5] = k.ram - used;
    words[10] = k.tables.processes().count() as u64; // u16 procs, padded
    words[13] = 1; // mem_unit
    user::put(a.u64(0), &words)?;
    Ok(0)
}

/// getrandom(2).
pub fn sys_getrandom(_: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    if a.u32(2) & !7 != 0 || a.u32(2) & 6 == 6 {
        return Err(Errno::EINVAL.into());
    }
    let len = a.usize(1).min(32 << 20);
    let mut done = 0;
    let mut buf = [0u8; 256];
    while done < len {
        let n = (len - done).min(buf.len());
        llano_machine::host::fill_random(&mut buf[..n]);
        user::put_bytes(a.u64(0) + done as u64, &buf[..n])?;
        done += n;
    }
    Ok(len as i64)
}

/// getcpu(2): there is one.
pub fn sys_getcpu(_: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    user::put_opt(a.u64(0), &0u32)?;
    user::put_opt(a.u64(1), &0u32)?;
    Ok(0)
}

/// arch_prctl(2).
pub fn sys_arch_prctl(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const SET_GS: u64 = 0x1001;
    const SET_FS: u64 = 0x1002;
    const GET_FS: u64 = 0x1003;
    const GET_GS: u64 = 0x1004;
    const USER_END: u64 = 0x7fff_ffff_f000;
    let (op, addr) = (a.u64(0), a.u64(1));
    let regs = k.task_mut(t).ctx.regs_mut();
    match op {
        SET_FS | SET_GS if addr >= USER_END => return Err(Errno::EPERM.into()),
        SET_FS => regs.fs_base = addr,
        SET_GS => regs.gs_base = addr,
        GET_FS => user::put(addr, &regs.fs_base)?,
        GET_GS => user::put(addr, &regs.gs_base)?,
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(0)
}

/// prctl(2).
pub fn sys_prctl(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const SET_PDEATHSIG: i32 = 1;
    const GET_PDEATHSIG: i32 = 2;
    const GET_DUMPABLE: i32 = 3;
    const SET_DUMPABLE: i32 = 4;
    const GET_KEEPCAPS: i32 = 7;
    const SET_NAME: i32 = 15;
    const GET_NAME: i32 = 16;
    const CAPBSET_READ: i32 = 23;
    const GET_TIMERSLACK: i32 = 30;
    const SET_CHILD_SUBREAPER: i32 = 36;
    const GET_CHILD_SUBREAPER: i32 = 37;
    const GET_NO_NEW_PRIVS: i32 = 39;
    match a.i32(0) {
        SET_PDEATHSIG if a.u64(1) > 64 => Err(Errno::EINVAL.into()),
        SET_PDEATHSIG => {
            k.process_of_mut(t).pdeath_signal = a.i32(1);
            Ok(0)
        }
        GET_PDEATHSIG => {
            user::put(a.u64(1), &k.process_of(t).pdeath_signal)?;
            Ok(0)
        }
        GET_DUMPABLE => Ok(k.process_of(t).dumpable.into()),
        SET_DUMPABLE if a.u64(1) > 1 => Err(Errno::EINVAL.into()),
        SET_DUMPABLE => {
            k.process_of_mut(t).dumpable = a.u64(1) == 1;
            Ok(0)
        }
        GET_KEEPCAPS => Ok(0),
        SET_NAME => {
            // Read only as far as the name goes: it may end right before an unmapped page.
            let mut name = alloc::vec::Vec::new();
            while name.len() < 15 {
                match user::get::<u8>(a.u64(1) + name.len() as u64)? {
                    0 => break,
                    b => name.push(b),
                }
            }
            k.task_mut(t).set_name(&name);
            Ok(0)
        }
        GET_NAME => {
            user::put(a.u64(1), &k.task(t).comm)?;
            Ok(0)
        }
        CAPBSET_READ if a.u64(1) <= 40 => Ok(1),
        GET_TIMERSLACK => Ok(50_000),
        SET_CHILD_SUBREAPER => {
            k.process_of_mut(t).subreaper = a.u64(1) != 0;
            Ok(0)
        }
        GET_CHILD_SUBREAPER => {
            user::put(a.u64(1), &i32::from(k.process_of(t).subreaper))?;
            Ok(0)
        }
        GET_NO_NEW_PRIVS => Ok(0),
        _ => Err(Errno::EINVAL.into()),
    }
}

fn resource(n: i32) -> Result<usize> {
    if (0..16).contains(&n) { Ok(n as usize) } else { Err(Errno::EINVAL) }
}

fn set_limit(k: &mut Kernel, t: Tid, pid: i32, which: usize, new: [u64; 2]) -> Result<()> {
    let (soft, hard) = (new[0], new[1]);
    if soft > hard {
        return Err(Errno::EINVAL);
    }
    let root = k.task(t).cred.privileged();
    let limits: &mut Limits = &mut k.tables.process_mut(pid).ok_or(Errno::ESRCH)?.limits;
    if hard > limits[which].1 && !root {
        return Err(Errno::EPERM);
    }
    if which == rlimit::NOFILE && hard > 1 << 20 {
        return Err(Errno::EPERM); // /proc/sys/fs/nr_open
    }
    limits[which] = (soft, hard);
    Ok(())
}

/// getrlimit(2).
pub fn sys_getrlimit(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (soft, hard) = k.process_of(t).limits[resource(a.i32(0))?];
    user::put(a.u64(1), &[soft, hard])?;
    Ok(0)
}

/// setrlimit(2).
pub fn sys_setrlimit(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let which = resource(a.i32(0))?;
    let new = user::get::<[u64; 2]>(a.u64(1))?;
    set_limit(k, t, k.task(t).pid, which, new)?;
    Ok(0)
}

/// prlimit64(2).
pub fn sys_prlimit64(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let which = resource(a.i32(1))?;
    let pid = if a.i32(0) == 0 { k.task(t).pid } else { k.tables.task(a.i32(0)).map_or(a.i32(0), |x| x.pid) };
    k.process(pid)?;
    if !crate::signal::may_signal(k, t, pid, 0) {
        return Err(Errno::EPERM.into());
    }
    let new = user::get_opt::<[u64; 2]>(a.u64(2))?;
    let (soft, hard) = k.process(pid)?.limits[which];
    if let Some(new) = new {
        set_limit(k, t, pid, which, new)?;
    }
    user::put_opt(a.u64(3), &[soft, hard])?;
    Ok(0)
}

/// sched_yield(2).
pub fn sys_sched_yield(k: &mut Kernel, _: Tid, _: &Args) -> SysResult {
    k.sched.resched = true;
    Ok(0)
}

fn sched_target(k: &Kernel, t: Tid, pid: i32) -> Result<Tid> {
    match pid {
        p if p < 0 => Err(Errno::EINVAL),
        0 => Ok(t),
        p => k.tables.task(p).map(|x| x.tid).ok_or(Errno::ESRCH),
    }
}

/// sched_getaffinity(2): one CPU.
pub fn sys_sched_getaffinity(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    sched_target(k, t, a.i32(0))?;
    if a.usize(1) < 8 || !a.usize(1).is_multiple_of(8) {
        return Err(Errno::EINVAL.into());
    }
    user::put(a.u64(2), &1u64)?;
    Ok(8)
}

/// sched_setaffinity(2): the mask must contain the one CPU.
pub fn sys_sched_setaffinity(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    sched_target(k, t, a.i32(0))?;
    let first = if a.usize(1) == 0 { 0 } else { user::get::<u8>(a.u64(2))? };
    if first & 1 == 0 { Err(Errno::EINVAL.into()) } else { Ok(0) }
}

/// Priorities of a policy, lowest and highest; `EINVAL` if there is no such policy.
fn priorities(policy: i32) -> Result<(i32, i32)> {
    match policy {
        1 | 2 => Ok((1, 99)),
        0 | 3 | 5 | 6 => Ok((0, 0)),
        _ => Err(Errno::EINVAL),
    }
}

/// sched_get_priority_max(2).
pub fn sys_sched_get_priority_max(_: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    Ok(priorities(a.i32(0))?.1.into())
}

/// sched_get_priority_min(2).
pub fn sys_sched_get_priority_min(_: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    Ok(priorities(a.i32(0))?.0.into())
}

fn set_policy(k: &mut Kernel, t: Tid, pid: i32, policy: i32, priority: i32) -> SysResult {
    const RESET_ON_FORK: i32 = 0x4000_0000;
    let target = sched_target(k, t, pid)?;
    let (lo, hi) = priorities(policy & !RESET_ON_FORK)?;
    if !(lo..=hi).contains(&priority) {
        return Err(Errno::EINVAL.into());
    }
    if hi > 0 && !k.task(t).cred.privileged() && k.limit(t, rlimit::RTPRIO) < priority as u64 {
        return Err(Errno::EPERM.into());
    }
    k.task_mut(target).policy = (policy & !RESET_ON_FORK, priority);
    Ok(0)
}

/// sched_setscheduler(2).
pub fn sys_sched_setscheduler(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let priority = user::get::<i32>(a.u64(2))?;
    set_policy(k, t, a.i32(0), a.i32(1), priority)
}

/// sched_getscheduler(2).
pub fn sys_sched_getscheduler(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let target = sched_target(k, t, a.i32(0))?;
    Ok(k.task(target).policy.0.into())
}

/// sched_setparam(2).
pub fn sys_sched_setparam(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let target = sched_target(k, t, a.i32(0))?;
    let priority = user::get::<i32>(a.u64(1))?;
    set_policy(k, t, a.i32(0), k.task(target).policy.0, priority)
}

/// sched_getparam(2).
pub fn sys_sched_getparam(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let target = sched_target(k, t, a.i32(0))?;
    user::put(a.u64(1), &k.task(target).policy.1)?;
    Ok(0)
}

/// sched_rr_get_interval(2).
pub fn sys_sched_rr_get_interval(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    sched_target(k, t, a.i32(0))?;
    user::put(a.u64(1), &crate::time::Timespec::from_ns(llano_machine::clock::TICK_NS))?;
    Ok(0)
}

fn priority_targets(k: &Kernel, t: Tid, which: i32, who: i32) -> Result<alloc::vec::Vec<Tid>> {
    let me = k.task(t);
    let uid = if who == 0 { me.cred.uid } else { who as u32 };
    let pgid = if who == 0 { k.process_of(t).pgid } else { who };
    let hit = |x: &&crate::task::Task| match which {
        0 => x.tid == if who == 0 { t } else { who },
        1 => k.tables.process(x.pid).is_some_and(|p| p.pgid == pgid),
        _ => x.cred.uid == uid,
    };
    if !(0..3).contains(&which) {
        return Err(Errno::EINVAL);
    }
    let tids: alloc::vec::Vec<Tid> = k.tables.tasks().filter(hit).map(|x| x.tid).collect();
    if tids.is_empty() { Err(Errno::ESRCH) } else { Ok(tids) }
}

/// getpriority(2): 20 minus the nice value, so that errors stay negative.
pub fn sys_getpriority(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let tids = priority_targets(k, t, a.i32(0), a.i32(1))?;
    let nice = tids.iter().map(|x| k.task(*x).nice).min().unwrap_or(0);
    Ok((20 - nice).into())
}

/// setpriority(2).
pub fn sys_setpriority(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let nice = a.i32(2).clamp(-20, 19);
    let floor = 20 - k.limit(t, rlimit::NICE).min(40) as i32;
    let root = k.task(t).cred.privileged();
    for tid in priority_targets(k, t, a.i32(0), a.i32(1))? {
        let old = k.task(tid).nice;
        if nice < old && !root && nice < floor {
            return Err(Errno::EACCES.into());
        }
        k.task_mut(tid).nice = nice;
    }
    Ok(0)
}

/// reboot(2): power off and halt end llano with status 0, restart too.
pub fn sys_reboot(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const MAGIC1: u32 = 0xfee1_dead;
    const MAGIC2: [u32; 4] = [672_274_793, 85_072_278, 369_367_448, 537_993_216];
    const CAD_ON: u32 = 0x89ab_cdef;
    const CAD_OFF: u32 = 0;
    if !k.task(t).cred.privileged() {
        return Err(Errno::EPERM.into());
    }
    if a.u32(0) != MAGIC1 || !MAGIC2.contains(&a.u32(1)) {
        return Err(Errno::EINVAL.into());
    }
    match a.u32(2) {
        CAD_ON | CAD_OFF => Ok(0),
        0x4321_fedc | 0xcdef_0123 | 0x0123_4567 | 0xa1b2_c3d4 => {
            k.powered_off = true;
            k.exit_status = Some(0);
            Err(Fail::NoReturn)
        }
        _ => Err(Errno::EINVAL.into()),
    }
}

/// pidfd_open(2), kcmp and other calls that need a debugger's eye are not there; personality(2) knows Linux only.
pub fn sys_personality(_: &mut Kernel, _: Tid, a: &Args) -> SysResult {
    const QUERY: u32 = 0xffff_ffff;
    const ADDR_NO_RANDOMIZE: u32 = 0x004_0000;
    match a.u32(0) {
        // Addresses are never randomised here.
        QUERY => Ok(ADDR_NO_RANDOMIZE.into()),
        0 | ADDR_NO_RANDOMIZE => Ok(ADDR_NO_RANDOMIZE.into()),
        _ => Err(Errno::EINVAL.into()),
    }
}

/// A call that the kernel knows and refuses; the table says why.
pub fn sys_refused(_: &mut Kernel, _: Tid, _: &Args) -> SysResult {
    Err(Errno::ENOSYS.into())
}

/// Limits as a new system has them, from the host's where they concern it.
pub fn default_limits() -> Limits {
    let mut limits = [(UNLIMITED, UNLIMITED); 16];
    limits[rlimit::STACK] = (8 << 20, UNLIMITED);
    limits[rlimit::CORE] = (0, UNLIMITED);
    limits[rlimit::NPROC] = (PID_MAX as u64 / 2, PID_MAX as u64 / 2);
    limits[rlimit::NOFILE] = (1024, 1 << 19);
    limits[rlimit::MEMLOCK] = (8 << 20, 8 << 20);
    limits[rlimit::SIGPENDING] = (16384, 16384);
    limits[rlimit::MSGQUEUE] = (819_200, 819_200);
    limits[rlimit::NICE] = (0, 0);
    limits[rlimit::RTPRIO] = (0, 0);
    limits
}
