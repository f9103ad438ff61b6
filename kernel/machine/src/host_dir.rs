//! Directories of the host: entries by single names, relative to an open directory.

use crate::border::host;
use crate::host::{HostFd, ProcPath};
use crate::{HostError, check};
use std::ffi::CStr;

/// An entry, as getdents64(2) gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostDirEntry {
    /// Inode number.
    pub ino: u64,
    /// The position behind it, for [`HostFd::seek`].
    pub next: u64,
    /// `DT_*`; 0 if unknown.
    pub kind: u8,
    /// Name; `.` and `..` are listed as well.
    pub name: Vec<u8>,
}

impl HostFd {
    /// getdents64(2): the next few entries, none at the end. Not for `O_PATH` descriptors.
    pub fn read_dir(&self) -> Result<Vec<HostDirEntry>, HostError> {
        let mut buf = vec![0u8; 32768];
        // SAFETY: the call writes at most the buffer's length.
        let n =
            check(unsafe { host!(syscall)(libc::SYS_getdents64, self.raw(), buf.as_mut_ptr(), buf.len()) })?;
        Ok(parse(&buf[..n as usize]))
    }

    /// mkdirat(2).
    pub fn mkdir_at(&self, name: &CStr, mode: u32) -> Result<(), HostError> {
        // SAFETY: reads a C string.
        check(unsafe { host!(mkdirat)(self.raw(), name.as_ptr(), mode) }.into()).map(|_| ())
    }

    /// mknodat(2) of a FIFO or socket, which need no privilege; `mode` with the type.
    pub fn mknod_at(&self, name: &CStr, mode: u32) -> Result<(), HostError> {
        // SAFETY: reads a C string.
        check(unsafe { host!(mknodat)(self.raw(), name.as_ptr(), mode, 0) }.into()).map(|_| ())
    }

    /// symlinkat(2).
    pub fn symlink_at(&self, name: &CStr, target: &CStr) -> Result<(), HostError> {
        // SAFETY: reads two C strings.
        check(unsafe { host!(symlinkat)(target.as_ptr(), self.raw(), name.as_ptr()) }.into()).map(|_| ())
    }

    /// linkat(2): a hard link to the very file that `to` is.
    pub fn link_at(&self, name: &CStr, to: &HostFd) -> Result<(), HostError> {
        let path = ProcPath::of(to);
        let flags = libc::AT_SYMLINK_FOLLOW;
        // SAFETY: reads two C strings.
        let r = unsafe { host!(linkat)(libc::AT_FDCWD, path.as_ptr(), self.raw(), name.as_ptr(), flags) };
        check(r.into()).map(|_| ())
    }

    /// unlinkat(2) of something that is not a directory.
    pub fn unlink_at(&self, name: &CStr) -> Result<(), HostError> {
        // SAFETY: reads a C string.
        check(unsafe { host!(unlinkat)(self.raw(), name.as_ptr(), 0) }.into()).map(|_| ())
    }

    /// unlinkat(2) with `AT_REMOVEDIR`.
    pub fn rmdir_at(&self, name: &CStr) -> Result<(), HostError> {
        // SAFETY: reads a C string.
        check(unsafe { host!(unlinkat)(self.raw(), name.as_ptr(), libc::AT_REMOVEDIR) }.into()).map(|_| ())
    }

    /// renameat2(2); `flags` as there.
    pub fn rename_at(&self, name: &CStr, to_dir: &HostFd, to: &CStr, flags: u32) -> Result<(), HostError> {
        // SAFETY: reads two C strings. By number, because not every libc has a wrapper.
        let r = unsafe {
            host!(syscall)(libc::SYS_renameat2, self.raw(), name.as_ptr(), to_dir.raw(), to.as_ptr(), flags)
        };
        check(r).map(|_| ())
    }
}

/// Splits a getdents64 buffer; stops at anything that is not a whole record.
fn parse(mut buf: &[u8]) -> Vec<HostDirEntry> {
    /// Bytes before the name: d_ino, d_off, d_reclen, d_type.
    const HEAD: usize = 19;
    let u64_at = |buf: &[u8], at: usize| buf[at..at + 8].iter().rev().fold(0, |n, b| n << 8 | u64::from(*b));
    let mut entries = Vec::new();
    while buf.len() > HEAD {
        let record = usize::from(u16::from_le_bytes([buf[16], buf[17]]));
        let Some(name) = buf.get(HEAD..record) else { break };
        let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
        entries.push(HostDirEntry {
            ino: u64_at(buf, 0),
            next: u64_at(buf, 8),
            kind: buf[18],
            name: name[..end].to_vec(),
        });
        buf = &buf[record..];
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_what_std_lists() {
        let dir = HostFd::open(c"/usr", libc::O_RDONLY | libc::O_DIRECTORY).unwrap();
        let mut ours = Vec::new();
        loop {
            let some = dir.read_dir().unwrap();
            if some.is_empty() {
                break;
            }
            ours.extend(some.into_iter().map(|e| String::from_utf8(e.name).unwrap()));
        }
        ours.sort();
        let mut theirs: Vec<String> = std::fs::read_dir("/usr")
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        theirs.extend([".".into(), "..".into()]);
        theirs.sort();
        assert_eq!(ours, theirs);
    }

    #[test]
    fn a_torn_record_ends_the_list() {
        let mut buf = vec![0u8; 24];
        buf[0] = 7;
        buf[16] = 24;
        buf[19] = b'x';
        assert_eq!(parse(&buf)[0].name, b"x");
        buf[16] = 200;
        assert_eq!(parse(&buf), []);
        buf[16] = 0;
        assert_eq!(parse(&buf), []);
    }
}
