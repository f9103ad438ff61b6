//! mount(2), umount2(2).

use super::Args;
use super::place::{self, AT_FDCWD};
use crate::error::{Errno, Result, SysResult};
use crate::fs::Path;
use crate::fs::inode::{Inode, NewFile};
use crate::fs::mount::flag;
use crate::fs::namei::Follow;
use crate::fs::tmpfs::TmpFs;
use crate::kernel::{Kernel, log};
use crate::user;
use crate::wait::Tid;
use alloc::rc::Rc;
use alloc::vec::Vec;
use llano_abi::names::*;

/// How mounts spread to other namespaces: there is one, so none does, and all that a program may ask for holds.
const PROPAGATION: u32 = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

/// mount(2).
pub fn sys_mount(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let flags = a.u64(3) as u32;
    let on = place::target(k, t, AT_FDCWD, a.u64(1), 0, Follow::Yes)?.place()?;
    if !k.task(t).cred.privileged() {
        return Err(Errno::EPERM.into());
    }
    let source = if a.u64(0) == 0 { Vec::new() } else { user::path(a.u64(0))? };
    if flags & MS_REMOUNT != 0 {
        if !Rc::ptr_eq(&on.node, &on.mount.root) {
            return Err(Errno::EINVAL.into());
        }
        on.mount.flags.set(u64::from(flags) & flag::KEPT);
    } else if flags & MS_BIND != 0 {
        let what = place::target(k, t, AT_FDCWD, a.u64(0), 0, Follow::Yes)?.place()?;
        k.mounts.bind(&what, on)?;
    } else if flags & PROPAGATION == 0 {
        if flags & MS_MOVE != 0 {
            return Err(Errno::EINVAL.into());
        }
        let fs_type = user::string(a.u64(2), 255, Errno::EINVAL)?;
        let options = if a.u64(4) == 0 { Vec::new() } else { user::string(a.u64(4), 4095, Errno::EINVAL)? };
        let (name, root) = filesystem(k, &fs_type, &options)?;
        k.mounts.mount(name, &source, root, on.clone(), flags.into())?;
        let at = on.to_bytes(&k.mounts.root());
        log!(k, DEBUG, "fs", "{name} {} is mounted on {}", source.escape_ascii(), at.escape_ascii());
    }
    Ok(0)
}

/// A new tmpfs, or one more view of a filesystem of which there is only one.
fn filesystem(k: &Kernel, fs_type: &[u8], options: &[u8]) -> Result<(&'static str, Rc<dyn Inode>)> {
    if fs_type == b"tmpfs" || fs_type == b"ramfs" {
        return Ok(("tmpfs", tmpfs(k, options)?));
    }
    let there =
        k.mounts.list().into_iter().find(|m| m.fs_type.as_bytes() == fs_type && m.fs_type != "overlay");
    let there = there.ok_or(Errno::ENODEV)?;
    Ok((there.fs_type, there.root.inode.clone()))
}

/// A tmpfs with its options (tmpfs(5)): size, mode, uid, gid.
fn tmpfs(k: &Kernel, options: &[u8]) -> Result<Rc<dyn Inode>> {
    // As much as half of the RAM, as on Linux.
    let mut limit = k.ram / 2;
    let mut top = NewFile { mode: 0o1777, uid: 0, gid: 0, rdev: 0 };
    for option in options.split(|b| *b == b',').filter(|o| !o.is_empty()) {
        let option = core::str::from_utf8(option).map_err(|_| Errno::EINVAL)?;
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        let number = |radix| u32::from_str_radix(value, radix).map_err(|_| Errno::EINVAL);
        match key {
            "size" => limit = size(value, k.ram).ok_or(Errno::EINVAL)?,
            "mode" => top.mode = number(8)? & 0o7777,
            "uid" => top.uid = number(10)?,
            "gid" => top.gid = number(10)?,
            // Limits that RAM itself sets here.
            "nr_inodes" | "nr_blocks" | "huge" | "inode64" | "inode32" => {}
            _ => return Err(Errno::EINVAL),
        }
    }
    Ok(TmpFs::mount(&k.env, limit, &top))
}

/// "10m", "2G", "50%".
fn size(text: &str, ram: u64) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: u64 = digits.parse().ok()?;
    match &text[digits.len()..] {
        "" => Some(number),
        "k" | "K" => number.checked_mul(1 << 10),
        "m" | "M" => number.checked_mul(1 << 20),
        "g" | "G" => number.checked_mul(1 << 30),
        "%" => Some(ram / 100 * number),
        _ => None,
    }
}

/// umount2(2).
pub fn sys_umount2(k: &mut Kernel, t: Tid, a: &Args) -> SysResult {
    let flags = a.u32(1);
    if flags & !(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let follow = if flags & UMOUNT_NOFOLLOW != 0 { Follow::No } else { Follow::Yes };
    let at = place::target(k, t, AT_FDCWD, a.u64(0), 0, follow)?.place()?;
    if !k.task(t).cred.privileged() {
        return Err(Errno::EPERM.into());
    }
    if !Rc::ptr_eq(&at.node, &at.mount.root) {
        return Err(Errno::EINVAL.into());
    }
    if flags & MNT_DETACH == 0 && in_use(k, &at) {
        return Err(Errno::EBUSY.into());
    }
    let name = at.to_bytes(&k.mounts.root());
    k.mounts.unmount(&at)?;
    log!(k, DEBUG, "fs", "{} is unmounted", name.escape_ascii());
    Ok(0)
}

/// Whether a task stands in the mount, or has a file of it open.
fn in_use(k: &Kernel, at: &Path) -> bool {
    let inside = |p: &Path| Rc::ptr_eq(&p.mount, &at.mount);
    k.tables.tasks().any(|task| {
        let fs = task.fs.borrow();
        let open = |file: &crate::fs::file::File| file.path.as_ref().is_some_and(inside);
        inside(&fs.cwd) || inside(&fs.root) || task.files.borrow().iter().any(|(_, fd)| open(&fd.file))
    })
}
