//! Files for gdb: programs and libraries as the guest has them.
//!
//! llano's own executable, and `/proc/1` (the number by which gdb knows llano), are the host's; every other name is one in
//! the guest's root.

use super::Target;
use gdbstub::target::ext::host_io::{
    FsKind, HostIo, HostIoClose, HostIoCloseOps, HostIoErrno, HostIoError, HostIoFstat, HostIoFstatOps,
    HostIoOpen, HostIoOpenFlags, HostIoOpenMode, HostIoOpenOps, HostIoPread, HostIoPreadOps, HostIoReadlink,
    HostIoReadlinkOps, HostIoResult, HostIoSetfs, HostIoSetfsOps, HostIoStat,
};
use llano_kernel::error::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file that gdb has open.
pub(super) enum OpenFile {
    /// llano's own, with its size.
    Host(File, u64),
    /// A file of the host's `/proc`, as it was when it was opened.
    Text(Vec<u8>),
    /// A file of the guest's root: the kernel's number for it, and its size and mode.
    Guest { number: usize, size: u64, mode: u32 },
}

/// The host's file that a name means, if it does not mean one of the guest's.
fn host_path(name: &[u8]) -> Option<PathBuf> {
    for own in [&b"/proc/1/"[..], b"/proc/self/"] {
        if let Some(rest) = name.strip_prefix(own) {
            let rest = rest.strip_prefix(b"task/1/").unwrap_or(rest);
            return Some(Path::new("/proc/self").join(OsStr::from_bytes(rest)));
        }
    }
    let exe = std::env::current_exe().ok()?;
    (exe.as_os_str().as_bytes() == name).then_some(exe)
}

fn errno(e: Errno) -> HostIoErrno {
    match e {
        Errno::EPERM => HostIoErrno::EPERM,
        Errno::ENOENT | Errno::ELOOP => HostIoErrno::ENOENT,
        Errno::EIO => HostIoErrno::EIO,
        Errno::EBADF => HostIoErrno::EBADF,
        Errno::EACCES => HostIoErrno::EACCES,
        Errno::ENOTDIR => HostIoErrno::ENOTDIR,
        Errno::EISDIR => HostIoErrno::EISDIR,
        Errno::ENAMETOOLONG => HostIoErrno::ENAMETOOLONG,
        _ => HostIoErrno::EUNKNOWN,
    }
}

/// The vCPU did not answer.
fn no_answer<T, E>(_: T) -> HostIoError<E> {
    HostIoError::Errno(HostIoErrno::EIO)
}

impl Target {
    fn open_file(&mut self, fd: u32) -> HostIoResult<&mut OpenFile, Self> {
        let slot = self.files.get_mut(fd as usize).and_then(Option::as_mut);
        slot.ok_or(HostIoError::Errno(HostIoErrno::EBADF))
    }
}

impl HostIo for Target {
    fn support_open(&mut self) -> Option<HostIoOpenOps<'_, Self>> {
        Some(self)
    }

    fn support_close(&mut self) -> Option<HostIoCloseOps<'_, Self>> {
        Some(self)
    }

    fn support_pread(&mut self) -> Option<HostIoPreadOps<'_, Self>> {
        Some(self)
    }

    fn support_fstat(&mut self) -> Option<HostIoFstatOps<'_, Self>> {
        Some(self)
    }

    fn support_readlink(&mut self) -> Option<HostIoReadlinkOps<'_, Self>> {
        Some(self)
    }

    fn support_setfs(&mut self) -> Option<HostIoSetfsOps<'_, Self>> {
        Some(self)
    }
}

impl HostIoOpen for Target {
    fn open(
        &mut self,
        filename: &[u8],
        flags: HostIoOpenFlags,
        _: HostIoOpenMode,
    ) -> HostIoResult<u32, Self> {
        let writing = HostIoOpenFlags::O_WRONLY | HostIoOpenFlags::O_RDWR | HostIoOpenFlags::O_CREAT;
        if flags.intersects(writing) {
            return Err(HostIoError::Errno(HostIoErrno::EROFS));
        }
        let file = match host_path(filename) {
            Some(path) if path.starts_with("/proc") => OpenFile::Text(std::fs::read(path)?),
            Some(path) => {
                let file = File::open(path)?;
                let size = file.metadata()?.len();
                OpenFile::Host(file, size)
            }
            None => {
                let name = filename.to_vec();
                let opened = self.ask(move |k| k.tool_open(&name)).map_err(no_answer)?;
                let (number, attr) = opened.map_err(|e| HostIoError::Errno(errno(e)))?;
                OpenFile::Guest { number, size: attr.size, mode: attr.mode }
            }
        };
        let free = self.files.iter().position(Option::is_none).unwrap_or(self.files.len());
        if free == self.files.len() {
            self.files.push(None);
        }
        self.files[free] = Some(file);
        Ok(free as u32)
    }
}

impl HostIoClose for Target {
    fn close(&mut self, fd: u32) -> HostIoResult<(), Self> {
        let slot = self.files.get_mut(fd as usize).and_then(Option::take);
        match slot.ok_or(HostIoError::Errno(HostIoErrno::EBADF))? {
            OpenFile::Guest { number, .. } => {
                let closed = self.ask(move |k| k.tool_close(number)).map_err(no_answer)?;
                closed.map_err(|e| HostIoError::Errno(errno(e)))
            }
            _ => Ok(()),
        }
    }
}

impl HostIoPread for Target {
    fn pread(&mut self, fd: u32, count: usize, offset: u64, buf: &mut [u8]) -> HostIoResult<usize, Self> {
        let len = count.min(buf.len());
        let number = match self.open_file(fd)? {
            OpenFile::Host(file, _) => return Ok(file.read_at(&mut buf[..len], offset)?),
            OpenFile::Text(text) => return Ok(super::piece(text, offset, len, buf)),
            OpenFile::Guest { number, .. } => *number,
        };
        let read = self.ask(move |k| k.tool_read(number, offset, len)).map_err(no_answer)?;
        let bytes = read.map_err(|e| HostIoError::Errno(errno(e)))?;
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

impl HostIoFstat for Target {
    fn fstat(&mut self, fd: u32) -> HostIoResult<HostIoStat, Self> {
        let (size, mode) = match self.open_file(fd)? {
            OpenFile::Host(_, size) => (*size, 0o100_755),
            OpenFile::Text(text) => (text.len() as u64, 0o100_444),
            OpenFile::Guest { size, mode, .. } => (*size, *mode),
        };
        Ok(HostIoStat {
            st_dev: 0,
            st_ino: 0,
            st_mode: HostIoOpenMode::from_bits_truncate(mode),
            st_nlink: 1,
            st_uid: 0,
            st_gid: 0,
            st_rdev: 0,
            st_size: size,
            st_blksize: 4096,
            st_blocks: size.div_ceil(512),
            st_atime: 0,
            st_mtime: 0,
            st_ctime: 0,
        })
    }
}

impl HostIoReadlink for Target {
    fn readlink(&mut self, filename: &[u8], buf: &mut [u8]) -> HostIoResult<usize, Self> {
        // gdb asks for /proc/1/{exe,cwd} only (`info proc`).
        let path = host_path(filename).ok_or(HostIoError::Errno(HostIoErrno::ENOENT))?;
        let target = std::fs::read_link(path)?;
        Ok(super::piece(target.as_os_str().as_bytes(), 0, usize::MAX, buf))
    }
}

impl HostIoSetfs for Target {
    fn setfs(&mut self, _: FsKind) -> HostIoResult<(), Self> {
        Ok(())
    }
}
