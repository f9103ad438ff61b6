//! process_vm_readv(2), process_vm_writev(2): copies between the memory of two processes.

use super::Args;
use crate::error::{Errno, SysResult};
use crate::kernel::Kernel;
use crate::mm::{Mm, seen_by};
use crate::user::{self, UserIov};
use crate::wait::Tid;
use llano_machine::{space, usermem};

/// Which way the bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From the other process to the caller.
    Read,
    /// To the other process.
    Write,
}

/// process_vm_readv(2).
pub fn sys_process_vm_readv(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    k.needs_mmu()?;
    transfer(k, t, a, Way::Read)
}

/// process_vm_writev(2).
pub fn sys_process_vm_writev(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    k.needs_mmu()?;
    transfer(k, t, a, Way::Write)
}

/// Whether the caller may reach into the task's memory: its own user's for all three ids, or root (ptrace(2)).
fn may_access(k: &Kernel, t: Tid, target: Tid) -> bool {
    let (me, you) = (k.task(t), k.task(target));
    let same = |mine: u32, ids: [u32; 3]| ids.iter().all(|id| *id == mine);
    let (users, groups) =
        ([you.cred.uid, you.cred.euid, you.cred.suid], [you.cred.gid, you.cred.egid, you.cred.sgid]);
    let alike = same(me.cred.uid, users) && same(me.cred.gid, groups) && k.process_of(target).dumpable;
    me.pid == you.pid || me.cred.privileged() || alike
}

fn transfer(k: &Kernel, t: Tid, a: &Args, way: Way) -> SysResult {
    if a.u64(5) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let mut local = UserIov::from_iovecs(a.u64(1), a.usize(2))?;
    if a.usize(4) > 1024 {
        return Err(Errno::EINVAL.into());
    }
    let remote = user::array::<[u64; 2]>(a.u64(3), a.usize(4))?;
    if local.left() == 0 || remote.is_empty() {
        return Ok(0);
    }
    let target = k.tables.task(a.i32(0)).ok_or(Errno::ESRCH)?;
    if !may_access(k, t, target.tid) {
        return Err(Errno::EPERM.into());
    }
    let mm = target.mm.borrow();
    let mut done = 0;
    for [addr, len] in remote {
        let (n, whole) = piece(k, &mut local, &mm, addr, len, way);
        done += n;
        if !whole {
            // What came before the bad place counts.
            return if done > 0 { Ok(done as i64) } else { Err(Errno::EFAULT.into()) };
        }
    }
    Ok(done as i64)
}

/// Copies one range of the other process; how many bytes, and whether that was all there was room for.
fn piece(k: &Kernel, local: &mut UserIov, mm: &Mm, addr: u64, len: u64, way: Way) -> (usize, bool) {
    let mut done = 0;
    while (done as u64) < len
        && let Some((here, room)) = local.segment()
    {
        let there = addr.wrapping_add(done as u64);
        let wanted = if way == Way::Read { space::READ } else { space::WRITE };
        // The address space is one for all: that the range is the other's is ours to check.
        let Some(vma) = mm.find(there).filter(|vma| vma.prot & wanted != 0) else { return (done, false) };
        let mut buf = [0; 1024];
        let want = (len - done as u64).min(vma.end - there).min(room as u64).min(buf.len() as u64) as usize;
        let buf = &mut buf[..want];
        let n = if way == Way::Read {
            let n = seen_by(mm.view, || {
                let n = usermem::copy_in_some(there, buf).unwrap_or(0);
                k.show_original(mm.view, there, &mut buf[..n]);
                n
            });
            usermem::copy_out_some(here, &buf[..n]).unwrap_or(0)
        } else {
            let n = usermem::copy_in_some(here, buf).unwrap_or(0);
            seen_by(mm.view, || usermem::copy_out_some(there, &buf[..n])).unwrap_or(0)
        };
        local.advance(n);
        done += n;
        if n < want {
            return (done, false);
        }
    }
    (done, true)
}
