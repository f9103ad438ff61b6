//! What the process was started with as standard input, output and error: used without waiting, and without changing
//! a flag that others who have the same open file would notice.

use crate::border::host;
use crate::host::HostFd;
use crate::{HostError, check};
use std::sync::atomic::{AtomicU32, Ordering};

/// Which of the descriptors 0 to 2 were closed when the process started, as bits.
static CLOSED: AtomicU32 = AtomicU32::new(0);

/// Runs before `main`, and before Rust's runtime puts /dev/null where it finds a standard descriptor closed.
#[used]
#[unsafe(link_section = ".init_array")]
static NOTE_CLOSED: extern "C" fn() = note_closed;

extern "C" fn note_closed() {
    for fd in 0..3 {
        // SAFETY: takes numbers.
        if unsafe { host!(fcntl)(fd, libc::F_GETFD) } == -1 {
            CLOSED.fetch_or(1 << fd, Ordering::Relaxed);
        }
    }
}

/// Whether the caller gave the process this standard descriptor.
pub fn given(fd: i32) -> bool {
    CLOSED.load(Ordering::Relaxed) & (1 << fd) == 0
}

/// Lets go of standard input or output: whoever is at the other end of the pipe shall notice that the guest has closed
/// it. Standard error stays, for llano's own words.
pub fn release(fd: i32) {
    if !(0..2).contains(&fd) {
        return;
    }
    if let Ok(null) = HostFd::open(c"/dev/null", libc::O_RDWR) {
        // SAFETY: takes numbers; what the descriptor was is closed, which is the point.
        unsafe { host!(dup2)(null.raw(), fd) };
    }
}

impl HostFd {
    /// fcntl(2) `F_GETFL`: access mode and status flags.
    pub fn flags(&self) -> Result<u32, HostError> {
        // SAFETY: takes numbers.
        check(unsafe { host!(fcntl)(self.raw(), libc::F_GETFL) }.into()).map(|flags| flags as u32)
    }

    /// Another descriptor for the same open file.
    pub fn duplicate(&self) -> Result<HostFd, HostError> {
        HostFd::dup_of(self.raw())
    }

    /// Whether both are the same open file, so that moving one's position moves the other's (kcmp(2)); `None` if the
    /// host does not tell.
    pub fn same_open_file(&self, other: &HostFd) -> Option<bool> {
        const KCMP_FILE: i32 = 0;
        // SAFETY: takes numbers.
        let r = unsafe {
            let me = host!(getpid)();
            host!(syscall)(libc::SYS_kcmp, me, me, KCMP_FILE, self.raw(), other.raw())
        };
        (r >= 0).then_some(r == 0)
    }

    /// poll(2) without waiting: which of `events` hold, and errors and hang-ups.
    pub fn poll(&self, events: u32) -> u32 {
        let mut p = libc::pollfd { fd: self.raw(), events: events as i16, revents: 0 };
        // SAFETY: one pollfd that lives through the call.
        let n = unsafe { host!(poll)(&mut p, 1, 0) };
        if n == 1 { p.revents as u16 as u32 } else { 0 }
    }

    /// recv(2) from a socket without waiting.
    pub fn receive(&self, buf: &mut [u8]) -> Result<usize, HostError> {
        // SAFETY: the buffer is live and of that length.
        let n = unsafe { host!(recv)(self.raw(), buf.as_mut_ptr().cast(), buf.len(), libc::MSG_DONTWAIT) };
        check(n as i64).map(|n| n as usize)
    }

    /// send(2) to a socket without waiting; a closed peer is `EPIPE`.
    pub fn send(&self, buf: &[u8]) -> Result<usize, HostError> {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        // SAFETY: the buffer is live and of that length.
        let n = unsafe { host!(send)(self.raw(), buf.as_ptr().cast(), buf.len(), flags) };
        check(n as i64).map(|n| n as usize)
    }

    /// What /proc/self/fd shows: a path, `pipe:[7]`, ...
    pub fn shown_name(&self) -> Vec<u8> {
        crate::on_host();
        let link = format!("/proc/self/fd/{}", self.raw());
        std::fs::read_link(link).map(|path| path.into_os_string().into_encoded_bytes()).unwrap_or_default()
    }

    /// Bytes that can be read now (`FIONREAD`).
    pub fn readable_bytes(&self) -> Result<i32, HostError> {
        let mut n = 0i32;
        // SAFETY: FIONREAD writes an int.
        check(unsafe { host!(ioctl)(self.raw(), libc::FIONREAD, &mut n) }.into()).map(|_| n)
    }
}
