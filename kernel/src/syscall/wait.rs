//! wait4 and waitid (wait(2), waitid(2)).

use super::Args;
use super::exit::exit_code;
use crate::error::{Errno, SysResult};
use crate::kernel::Kernel;
use crate::sigstate::{SigInfo, code, sig};
use crate::task::process::{Report, Usage};
use crate::task::{Pid, Process};
use crate::user;
use crate::wait::{Tid, Wait, Why, poll};

const WNOHANG: u32 = 1;
const WUNTRACED: u32 = 2;
const WEXITED: u32 = 4;
const WCONTINUED: u32 = 8;
const WNOWAIT: u32 = 0x0100_0000;
const WNOTHREAD: u32 = 0x2000_0000;
const WALL: u32 = 0x4000_0000;
const WCLONE: u32 = 0x8000_0000;

/// waitid's kind of id for a pidfd.
const P_PIDFD: i32 = 3;

/// Which children.
#[derive(Clone, Copy)]
enum Which {
    Any,
    Pid(Pid),
    Group(Pid),
}

impl Which {
    fn is(self, p: &Process) -> bool {
        match self {
            Which::Any => true,
            Which::Pid(pid) => p.pid == pid,
            Which::Group(pgid) => p.pgid == pgid,
        }
    }
}

/// News of a child: who, `si_code`, `si_status`, wait(2) status, its times.
struct News {
    pid: Pid,
    code: i32,
    value: i32,
    status: i32,
    usage: Usage,
}

fn find(k: &Kernel, t: Tid, which: Which, options: u32) -> Result<Option<News>, Errno> {
    let mut any = false;
    for pid in &k.process_of(t).children {
        let Some(p) = k.tables.process(*pid) else { continue };
        // __WCLONE waits for children that do not send SIGCHLD, __WALL for all.
        let clone_child = p.exit_signal != sig::CHLD;
        if options & WNOTHREAD != 0 && p.parent_thread != t {
            continue;
        }
        if !which.is(p) || (options & WALL == 0 && clone_child != (options & WCLONE != 0)) {
            continue;
        }
        any = true;
        let mut usage = p.own_usage;
        usage.add(&p.child_usage);
        if p.zombie && options & WEXITED != 0 {
            let status = p.exit_status.unwrap_or(0);
            let (code, value) = exit_code(status);
            return Ok(Some(News { pid: *pid, code, value, status, usage }));
        }
        match p.report {
            Report::Stopped(s) if options & WUNTRACED != 0 => {
                let status = s << 8 | 0x7f;
                return Ok(Some(News { pid: *pid, code: code::CLD_STOPPED, value: s, status, usage }));
            }
            Report::Continued if options & WCONTINUED != 0 => {
                let (value, status) = (sig::CONT, 0xffff);
                return Ok(Some(News { pid: *pid, code: code::CLD_CONTINUED, value, status, usage }));
            }
            _ => {}
        }
    }
    if any { Ok(None) } else { Err(Errno::ECHILD) }
}

fn consume(k: &mut Kernel, news: &News, options: u32) {
    if options & WNOWAIT != 0 {
        return;
    }
    if news.code == code::CLD_STOPPED || news.code == code::CLD_CONTINUED {
        if let Some(p) = k.tables.process_mut(news.pid) {
            p.report = Report::None;
        }
    } else {
        k.reap(news.pid);
    }
}

fn wait_for_child(k: &Kernel, t: Tid) -> Wait {
    Wait::new(Why::Child).on(&k.process_of(t).child_wait, poll::IN)
}

/// wait4(2).
pub fn sys_wait4(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (pid, options) = (a.i32(0), a.u32(2));
    if options & !(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WCLONE | WALL) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let which = match pid {
        i32::MIN => return Err(Errno::ESRCH.into()),
        -1 => Which::Any,
        0 => Which::Group(k.process_of(t).pgid),
        n if n < 0 => Which::Group(-n),
        n => Which::Pid(n),
    };
    match find(k, t, which, options | WEXITED)? {
        Some(news) => {
            user::put_opt(a.u64(1), &news.status)?;
            if a.u64(3) != 0 {
                super::times::put_rusage(a.u64(3), &news.usage)?;
            }
            consume(k, &news, options);
            Ok(news.pid.into())
        }
        None if options & WNOHANG != 0 => Ok(0),
        None => Err(wait_for_child(k, t).into()),
    }
}

/// waitid(2).
pub fn sys_waitid(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (kind, id, info_at, options) = (a.i32(0), a.i32(1), a.u64(2), a.u32(3));
    let known = WNOHANG | WUNTRACED | WEXITED | WCONTINUED | WNOWAIT | WNOTHREAD | WCLONE | WALL;
    if options & !known != 0 || options & (WUNTRACED | WEXITED | WCONTINUED) == 0 {
        return Err(Errno::EINVAL.into());
    }
    let which = match kind {
        0 => Which::Any,
        1 if id > 0 => Which::Pid(id),
        2 if id > 0 => Which::Group(id),
        2 if id == 0 => Which::Group(k.process_of(t).pgid),
        P_PIDFD => Which::Pid(
            super::pidfd::process(k, t, id).map_err(|e| if e == Errno::ESRCH { Errno::ECHILD } else { e })?,
        ),
        _ => return Err(Errno::EINVAL.into()),
    };
    match find(k, t, which, options)? {
        Some(news) => {
            if info_at != 0 {
                user::put(info_at, &k.process(news.pid)?.child_info(news.code, news.value))?;
            }
            if a.u64(4) != 0 {
                super::times::put_rusage(a.u64(4), &news.usage)?;
            }
            consume(k, &news, options);
            Ok(0)
        }
        None if options & WNOHANG != 0 => {
            if info_at != 0 {
                user::put(info_at, &SigInfo::new(0, 0))?;
            }
            Ok(0)
        }
        None => Err(wait_for_child(k, t).into()),
    }
}
