//! The guest's root filesystem, and who the guest is.

use crate::archive;
use crate::cli::Run;
use crate::session::Failure;
use llano_kernel::cred::Cred;
use llano_kernel::env::Env;
use llano_kernel::error::Errno;
use llano_kernel::fs::hostfs::{self, Access, Owners};
use llano_kernel::fs::inode::{Inode, NewFile, mode};
use llano_kernel::fs::namei::{Follow, WalkCx, walk};
use llano_kernel::fs::tmpfs::TmpFs;
use llano_kernel::fs::{Mounts, devfs, overlay, procfs, sysfs};
use llano_kernel::tty::devices::Terminals;
use llano_kernel::tty::devpts::DevPts;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

/// The first process's identity and surroundings.
pub struct Who {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// umask.
    pub umask: u32,
    /// Signals it ignores, bit `n - 1` for signal `n`.
    pub ignored: u64,
    /// Environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The root is a directory of the host: the caller's working directory applies.
    pub host_root: bool,
    /// How owners of host files look.
    pub owners: Owners,
}

impl Who {
    /// With a directory root the caller; with an image root, or `--user 0`, root.
    pub fn from(options: &Run) -> Who {
        let caller = llano_machine::host::caller();
        let host_root = options.root.as_ref().is_none_or(|r| r.is_dir());
        let (uid, gid) = match (options.user, host_root) {
            (Some((uid, gid)), _) => (uid, gid.unwrap_or(if uid == 0 { 0 } else { caller.gid })),
            (None, true) => (caller.uid, caller.gid),
            (None, false) => (0, 0),
        };
        let same = uid == caller.uid;
        // As in a user namespace: a caller who is root in the guest owns there what is the caller's.
        let becomes_root = uid == 0 && caller.uid != 0;
        let map = |host, guest| (becomes_root && host != guest).then_some((host, guest));
        let owners = Owners { user: map(caller.uid, uid), group: map(caller.gid, gid) };
        Who {
            uid,
            gid,
            groups: if same { caller.groups.clone() } else { Vec::new() },
            umask: caller.umask,
            ignored: if host_root { caller.ignored } else { 0 },
            environment: if host_root { std::env::vars_os().collect() } else { image_environment() },
            host_root,
            owners,
        }
    }
}

fn image_environment() -> Vec<(OsString, OsString)> {
    let term = std::env::var_os("TERM").unwrap_or_else(|| "linux".into());
    [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into()),
        ("HOME", "/root".into()),
        ("TERM", term),
    ]
    .map(|(k, v)| (k.into(), v))
    .into()
}

/// Mounts the root and llano's own filesystems on it: /proc, /sys, /dev, /dev/pts, /dev/shm, /run.
pub fn mount(env: &Rc<Env>, terminals: &Rc<Terminals>, options: &Run, who: &Who) -> Result<Mounts, Failure> {
    let mounts = root(env, options, who)?;
    let root = mounts.root();
    let cred = Cred::new(0, 0, Vec::new());
    let place = |path: &str| {
        let cx = WalkCx { mounts: &mounts, root: &root, cred: &cred, resolve: 0 };
        walk(&cx, &root, path.as_bytes(), Follow::Yes)
    };
    let ram = |permissions: u32| -> Rc<dyn Inode> {
        let top = NewFile { mode: mode::DIR | permissions, uid: 0, gid: 0, rdev: 0 };
        TmpFs::mount(env, options.mem, &top)
    };
    let on = |path: &str, fs_type: &'static str, inode: Rc<dyn Inode>| -> Result<(), Failure> {
        if !options.rw && place(path).is_err() {
            // In RAM, so nobody's tree gets a directory that was not there.
            let made = NewFile { mode: mode::DIR | 0o755, uid: 0, gid: 0, rdev: 0 };
            let _ = root.inode().create(path.trim_start_matches('/').as_bytes(), &made);
        }
        // A host directory that is written through to does without what it has no place for.
        let Ok(at) = place(path) else { return Ok(()) };
        mounts
            .mount(fs_type, fs_type.as_bytes(), inode, at, 0)
            .map(drop)
            .map_err(|e| Failure::new(format!("cannot mount {fs_type} on {path}: {}", e.message())))
    };
    let cannot_fill = |e: Errno| Failure::new(format!("cannot fill /dev or /sys: {}", e.message()));
    let (dev, sys) = (ram(0o755), ram(0o555));
    devfs::populate(&dev).map_err(cannot_fill)?;
    sysfs::populate(&sys).map_err(cannot_fill)?;
    on("/proc", "proc", procfs::mount(env))?;
    on("/sys", "sysfs", sys)?;
    on("/dev", "devtmpfs", dev)?;
    on("/dev/pts", "devpts", DevPts::root(terminals))?;
    on("/dev/shm", "tmpfs", ram(0o1777))?;
    on("/run", "tmpfs", ram(0o755))?;
    Ok(mounts)
}

fn root(env: &Rc<Env>, options: &Run, who: &Who) -> Result<Mounts, Failure> {
    let source = options.root.clone().unwrap_or_else(|| "/".into());
    let shown = source.display();
    if !source.exists() {
        return Err(Failure::new(format!("--root {shown}: no such file or directory")));
    }
    if !source.is_dir() {
        if options.rw {
            return Err(Failure::new(format!(
                "--root {shown}: --rw needs a directory; an archive is unpacked into RAM"
            )));
        }
        let top = archive::unpack(env, &source, options.mem)
            .map_err(|e| Failure::new(format!("--root {shown}: {e}")))?;
        return Ok(Mounts::new("tmpfs", source.as_os_str().as_bytes(), top, 0));
    }
    let access = if options.rw { Access::ReadWrite } else { Access::ReadOnly };
    let failed = |e: Errno| Failure::new(format!("--root {shown}: {}", e.message()));
    let below = hostfs::root(source.as_os_str().as_bytes(), access, who.owners).map_err(failed)?;
    if options.rw {
        return Ok(Mounts::new("hostfs", source.as_os_str().as_bytes(), below, 0));
    }
    let merged = overlay::mount(env, below, options.mem).map_err(failed)?;
    Ok(Mounts::new("overlay", b"overlay", merged, 0))
}
