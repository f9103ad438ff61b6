//! Who a task is: process, group and session numbers; users and groups (credentials(7)).

use super::Args;
use crate::cred::Cred;
use crate::error::{Errno, Result, SysResult};
use crate::kernel::Kernel;
use crate::task::Pid;
use crate::user;
use crate::wait::Tid;
use alloc::rc::Rc;

/// getpid(2).
pub fn sys_getpid(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    Ok(k.task(t).pid.into())
}

/// gettid(2).
pub fn sys_gettid(_: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    Ok(t.into())
}

/// getppid(2).
pub fn sys_getppid(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    Ok(k.process_of(t).parent.into())
}

/// The process a call names: 0 is the caller's.
fn named(k: &Kernel, t: Tid, pid: i32) -> Result<Pid> {
    match pid {
        0 => Ok(k.task(t).pid),
        p if p < 0 => Err(Errno::EINVAL),
        p => k.process(p).map(|p| p.pid),
    }
}

/// getpgid(2).
pub fn sys_getpgid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let pid = named(k, t, a.i32(0)).map_err(|_| Errno::ESRCH)?;
    Ok(k.process(pid)?.pgid.into())
}

/// getpgrp(2).
pub fn sys_getpgrp(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    Ok(k.process_of(t).pgid.into())
}

/// getsid(2).
pub fn sys_getsid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let pid = named(k, t, a.i32(0)).map_err(|_| Errno::ESRCH)?;
    Ok(k.process(pid)?.sid.into())
}

/// setpgid(2).
pub fn sys_setpgid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let me = k.task(t).pid;
    let pid = if a.i32(0) == 0 { me } else { a.i32(0) };
    let pgid = if a.i32(1) == 0 { pid } else { a.i32(1) };
    if pgid < 0 {
        return Err(Errno::EINVAL.into());
    }
    let target = k.process(pid)?;
    let my_sid = k.process_of(t).sid;
    if pid != me {
        if target.parent != me {
            return Err(Errno::ESRCH.into());
        }
        if target.sid != my_sid {
            return Err(Errno::EPERM.into());
        }
        if target.did_exec {
            return Err(Errno::EACCES.into());
        }
    }
    if target.sid == pid {
        return Err(Errno::EPERM.into()); // a session leader stays
    }
    if pgid != pid && !k.tables.processes().any(|p| p.pgid == pgid && p.sid == my_sid) {
        return Err(Errno::EPERM.into());
    }
    if let Some(p) = k.tables.process_mut(pid) {
        p.pgid = pgid;
    }
    Ok(0)
}

/// setsid(2).
pub fn sys_setsid(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    let me = k.task(t).pid;
    if k.tables.processes().any(|p| p.pgid == me) {
        return Err(Errno::EPERM.into());
    }
    let process = k.process_of_mut(t);
    process.sid = me;
    process.pgid = me;
    process.tty = None;
    Ok(me.into())
}

/// getuid(2).
pub fn sys_getuid(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    Ok(k.task(t).cred.uid.into())
}

/// geteuid(2).
pub fn sys_geteuid(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    Ok(k.task(t).cred.euid.into())
}

/// getgid(2).
pub fn sys_getgid(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    Ok(k.task(t).cred.gid.into())
}

/// getegid(2).
pub fn sys_getegid(k: &mut Kernel, t: Tid, _: &Args) -> SysResult {
    Ok(k.task(t).cred.egid.into())
}

/// Changes the caller's credentials, or none of them.
fn change(k: &mut Kernel, t: Tid, f: impl FnOnce(&mut Cred) -> Result<()>) -> SysResult {
    let mut cred = Cred::clone(&k.task(t).cred);
    f(&mut cred)?;
    (cred.fsuid, cred.fsgid) = (cred.euid, cred.egid);
    k.task_mut(t).cred = Rc::new(cred);
    Ok(0)
}

const SAME: u32 = u32::MAX;

/// setuid(2).
pub fn sys_setuid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let id = a.u32(0);
    change(k, t, |c| match id {
        SAME => Err(Errno::EINVAL),
        _ if c.privileged() => {
            (c.uid, c.euid, c.suid) = (id, id, id);
            Ok(())
        }
        _ if id == c.uid || id == c.suid => {
            c.euid = id;
            Ok(())
        }
        _ => Err(Errno::EPERM),
    })
}

/// setgid(2).
pub fn sys_setgid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let id = a.u32(0);
    change(k, t, |c| match id {
        SAME => Err(Errno::EINVAL),
        _ if c.privileged() => {
            (c.gid, c.egid, c.sgid) = (id, id, id);
            Ok(())
        }
        _ if id == c.gid || id == c.sgid => {
            c.egid = id;
            Ok(())
        }
        _ => Err(Errno::EPERM),
    })
}

/// Whether each wished id is the same, or one of those it may be without privilege.
fn allowed(privileged: bool, wishes: &[u32], may: &[u32]) -> Result<()> {
    let ok = privileged || wishes.iter().all(|w| *w == SAME || may.contains(w));
    if ok { Ok(()) } else { Err(Errno::EPERM) }
}

fn pick(wish: u32, old: u32) -> u32 {
    if wish == SAME { old } else { wish }
}

/// setreuid(2).
pub fn sys_setreuid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (r, e) = (a.u32(0), a.u32(1));
    change(k, t, |c| {
        allowed(c.privileged(), &[r], &[c.uid, c.euid])?;
        allowed(c.privileged(), &[e], &[c.uid, c.euid, c.suid])?;
        let old = c.uid;
        (c.uid, c.euid) = (pick(r, c.uid), pick(e, c.euid));
        if r != SAME || (e != SAME && e != old) {
            c.suid = c.euid;
        }
        Ok(())
    })
}

/// setregid(2).
pub fn sys_setregid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (r, e) = (a.u32(0), a.u32(1));
    change(k, t, |c| {
        allowed(c.privileged(), &[r], &[c.gid, c.egid])?;
        allowed(c.privileged(), &[e], &[c.gid, c.egid, c.sgid])?;
        let old = c.gid;
        (c.gid, c.egid) = (pick(r, c.gid), pick(e, c.egid));
        if r != SAME || (e != SAME && e != old) {
            c.sgid = c.egid;
        }
        Ok(())
    })
}

/// setresuid(2).
pub fn sys_setresuid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let w = [a.u32(0), a.u32(1), a.u32(2)];
    change(k, t, |c| {
        allowed(c.privileged(), &w, &[c.uid, c.euid, c.suid])?;
        (c.uid, c.euid, c.suid) = (pick(w[0], c.uid), pick(w[1], c.euid), pick(w[2], c.suid));
        Ok(())
    })
}

/// setresgid(2).
pub fn sys_setresgid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let w = [a.u32(0), a.u32(1), a.u32(2)];
    change(k, t, |c| {
        allowed(c.privileged(), &w, &[c.gid, c.egid, c.sgid])?;
        (c.gid, c.egid, c.sgid) = (pick(w[0], c.gid), pick(w[1], c.egid), pick(w[2], c.sgid));
        Ok(())
    })
}

/// getresuid(2).
pub fn sys_getresuid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let c = k.task(t).cred.clone();
    user::put(a.u64(0), &c.uid)?;
    user::put(a.u64(1), &c.euid)?;
    user::put(a.u64(2), &c.suid)?;
    Ok(0)
}

/// getresgid(2).
pub fn sys_getresgid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let c = k.task(t).cred.clone();
    user::put(a.u64(0), &c.gid)?;
    user::put(a.u64(1), &c.egid)?;
    user::put(a.u64(2), &c.sgid)?;
    Ok(0)
}

/// setfsuid(2): returns the old one, whatever happens.
pub fn sys_setfsuid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let mut c = Cred::clone(&k.task(t).cred);
    let (old, id) = (c.fsuid, a.u32(0));
    if c.privileged() && id != SAME || [c.uid, c.euid, c.suid, c.fsuid].contains(&id) {
        c.fsuid = id;
        k.task_mut(t).cred = Rc::new(c);
    }
    Ok(old.into())
}

/// setfsgid(2): returns the old one, whatever happens.
pub fn sys_setfsgid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let mut c = Cred::clone(&k.task(t).cred);
    let (old, id) = (c.fsgid, a.u32(0));
    if c.privileged() && id != SAME || [c.gid, c.egid, c.sgid, c.fsgid].contains(&id) {
        c.fsgid = id;
        k.task_mut(t).cred = Rc::new(c);
    }
    Ok(old.into())
}

/// getgroups(2).
pub fn sys_getgroups(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let groups = k.task(t).cred.groups.clone();
    if a.i32(0) < 0 {
        return Err(Errno::EINVAL.into());
    }
    if a.i32(0) > 0 {
        if (a.i32(0) as usize) < groups.len() {
            return Err(Errno::EINVAL.into());
        }
        for (i, g) in groups.iter().enumerate() {
            user::put(a.u64(1) + 4 * i as u64, g)?;
        }
    }
    Ok(groups.len() as i64)
}

/// setgroups(2).
pub fn sys_setgroups(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    if !k.task(t).cred.privileged() {
        return Err(Errno::EPERM.into());
    }
    if a.u64(0) > 65536 {
        return Err(Errno::EINVAL.into());
    }
    let groups = user::array::<u32>(a.u64(1), a.usize(0))?;
    change(k, t, |c| {
        c.groups = groups;
        Ok(())
    })
}

const CAPS_V1: u32 = 0x1998_0330;
const CAPS_V2: u32 = 0x2007_1026;
const CAPS_V3: u32 = 0x2008_0522;
/// All capabilities that exist (CAP_LAST_CAP is 40).
const ALL_CAPS: u64 = (1 << 41) - 1;

/// capget(2): root has all, others none.
pub fn sys_capget(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let [version, pid] = user::get::<[u32; 2]>(a.u64(0))?;
    let words = match version {
        CAPS_V1 => 1,
        CAPS_V2 | CAPS_V3 => 2,
        _ => {
            user::put(a.u64(0), &CAPS_V3)?;
            return if a.u64(1) == 0 { Ok(0) } else { Err(Errno::EINVAL.into()) };
        }
    };
    if (pid as i32) < 0 {
        return Err(Errno::EINVAL.into());
    }
    let target = if pid == 0 { t } else { pid as Tid };
    let root = k.tables.task(target).ok_or(Errno::ESRCH)?.cred.privileged();
    if a.u64(1) != 0 {
        let caps = if root { ALL_CAPS } else { 0 };
        for i in 0..words {
            let word = (caps >> (32 * i)) as u32;
            user::put(a.u64(1) + 12 * i, &[word, word, 0])?;
        }
    }
    Ok(0)
}

/// capset(2): the only change there can be is none.
pub fn sys_capset(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let [version, pid] = user::get::<[u32; 2]>(a.u64(0))?;
    if ![CAPS_V1, CAPS_V2, CAPS_V3].contains(&version) {
        return Err(Errno::EINVAL.into());
    }
    if pid != 0 && pid as Tid != t {
        return Err(Errno::EPERM.into());
    }
    let words = if version == CAPS_V1 { 1 } else { 2 };
    let caps = if k.task(t).cred.privileged() { ALL_CAPS } else { 0 };
    for i in 0..words {
        let [effective, permitted, _] = user::get::<[u32; 3]>(a.u64(1) + 12 * i)?;
        if u64::from(effective | permitted) & !(caps >> (32 * i)) != 0 {
            return Err(Errno::EPERM.into());
        }
    }
    Ok(0)
}
