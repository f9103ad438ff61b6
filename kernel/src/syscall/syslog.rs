//! syslog(2): the kernel's log as dmesg(1) and klogd(8) read it.

use super::Args;
use crate::error::{Errno, SysResult};
use crate::kernel::Kernel;
use crate::time::SECOND;
use crate::user;
use crate::wait::{Tid, Wait, Why, poll};
use alloc::format;
use alloc::vec::Vec;

/// What `SIZE_BUFFER` tells: enough for every record that is kept.
const BUFFER: i64 = 1 << 20;

/// What syslog(2) is asked to do.
mod action {
    pub(super) const CLOSE: i32 = 0;
    pub(super) const OPEN: i32 = 1;
    pub(super) const READ: i32 = 2;
    pub(super) const READ_ALL: i32 = 3;
    pub(super) const READ_CLEAR: i32 = 4;
    pub(super) const CLEAR: i32 = 5;
    pub(super) const CONSOLE_OFF: i32 = 6;
    pub(super) const CONSOLE_LEVEL: i32 = 8;
    pub(super) const SIZE_UNREAD: i32 = 9;
    pub(super) const SIZE_BUFFER: i32 = 10;
}

/// syslog(2).
pub fn sys_syslog(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (what, buf, len) = (a.i32(0), a.u64(1), a.i32(2));
    if !matches!(what, action::READ_ALL | action::SIZE_BUFFER) && !k.task(t).cred.privileged() {
        return Err(Errno::EPERM.into());
    }
    let log = &k.env.log;
    match what {
        // Nothing goes to a console that could be turned off.
        action::CLOSE | action::OPEN | action::CONSOLE_OFF..=action::CONSOLE_LEVEL => Ok(0),
        action::SIZE_BUFFER => Ok(BUFFER),
        action::SIZE_UNREAD => Ok(lines(k, log.read.get(), BUFFER as usize).0.len() as i64),
        action::CLEAR => {
            log.cleared.set(log.next());
            Ok(0)
        }
        action::READ | action::READ_ALL | action::READ_CLEAR => {
            if buf == 0 || len < 0 {
                return Err(Errno::EINVAL.into());
            }
            let from = if what == action::READ { log.read.get() } else { log.cleared.get() };
            let (text, next) = if what == action::READ {
                lines(k, from, len as usize)
            } else {
                last_lines(k, from, len as usize)
            };
            if what == action::READ && text.is_empty() && len > 0 && from == log.next() {
                return Err(Wait::new(Why::Read(-1)).on(log.queue(), poll::IN).into());
            }
            user::put_bytes(buf, &text)?;
            match what {
                action::READ => log.read.set(next),
                action::READ_CLEAR => log.cleared.set(log.next()),
                _ => {}
            }
            Ok(text.len() as i64)
        }
        _ => Err(Errno::EINVAL.into()),
    }
}

/// Records from number `from` on as lines, as many as fit into `room` bytes; and the number behind the last one.
fn lines(k: &Kernel, from: u64, room: usize) -> (Vec<u8>, u64) {
    let mut out = Vec::new();
    let mut next = from;
    while let Some(record) = k.env.log.get(next) {
        let (s, us) = (record.at / SECOND, record.at % SECOND / 1000);
        let line = format!("<{}>[{s:5}.{us:06}] {}\n", record.priority, record.line());
        if out.len() + line.len() > room {
            break;
        }
        out.extend_from_slice(line.as_bytes());
        next = record.seq + 1;
    }
    (out, next)
}

/// The last lines that fit.
fn last_lines(k: &Kernel, from: u64, room: usize) -> (Vec<u8>, u64) {
    let (all, next) = lines(k, from, usize::MAX);
    let mut start = 0;
    while all.len() - start > room {
        start += all[start..].iter().position(|b| *b == b'\n').map_or(all.len() - start, |at| at + 1);
    }
    (all[start..].to_vec(), next)
}
