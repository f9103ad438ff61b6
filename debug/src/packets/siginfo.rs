//! `qXfer:siginfo:read` and `:write`: what gdb knows as `$_siginfo`.

use super::{INVALID, NO_TASK, object};
use crate::filter::{number, unescape};
use crate::gdb::Target;
use llano_kernel::inspect::siginfo::SIZE;

pub(super) fn answer(target: &mut Target, packet: &[u8]) -> Option<Vec<u8>> {
    if let Some(rest) = packet.strip_prefix(b"qXfer:siginfo:write::") {
        return Some(write(target, rest).unwrap_or_else(|| INVALID.to_vec()));
    }
    object(target, packet, "siginfo", |target, _| read(target).map(Vec::from).ok_or(NO_TASK))
}

fn read(target: &Target) -> Option<[u8; SIZE]> {
    let (tid, stop) = (target.current()?, target.stop()?);
    target.ask(move |k| k.siginfo(tid, stop)).ok()?.ok()
}

/// `rest`: `OFFSET:DATA`.
fn write(target: &Target, rest: &[u8]) -> Option<Vec<u8>> {
    let colon = rest.iter().position(|b| *b == b':')?;
    let (offset, data) = (number(&rest[..colon])?, unescape(&rest[colon + 1..])?);
    let Some(mut info) = read(target) else { return Some(NO_TASK.to_vec()) };
    let place = info.get_mut(usize::try_from(offset).ok()?..)?.get_mut(..data.len())?;
    place.copy_from_slice(&data);
    let (tid, stop) = (target.current()?, target.stop()?);
    let written = target.ask(move |k| k.set_siginfo(tid, stop, &info)).ok()?;
    Some(match written {
        Ok(()) => format!("{:x}", data.len()).into_bytes(),
        Err(_) => NO_TASK.to_vec(),
    })
}
