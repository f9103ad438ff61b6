//! Open files and directories of the host: bytes go directly between the host's file and guest memory.

use super::file::{Change, File, FileOps, MapRequest, Piece, Positions, Seek};
use super::inode::DirEntry;
use crate::error::{Errno, Result, fault, host};
use crate::user::{Dst, Src};
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;
use llano_machine::PAGE;
use llano_machine::host::{self as os, HostFd};
use llano_machine::space::{self, Sharing};
use llano_machine::usermem;

/// A regular file of the host, open.
pub struct HostFile {
    fd: Rc<HostFd>,
}

/// How much goes through the kernel at a time where it cannot go directly.
const BOUNCE: usize = 65536;

impl HostFile {
    /// Wraps a descriptor that is open with the access mode of the guest's.
    pub fn new(fd: HostFd) -> HostFile {
        HostFile::sharing(Rc::new(fd))
    }

    /// The same of a descriptor that others use, too: nobody minds its position.
    pub fn sharing(fd: Rc<HostFd>) -> HostFile {
        HostFile { fd }
    }

    /// The host's descriptor.
    pub fn host_fd(&self) -> &HostFd {
        &self.fd
    }

    /// Reads one piece; also says whether more may follow although the piece is short.
    fn read_piece(&self, addr: u64, len: usize, at: u64) -> Result<(usize, bool)> {
        match self.fd.read_at_to_guest(addr, len, at).map_err(host) {
            // Short at a page boundary: the end of the file, or a page the host could not store into.
            Ok(n) => Ok((n, (addr + n as u64).is_multiple_of(PAGE as u64))),
            // The host cannot store into pages that are protected in order to see the guest's writes; a copy can.
            Err(Errno::EFAULT) => {
                let mut buf = vec![0; len.min(BOUNCE)];
                let n = self.fd.read_at(&mut buf, at).map_err(host)?;
                let stored = usermem::copy_out_some(addr, &buf[..n]).map_err(fault)?;
                if stored == 0 && n > 0 { Err(Errno::EFAULT) } else { Ok((stored, true)) }
            }
            Err(e) => Err(e),
        }
    }

    /// Makes private pages by copying, where the host does not let the file be mapped that way.
    fn copy_map(&self, request: &MapRequest) -> Result<()> {
        space::map_anon(request.addr, request.len, space::READ | space::WRITE).map_err(host)?;
        let mut done = 0;
        while done < request.len {
            let (to, at) = (request.addr + done, request.offset + done);
            match self.fd.read_at_to_guest(to, (request.len - done) as usize, at).map_err(host)? {
                0 => break,
                n => done += n as u64,
            }
        }
        space::protect(request.addr, request.len, request.prot).map_err(host)
    }
}

impl FileOps for HostFile {
    fn read(&self, _: &File, dst: &mut Dst<'_>, at: u64) -> Result<usize> {
        let iov = match dst {
            Dst::User(iov) => iov,
            Dst::Kernel(buf, filled) => {
                let n = self.fd.read_at(&mut buf[*filled..], at).map_err(host)?;
                *filled += n;
                return Ok(n);
            }
        };
        let mut done = 0;
        while let Some((addr, len)) = iov.segment() {
            match self.read_piece(addr, len, at + done as u64) {
                Ok((n, more)) => {
                    iov.advance(n);
                    done += n;
                    if n == 0 || n < len && !more {
                        break;
                    }
                }
                Err(e) if done == 0 => return Err(e),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    fn write(&self, _: &File, src: &mut Src<'_>, at: u64) -> Result<usize> {
        let iov = match src {
            Src::User(iov) => iov,
            Src::Kernel(buf) => {
                let n = self.fd.write_at(buf, at).map_err(host)?;
                src.skip(n);
                return Ok(n);
            }
        };
        let mut done = 0;
        while let Some((addr, len)) = iov.segment() {
            match self.fd.write_at_from_guest(addr, len, at + done as u64).map_err(host) {
                Ok(n) => {
                    iov.advance(n);
                    done += n;
                    if n < len {
                        break;
                    }
                }
                Err(e) if done == 0 => return Err(e),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    fn seek(&self) -> Seek {
        Seek::Bytes(self.fd.stat().map_or(0, |s| s.size))
    }

    fn positions(&self) -> Positions {
        Positions::Bytes
    }

    fn next(&self, what: Piece, at: u64, _: u64) -> Result<u64> {
        let whence = match what {
            Piece::Data => os::SEEK_DATA,
            Piece::Hole => os::SEEK_HOLE,
        };
        // The host's own position is not used for anything.
        self.fd.seek(at as i64, whence).map_err(host)
    }

    fn change(&self, change: Change) -> Option<Result<()>> {
        Some(
            match change {
                Change::Size(size) => self.fd.resize(size),
                Change::Allocate(how, offset, len) => self.fd.allocate(how, offset, len),
                Change::Sync => self.fd.sync(),
            }
            .map_err(host),
        )
    }

    fn map(&self, _: &File, request: &MapRequest) -> Result<u64> {
        let &MapRequest { addr, len, prot, sharing, offset } = request;
        match space::map_file(addr, len, prot, sharing, &self.fd, offset).map_err(host) {
            // Mounted noexec, or forbidden by the host's policy.
            Err(Errno::EPERM | Errno::EACCES) if sharing == Sharing::Private => self.copy_map(request)?,
            r => r?,
        }
        // Whatever lies behind the end of the file faults by itself until the file grows.
        Ok(len)
    }

    fn maps_host_file(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A directory of the host, open.
pub struct HostDir {
    fd: HostFd,
    /// What the host listed last, each entry with the host's position behind it. The guest may fetch it in small
    /// portions; going back to a position in the middle of it is no business of the host's.
    batch: RefCell<Vec<(DirEntry, u64)>>,
}

impl HostDir {
    /// Wraps a directory's descriptor that is open for reading.
    pub fn new(fd: HostFd) -> HostDir {
        HostDir { fd, batch: RefCell::default() }
    }

    /// Entries from `cookie` on, without `.` and `..`; none at the end.
    pub fn list(&self, cookie: u64) -> Result<Vec<(DirEntry, u64)>> {
        let mut batch = self.batch.borrow_mut();
        let known = if cookie == 0 { None } else { batch.iter().position(|(_, next)| *next == cookie) };
        match known {
            Some(i) if i + 1 < batch.len() => return Ok(batch[i + 1..].to_vec()),
            // Just behind the last batch: where the host's descriptor stands.
            Some(_) => {}
            None => {
                self.fd.seek(cookie as i64, 0).map_err(host)?;
            }
        }
        loop {
            let raw = self.fd.read_dir().map_err(host)?;
            if raw.is_empty() {
                return Ok(Vec::new());
            }
            *batch = raw
                .into_iter()
                .filter(|e| e.name != b"." && e.name != b"..")
                .map(|e| (DirEntry { ino: e.ino, kind: u32::from(e.kind) << 12, name: e.name }, e.next))
                .collect();
            // An empty list would mean the end, so a buffer of nothing but dots is skipped.
            if !batch.is_empty() {
                return Ok(batch.clone());
            }
        }
    }
}

impl FileOps for HostDir {
    fn read(&self, _: &File, _: &mut Dst<'_>, _: u64) -> Result<usize> {
        Err(Errno::EISDIR)
    }

    fn seek(&self) -> Seek {
        Seek::Directory
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
