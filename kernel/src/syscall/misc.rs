//! What is left: the system's names and numbers, limits.

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
    let used = k.used_ram().min(k.ram);
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
    let ctx = &mut k.task_mut(t).ctx;
    match op {
        SET_FS | SET_GS if addr >= USER_END => return Err(Errno::EPERM.into()),
        SET_FS => ctx.set_fs_base(addr),
        SET_GS => ctx.set_gs_base(addr),
        GET_FS => user::put(addr, &ctx.fs_base())?,
        GET_GS => user::put(addr, &ctx.gs_base())?,
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(0)
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

/// A call that the kernel knows and refuses; the table says why.
pub fn sys_refused(_: &mut Kernel, _: Tid, _: &Args) -> SysResult {
    Err(Errno::ENOSYS.into())
}

/// A call that the kernel does not have and that others than root may not even try.
pub fn sys_privileged(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    Err(if k.task(t).cred.privileged() { Errno::ENOSYS } else { Errno::EPERM }.into())
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
