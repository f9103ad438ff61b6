//! prctl(2) and personality(2): what a thread or process says about itself.

use super::Args;
use crate::error::{Errno, SysResult};
use crate::kernel::Kernel;
use crate::user;
use crate::wait::Tid;

/// prctl(2).
pub fn sys_prctl(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const SET_PDEATHSIG: i32 = 1;
    const GET_PDEATHSIG: i32 = 2;
    const GET_DUMPABLE: i32 = 3;
    const SET_DUMPABLE: i32 = 4;
    const GET_KEEPCAPS: i32 = 7;
    const SET_KEEPCAPS: i32 = 8;
    const SET_NAME: i32 = 15;
    const GET_NAME: i32 = 16;
    const CAPBSET_READ: i32 = 23;
    const SET_TIMERSLACK: i32 = 29;
    const GET_TIMERSLACK: i32 = 30;
    const SET_CHILD_SUBREAPER: i32 = 36;
    const GET_CHILD_SUBREAPER: i32 = 37;
    const SET_NO_NEW_PRIVS: i32 = 38;
    const GET_NO_NEW_PRIVS: i32 = 39;
    let others_are_zero = (2..5).all(|i| a.u64(i) == 0);
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
        GET_KEEPCAPS => Ok(k.task(t).settings.keep_caps.into()),
        SET_KEEPCAPS if a.u64(1) > 1 => Err(Errno::EINVAL.into()),
        SET_KEEPCAPS => {
            k.task_mut(t).settings.keep_caps = a.u64(1) == 1;
            Ok(0)
        }
        SET_NAME => {
            // Read only as far as the name goes: it may end right before an unmapped page.
            let mut name = alloc::vec::Vec::new();
            while name.len() < 15 {
                match user::get::<u8>(a.u64(1) + name.len() as u64)? {
                    0 => break,
                    b => name.push(b),
                }
            }
            k.rename(t, &name);
            Ok(0)
        }
        GET_NAME => {
            user::put(a.u64(1), &k.task(t).comm)?;
            Ok(0)
        }
        CAPBSET_READ if a.u64(1) <= 40 => Ok(1),
        GET_TIMERSLACK => Ok(k.task(t).settings.timer_slack.0 as i64),
        SET_TIMERSLACK => {
            let (slack, default) = &mut k.task_mut(t).settings.timer_slack;
            *slack = if a.i64(1) <= 0 { *default } else { a.u64(1) };
            Ok(0)
        }
        SET_CHILD_SUBREAPER => {
            k.process_of_mut(t).subreaper = a.u64(1) != 0;
            Ok(0)
        }
        GET_CHILD_SUBREAPER => {
            user::put(a.u64(1), &i32::from(k.process_of(t).subreaper))?;
            Ok(0)
        }
        SET_NO_NEW_PRIVS if a.u64(1) == 1 && others_are_zero => {
            // There is nothing to take away: execve gives no privileges in any case.
            k.task_mut(t).settings.no_new_privs = true;
            Ok(0)
        }
        GET_NO_NEW_PRIVS if a.u64(1) == 0 && others_are_zero => Ok(k.task(t).settings.no_new_privs.into()),
        _ => Err(Errno::EINVAL.into()),
    }
}

/// personality(2): plain Linux. Addresses are never randomised here, so asking for that is granted.
pub fn sys_personality(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    const QUERY: u32 = 0xffff_ffff;
    const ADDR_NO_RANDOMIZE: u32 = 0x004_0000;
    let settings = &mut k.task_mut(t).settings;
    let old = settings.personality;
    match a.u32(0) {
        QUERY => {}
        new @ (0 | ADDR_NO_RANDOMIZE) => settings.personality = new,
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(old.into())
}
