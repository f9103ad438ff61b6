//! Noticing that directories of the host change without asking for each: inotify(7), and poll(2) of the mount table.
//!
//! The host's kernel queues a notice before the call that made the change returns, so a look that finds nothing says
//! that nothing has changed up to now. That holds for what this kernel changes itself, not for other machines of a
//! network filesystem.

use crate::border::host;
use crate::host::{HostFd, ProcPath};
use crate::{HostError, check};

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Entries of the watched directory were removed, renamed or replaced.
    Entries(i32),
    /// The directory's own owner or permissions (or times) were changed.
    Itself(i32),
    /// It is watched no more: removed, or unmounted.
    Gone(i32),
    /// Anything may have changed anywhere.
    Everything,
}

/// Watches on directories of the host.
#[derive(Debug)]
pub struct HostWatch {
    epoll: HostFd,
    inotify: HostFd,
    mounts: HostFd,
}

const ENTRIES: u32 = libc::IN_DELETE | libc::IN_MOVED_FROM | libc::IN_MOVED_TO;
const WATCHED: u32 = ENTRIES | libc::IN_ATTRIB | libc::IN_ONLYDIR;
/// wd, mask, cookie and length, before the name.
const HEAD: usize = 16;

impl HostWatch {
    /// Watches nothing but the mount table.
    pub fn new() -> Result<HostWatch, HostError> {
        // SAFETY: both calls take numbers; the new descriptors are ours.
        let (epoll, inotify) = unsafe {
            let epoll = HostFd::from_raw(check(host!(epoll_create1)(libc::EPOLL_CLOEXEC).into())? as i32);
            let flags = libc::IN_CLOEXEC | libc::IN_NONBLOCK;
            (epoll, HostFd::from_raw(check(host!(inotify_init1)(flags).into())? as i32))
        };
        let mounts = HostFd::open(c"/proc/self/mountinfo", libc::O_RDONLY)?;
        for (fd, events) in [(&inotify, libc::EPOLLIN), (&mounts, libc::EPOLLPRI)] {
            let mut event = libc::epoll_event { events: events as u32, u64: fd.raw() as u64 };
            // SAFETY: reads one event that lives through the call.
            let r = unsafe { host!(epoll_ctl)(epoll.raw(), libc::EPOLL_CTL_ADD, fd.raw(), &mut event) };
            check(r.into())?;
        }
        Ok(HostWatch { epoll, inotify, mounts })
    }

    /// Watches a directory (an `O_PATH` descriptor will do); the number is the same for the same directory.
    pub fn add(&self, dir: &HostFd) -> Result<i32, HostError> {
        let path = ProcPath::of(dir);
        // SAFETY: reads a C string.
        check(unsafe { host!(inotify_add_watch)(self.inotify.raw(), path.as_ptr(), WATCHED) }.into())
            .map(|wd| wd as i32)
    }

    /// Ends a watch.
    pub fn remove(&self, wd: i32) {
        // SAFETY: takes numbers. It may have ended by itself.
        unsafe { host!(inotify_rm_watch)(self.inotify.raw(), wd) };
    }

    /// Tells what has happened since the last look: one host call if nothing has.
    pub fn look(&self, tell: &mut dyn FnMut(Notice)) {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; 2];
        // SAFETY: room for two events, and no waiting.
        let n = unsafe { host!(epoll_wait)(self.epoll.raw(), events.as_mut_ptr(), 2, 0) };
        let Ok(n) = usize::try_from(n) else { return tell(Notice::Everything) };
        for event in &events[..n] {
            if event.u64 == self.mounts.raw() as u64 {
                tell(Notice::Everything);
            } else {
                self.drain(tell);
            }
        }
    }

    fn drain(&self, tell: &mut dyn FnMut(Notice)) {
        let mut buf = [0; 4096];
        // Nothing more to read is an error, too.
        while let Ok(n @ 1..) = self.inotify.read(&mut buf) {
            parse(&buf[..n], tell);
        }
    }
}

fn parse(mut buf: &[u8], tell: &mut dyn FnMut(Notice)) {
    let word = |buf: &[u8], at: usize| u32::from_le_bytes([buf[at], buf[at + 1], buf[at + 2], buf[at + 3]]);
    while buf.len() >= HEAD {
        let (wd, mask, len) = (word(buf, 0) as i32, word(buf, 4), word(buf, 12) as usize);
        if mask & libc::IN_Q_OVERFLOW != 0 {
            tell(Notice::Everything);
        } else if mask & (libc::IN_IGNORED | libc::IN_UNMOUNT) != 0 {
            tell(Notice::Gone(wd));
        } else if mask & ENTRIES != 0 {
            tell(Notice::Entries(wd));
        } else if mask & libc::IN_ATTRIB != 0 && len == 0 {
            tell(Notice::Itself(wd));
        }
        buf = buf.get(HEAD + len..).unwrap_or(&[]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;

    fn notices(watch: &HostWatch) -> Vec<Notice> {
        let mut all = Vec::new();
        watch.look(&mut |notice| all.push(notice));
        all
    }

    #[test]
    fn tells_at_once_what_was_changed() {
        let dir = std::env::temp_dir().join(format!("llano-watch-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(dir.join("sub")).unwrap();
        let path = CString::new(dir.as_os_str().as_bytes()).unwrap();
        let fd = HostFd::open(&path, libc::O_PATH | libc::O_DIRECTORY).unwrap();
        let watch = HostWatch::new().unwrap();
        let wd = watch.add(&fd).unwrap();
        assert_eq!(watch.add(&fd).unwrap(), wd);
        assert_eq!(notices(&watch), []);
        std::fs::write(dir.join("new"), "").unwrap();
        assert_eq!(notices(&watch), []);
        std::fs::rename(dir.join("sub"), dir.join("other")).unwrap();
        assert_eq!(notices(&watch), [Notice::Entries(wd); 2]);
        std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        assert_eq!(notices(&watch), [Notice::Itself(wd)]);
        std::fs::remove_dir_all(&dir).unwrap();
        drop(fd);
        assert_eq!(notices(&watch).last(), Some(&Notice::Gone(wd)));
    }
}
