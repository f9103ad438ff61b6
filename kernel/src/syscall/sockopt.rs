//! setsockopt(2) and getsockopt(2): what socket(7) and unix(7) say of SOL_SOCKET.

use super::Args;
use super::socket::socket_of;
use crate::error::{Errno, Result, SysResult};
use crate::ipc::unix::{Kind, Role, Socket};
use crate::kernel::Kernel;
use crate::time::Timeval;
use crate::user;
use crate::wait::Tid;
use alloc::vec::Vec;
use llano_abi::socket::*;
use zerocopy::IntoBytes;

/// The least SO_SNDBUF and SO_RCVBUF, as doubled, and the most that may be asked for
/// without privilege (`/proc/sys/net/core/wmem_max`).
const SEND_MIN: usize = 4608;
const RECEIVE_MIN: usize = 2304;
const BUFFER_MAX: u32 = 4 << 20;

/// Options that are kept and reported, but change nothing between two programs on one machine.
const KEPT: u64 = 1 << SO_DEBUG
    | 1 << SO_REUSEADDR
    | 1 << SO_DONTROUTE
    | 1 << SO_BROADCAST
    | 1 << SO_KEEPALIVE
    | 1 << SO_OOBINLINE
    | 1 << SO_REUSEPORT
    | 1 << SO_TIMESTAMP;

/// setsockopt(2).
pub fn sys_setsockopt(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (_, socket) = socket_of(k, t, a.i32(0))?;
    let (level, option, addr, len) = (a.i32(1), a.i32(2), a.u64(3), a.i32(4));
    if level != SOL_SOCKET {
        return Err(Errno::EOPNOTSUPP.into());
    }
    if matches!(option, SO_RCVTIMEO | SO_SNDTIMEO) {
        if len < size_of::<Timeval>() as i32 {
            return Err(Errno::EINVAL.into());
        }
        let timeout_ns = timeout(user::get(addr)?)?;
        socket.set_options(|o| match option {
            SO_RCVTIMEO => o.receive_timeout_ns = timeout_ns,
            _ => o.send_timeout_ns = timeout_ns,
        });
        return Ok(0);
    }
    if len < 4 {
        return Err(Errno::EINVAL.into());
    }
    let value: i32 = user::get(addr)?;
    let privileged = k.task(t).cred.privileged();
    // The kernel doubles what it is told, for its own bookkeeping.
    let doubled = |most: u32, least: usize| ((value as u32).min(most) as usize * 2).max(least);
    match option {
        SO_SNDBUF => socket.set_options(|o| o.send_buffer = doubled(BUFFER_MAX, SEND_MIN)),
        SO_RCVBUF => socket.set_options(|o| o.receive_buffer = doubled(BUFFER_MAX, RECEIVE_MIN)),
        SO_SNDBUFFORCE | SO_RCVBUFFORCE if !privileged => return Err(Errno::EPERM.into()),
        SO_SNDBUFFORCE => socket.set_options(|o| o.send_buffer = doubled(i32::MAX as u32 / 2, SEND_MIN)),
        SO_RCVBUFFORCE => {
            socket.set_options(|o| o.receive_buffer = doubled(i32::MAX as u32 / 2, RECEIVE_MIN))
        }
        SO_PASSCRED => socket.set_options(|o| o.pass_credentials = value != 0),
        SO_RCVLOWAT => {
            socket.set_options(|o| o.receive_low = if value < 0 { i32::MAX } else { value.max(1) })
        }
        SO_DEBUG if value != 0 && !privileged => return Err(Errno::EACCES.into()),
        SO_PRIORITY if (0..=6).contains(&value) || privileged => {}
        SO_PRIORITY => return Err(Errno::EPERM.into()),
        SO_LINGER if len < 8 => return Err(Errno::EINVAL.into()),
        SO_LINGER => {}
        SO_TYPE | SO_PROTOCOL | SO_DOMAIN | SO_ERROR | SO_ACCEPTCONN | SO_PEERCRED | SO_SNDLOWAT => {
            return Err(Errno::ENOPROTOOPT.into());
        }
        n if (0..64).contains(&n) && KEPT & 1 << n != 0 => {
            socket.set_options(|o| o.flags = o.flags & !(1 << n) | u64::from(value != 0) << n);
        }
        _ => return Err(Errno::ENOPROTOOPT.into()),
    }
    Ok(0)
}

/// A timeout in ns; 0 and what is too far away to count are none.
fn timeout(tv: Timeval) -> Result<Option<u64>> {
    if !(0..1_000_000).contains(&tv.usec) {
        return Err(Errno::EDOM);
    }
    if tv.sec < 0 {
        // Linux takes it for "do not wait".
        return Ok(Some(0));
    }
    Ok(tv.ns().ok().filter(|ns| *ns > 0))
}

/// getsockopt(2).
pub fn sys_getsockopt(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let (_, socket) = socket_of(k, t, a.i32(0))?;
    let len: i32 = user::get(a.u64(4))?;
    if len < 0 {
        return Err(Errno::EINVAL.into());
    }
    if a.i32(1) != SOL_SOCKET {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let value = value_of(&socket, a.i32(2))?;
    let n = value.len().min(len as usize);
    user::put_bytes(a.u64(3), &value[..n])?;
    user::put(a.u64(4), &(n as i32))?;
    Ok(0)
}

fn value_of(socket: &Socket, option: i32) -> Result<Vec<u8>> {
    let options = socket.options.get();
    let number = |n: i32| Ok(n.to_le_bytes().to_vec());
    let time = |ns: Option<u64>| Ok(Timeval::from_ns(ns.unwrap_or(0)).as_bytes().to_vec());
    match option {
        SO_TYPE => number(match socket.kind {
            Kind::Stream => SOCK_STREAM,
            Kind::Dgram => SOCK_DGRAM,
            Kind::SeqPacket => SOCK_SEQPACKET,
        }),
        SO_DOMAIN => number(AF_UNIX.into()),
        SO_PROTOCOL => number(0),
        SO_ERROR => number(socket.take_error().map_or(0, |e| e.0.into())),
        SO_ACCEPTCONN => number((socket.role() == Role::Listening).into()),
        SO_SNDBUF => number(options.send_buffer as i32),
        SO_RCVBUF => number(options.receive_buffer as i32),
        SO_RCVLOWAT => number(options.receive_low),
        SO_SNDLOWAT => number(1),
        SO_PRIORITY | SO_MARK => number(0),
        SO_LINGER => Ok([0u8; 8].to_vec()),
        SO_PASSCRED => number(options.pass_credentials.into()),
        SO_RCVTIMEO => time(options.receive_timeout_ns),
        SO_SNDTIMEO => time(options.send_timeout_ns),
        SO_PEERCRED => {
            let nobody = Ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
            Ok(socket.peer_cred().unwrap_or(nobody).as_bytes().to_vec())
        }
        n if (0..64).contains(&n) && KEPT & 1 << n != 0 => number((options.flags >> n & 1) as i32),
        _ => Err(Errno::ENOPROTOOPT),
    }
}
