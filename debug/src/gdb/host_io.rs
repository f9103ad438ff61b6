//! Files for gdb: programs and libraries as the guest has them.
//!
//! llano's own executable, and `/proc/1` (the number by which gdb knows llano), are the host's. `/proc/PID` is a process of
//! the guest's, and what stands below its `root` is a file as that process sees it. Every other name is one in the guest's
//! root.

use super::Target;
use gdbstub::target::ext::host_io::{
    FsKind, HostIo, HostIoClose, HostIoCloseOps, HostIoErrno, HostIoError, HostIoFstat, HostIoFstatOps,
    HostIoOpen, HostIoOpenFlags, HostIoOpenMode, HostIoOpenOps, HostIoPread, HostIoPreadOps, HostIoReadlink,
    HostIoReadlinkOps, HostIoResult, HostIoSetfs, HostIoSetfsOps, HostIoStat,
};
use llano_kernel::error::Errno;
use llano_kernel::fs::inode::Attr;
use llano_kernel::procfs::text_of;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A file that gdb has open.
pub(super) enum OpenFile {
    /// llano's own, with its size.
    Host(File, u64),
    /// A file of `/proc`, as it was when it was opened.
    Text(Vec<u8>),
    /// A file of the guest's: the kernel's number for it, and its attributes.
    Guest(usize, Box<Attr>),
}

/// As many files gdb may have open.
const FILES: usize = 256;

/// As much is read of a file in the host's `/proc`.
const TEXT: u64 = 64 << 20;

/// What gdb may read of llano in the host's `/proc`: what ends, and does not wait for anybody.
const OWN: [&str; 13] = [
    "auxv",
    "cgroup",
    "cmdline",
    "comm",
    "coredump_filter",
    "environ",
    "io",
    "limits",
    "maps",
    "smaps",
    "stat",
    "statm",
    "status",
];

/// What a name means.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    /// llano's executable.
    Executable,
    /// llano's working directory.
    WorkingDirectory,
    /// A file in the host's `/proc/self`.
    Own(&'a str),
    /// A file or link of a process of the guest's, in /proc.
    Process(i32, &'a [u8]),
    /// A file as a process sees it; `None`: as the first one does.
    Guest(Option<i32>, &'a [u8]),
}

fn place(name: &[u8]) -> Place<'_> {
    let guest = Place::Guest(None, name);
    let Some(rest) = name.strip_prefix(b"/proc/") else {
        let exe = std::env::current_exe();
        return if exe.is_ok_and(|e| e.as_os_str().as_bytes() == name) { Place::Executable } else { guest };
    };
    let (who, rest) = rest.split_at(rest.iter().position(|b| *b == b'/').unwrap_or(rest.len()));
    let pid = match who {
        b"self" => Some(1),
        _ => std::str::from_utf8(who).ok().and_then(|digits| digits.parse().ok()),
    };
    let (Some(pid), Some(file)) = (pid, rest.strip_prefix(b"/")) else { return guest };
    if file.starts_with(b"root/") {
        let path = &file[b"root".len()..];
        return Place::Guest((pid != 1).then_some(pid), path);
    }
    if pid != 1 {
        return Place::Process(pid, file);
    }
    match file {
        b"exe" => return Place::Executable,
        b"cwd" => return Place::WorkingDirectory,
        _ => {}
    }
    let file = file.strip_prefix(b"task/1/").unwrap_or(file);
    OWN.into_iter().find(|own| own.as_bytes() == file).map_or(Place::Own(""), Place::Own)
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
        let free = self.files.iter().position(Option::is_none).unwrap_or(self.files.len());
        if free >= FILES {
            return Err(HostIoError::Errno(HostIoErrno::EMFILE));
        }
        let file = match place(filename) {
            Place::Executable => {
                let file = File::open("/proc/self/exe")?;
                let size = file.metadata()?.len();
                OpenFile::Host(file, size)
            }
            Place::Own("") | Place::WorkingDirectory => return Err(HostIoError::Errno(HostIoErrno::ENOENT)),
            Place::Own(name) => {
                let mut text = Vec::new();
                File::open(Path::new("/proc/self").join(name))?.take(TEXT).read_to_end(&mut text)?;
                OpenFile::Text(text)
            }
            Place::Process(pid, name) => {
                let name = String::from_utf8_lossy(name).into_owned();
                let text = self.ask(move |k| text_of(k, pid, &name)).map_err(no_answer)?;
                OpenFile::Text(text.map_err(|_| HostIoError::Errno(HostIoErrno::ENOENT))?)
            }
            Place::Guest(pid, name) => {
                let name = name.to_vec();
                let opened = self.ask(move |k| match pid {
                    Some(pid) => k.tool_open_in(pid, &name),
                    None => k.tool_open(&name),
                });
                let (number, attr) = opened.map_err(no_answer)?.map_err(|e| HostIoError::Errno(errno(e)))?;
                OpenFile::Guest(number, Box::new(attr))
            }
        };
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
            OpenFile::Guest(number, _) => {
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
            OpenFile::Guest(number, _) => *number,
        };
        let read = self.ask(move |k| k.tool_read(number, offset, len)).map_err(no_answer)?;
        let bytes = read.map_err(|e| HostIoError::Errno(errno(e)))?;
        buf[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

impl HostIoFstat for Target {
    fn fstat(&mut self, fd: u32) -> HostIoResult<HostIoStat, Self> {
        let attr = match self.open_file(fd)? {
            OpenFile::Host(_, size) => Attr { size: *size, mode: 0o100_755, nlink: 1, ..Attr::default() },
            OpenFile::Text(text) => {
                Attr { size: text.len() as u64, mode: 0o100_444, nlink: 1, ..Attr::default() }
            }
            OpenFile::Guest(_, attr) => **attr,
        };
        // By device, inode and time gdb tells whether it knows a file; the protocol has 32 bits for each.
        let seconds = |ns: i64| (ns / 1_000_000_000) as u32;
        Ok(HostIoStat {
            st_dev: attr.dev as u32,
            st_ino: (attr.ino ^ attr.ino >> 32) as u32,
            st_mode: HostIoOpenMode::from_bits_truncate(attr.mode),
            st_nlink: attr.nlink,
            st_uid: attr.uid,
            st_gid: attr.gid,
            st_rdev: attr.rdev as u32,
            st_size: attr.size,
            st_blksize: 4096,
            st_blocks: attr.size.div_ceil(512),
            st_atime: seconds(attr.atime),
            st_mtime: seconds(attr.mtime),
            st_ctime: seconds(attr.ctime),
        })
    }
}

impl HostIoReadlink for Target {
    fn readlink(&mut self, filename: &[u8], buf: &mut [u8]) -> HostIoResult<usize, Self> {
        let target = match place(filename) {
            Place::Executable => std::fs::read_link("/proc/self/exe")?.into_os_string(),
            Place::Process(pid, name) => {
                let name = name.to_vec();
                let link = self.ask(move |k| k.tool_link(pid, &name)).map_err(no_answer)?;
                OsString::from_vec(link.map_err(|e| HostIoError::Errno(errno(e)))?)
            }
            Place::WorkingDirectory => std::fs::read_link("/proc/self/cwd")?.into_os_string(),
            // gdb reads no others: it opens files, and those are found through links.
            _ => return Err(HostIoError::Errno(HostIoErrno::ENOENT)),
        };
        Ok(super::piece(target.as_bytes(), 0, usize::MAX, buf))
    }
}

impl HostIoSetfs for Target {
    fn setfs(&mut self, _: FsKind) -> HostIoResult<(), Self> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_files_of_llano_or_the_guest() {
        assert_eq!(place(b"/lib/libc.so.6"), Place::Guest(None, b"/lib/libc.so.6"));
        assert_eq!(place(b"/proc/meminfo"), Place::Guest(None, b"/proc/meminfo"));
        assert_eq!(place(b"/proc/1/task/1/maps"), Place::Own("maps"));
        assert_eq!(place(b"/proc/self/stat"), Place::Own("stat"));
        assert_eq!(place(b"/proc/1/exe"), Place::Executable);
        assert_eq!(place(b"/proc/7/maps"), Place::Process(7, b"maps"));
        assert_eq!(place(b"/proc/7/root/bin/sh"), Place::Guest(Some(7), b"/bin/sh"));
        // Neither the host's files nor what would block.
        assert_eq!(place(b"/proc/1/root/etc/passwd"), Place::Guest(None, b"/etc/passwd"));
        assert_eq!(place(b"/proc/1/../../etc/passwd"), Place::Own(""));
        assert_eq!(place(b"/proc/1/fd/0"), Place::Own(""));
        assert_eq!(place(b"/proc/1/mem"), Place::Own(""));
    }
}
