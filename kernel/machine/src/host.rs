//! Host files, by descriptor. Safe wrappers; what the calls mean is in the man pages of the same names.

use crate::border::host;
use crate::overlay;
use crate::usermem::{self, BadAddress};
use crate::{HostError, check};
use core::sync::atomic::{AtomicU32, Ordering};
use std::ffi::CStr;
use std::io::Write as _;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Flags of open(2) and kinds of lseek(2) that the kernel needs to name; numbers are the guest's, too.
pub use libc::{
    O_CREAT, O_DIRECTORY, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_PATH, O_RDONLY, O_RDWR, O_TMPFILE,
    O_WRONLY, SEEK_DATA, SEEK_HOLE,
};

/// An open descriptor of the host, closed when dropped.
#[derive(Debug)]
pub struct HostFd(OwnedFd);

impl Drop for HostFd {
    fn drop(&mut self) {
        crate::on_host(); // the descriptor is closed behind this
    }
}

impl HostFd {
    /// # Safety
    /// `fd` is open and nobody else's.
    pub(crate) unsafe fn from_raw(fd: i32) -> HostFd {
        // SAFETY: the caller's promise.
        HostFd(unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// The number.
    pub fn raw(&self) -> i32 {
        self.0.as_raw_fd()
    }

    /// A new descriptor for what the process's descriptor `fd` refers to (stdin, stdout, stderr).
    pub fn dup_of(fd: i32) -> Result<HostFd, HostError> {
        // SAFETY: fcntl takes numbers; the new descriptor is ours.
        unsafe { Ok(HostFd::from_raw(check(host!(fcntl)(fd, libc::F_DUPFD_CLOEXEC, 3).into())? as i32)) }
    }

    /// open(2), always with O_CLOEXEC.
    pub fn open(path: &CStr, flags: i32) -> Result<HostFd, HostError> {
        HostFd::open_at(None, path, flags, 0)
    }

    /// openat(2), always with O_CLOEXEC; without a directory relative to the working directory.
    pub fn open_at(dir: Option<&HostFd>, path: &CStr, flags: i32, mode: u32) -> Result<HostFd, HostError> {
        let dir = dir.map_or(libc::AT_FDCWD, HostFd::raw);
        // SAFETY: the path is a C string; the new descriptor is ours.
        unsafe {
            Ok(HostFd::from_raw(check(
                host!(openat)(dir, path.as_ptr(), flags | libc::O_CLOEXEC, mode).into(),
            )? as i32))
        }
    }

    /// read(2).
    pub fn read(&self, buf: &mut [u8]) -> Result<usize, HostError> {
        // SAFETY: the buffer is live and of that length.
        check(unsafe { host!(read)(self.raw(), buf.as_mut_ptr().cast(), buf.len()) } as i64)
            .map(|n| n as usize)
    }

    /// write(2).
    pub fn write(&self, buf: &[u8]) -> Result<usize, HostError> {
        // SAFETY: the buffer is live and of that length.
        check(unsafe { host!(write)(self.raw(), buf.as_ptr().cast(), buf.len()) } as i64).map(|n| n as usize)
    }

    /// pread(2).
    pub fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<usize, HostError> {
        // SAFETY: the buffer is live and of that length.
        let n = unsafe { host!(pread)(self.raw(), buf.as_mut_ptr().cast(), buf.len(), offset as i64) };
        check(n as i64).map(|n| n as usize)
    }

    /// pwrite(2).
    pub fn write_at(&self, buf: &[u8], offset: u64) -> Result<usize, HostError> {
        // SAFETY: the buffer is live and of that length.
        let n = unsafe { host!(pwrite)(self.raw(), buf.as_ptr().cast(), buf.len(), offset as i64) };
        check(n as i64).map(|n| n as usize)
    }

    /// pread(2) straight into guest memory. `EFAULT` says that the host could not write there (a protected page does
    /// not fault in a host call): the caller then copies through a buffer of its own.
    pub fn read_at_to_guest(&self, addr: u64, len: usize, offset: u64) -> Result<usize, HostError> {
        guest(addr, len)?;
        overlay::open_range(addr, len);
        // SAFETY: the range is guest space (checked), where no Rust object lives; the host reports bad pages.
        check(unsafe { host!(pread)(self.raw(), addr as *mut _, len, offset as i64) } as i64)
            .map(|n| n as usize)
    }

    /// pwrite(2) straight from guest memory.
    pub fn write_at_from_guest(&self, addr: u64, len: usize, offset: u64) -> Result<usize, HostError> {
        guest(addr, len)?;
        // SAFETY: as in `read_at_to_guest`; the host only reads.
        check(unsafe { host!(pwrite)(self.raw(), addr as *const _, len, offset as i64) } as i64)
            .map(|n| n as usize)
    }

    /// write(2) straight from guest memory.
    pub fn write_from_guest(&self, addr: u64, len: usize) -> Result<usize, HostError> {
        guest(addr, len)?;
        // SAFETY: as in `write_at_from_guest`.
        check(unsafe { host!(write)(self.raw(), addr as *const _, len) } as i64).map(|n| n as usize)
    }

    /// read(2) straight into guest memory.
    pub fn read_to_guest(&self, addr: u64, len: usize) -> Result<usize, HostError> {
        guest(addr, len)?;
        overlay::open_range(addr, len);
        // SAFETY: as in `read_at_to_guest`.
        check(unsafe { host!(read)(self.raw(), addr as *mut _, len) } as i64).map(|n| n as usize)
    }
}

impl HostFd {
    /// Opens the very file that this descriptor is (also an `O_PATH` one) anew, with flags of its own.
    pub fn reopen(&self, flags: i32) -> Result<HostFd, HostError> {
        HostFd::open(ProcPath::of(self).as_c_str(), flags)
    }
}

/// `/proc/self/fd/N`: leads to what a descriptor is, whatever its name is by now.
pub(crate) struct ProcPath([u8; 32]);

impl ProcPath {
    pub(crate) fn of(fd: &HostFd) -> ProcPath {
        let mut buf = [0; 32];
        // The longest number leaves room for the NUL.
        let _ = write!(&mut buf[..31], "/proc/self/fd/{}", fd.raw());
        ProcPath(buf)
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
    }

    pub(crate) fn as_ptr(&self) -> *const libc::c_char {
        self.as_c_str().as_ptr()
    }
}

/// Raises the limit on descriptors to what the host allows: a guest's open files are descriptors of the host.
pub fn raise_descriptor_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit fills the struct, setrlimit reads it. A refusal leaves the limit as it was.
    unsafe {
        if host!(getrlimit)(libc::RLIMIT_NOFILE, &mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            host!(setrlimit)(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// How many descriptors this process may have.
pub fn descriptor_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit fills the struct.
    unsafe { host!(getrlimit)(libc::RLIMIT_NOFILE, &mut limit) };
    limit.rlim_cur
}

fn guest(addr: u64, len: usize) -> Result<(), HostError> {
    usermem::check(addr, len).map_err(|BadAddress| HostError(libc::EFAULT))
}

/// Writes to standard error, whatever state `std`'s is in.
pub fn write_stderr(text: &[u8]) {
    // SAFETY: the buffer is live and of that length.
    unsafe { host!(write)(2, text.as_ptr().cast(), text.len()) };
}

/// An entry of the host's auxiliary vector (getauxval(3)); 0 if there is none.
pub fn auxv(kind: u64) -> u64 {
    if kind == libc::AT_HWCAP {
        // What glibc tells is a number of its own; Linux's is the feature word of CPUID. In a virtual machine the
        // instruction goes to the hypervisor and takes microseconds, so it is asked once.
        static FEATURES: AtomicU32 = AtomicU32::new(0);
        if FEATURES.load(Ordering::Relaxed) == 0 {
            FEATURES.store(core::arch::x86_64::__cpuid(1).edx, Ordering::Relaxed);
        }
        return FEATURES.load(Ordering::Relaxed).into();
    }
    // SAFETY: reads the vector the host gave this process.
    unsafe { libc::getauxval(kind) }
}

/// Random bytes from the host.
pub fn random<const N: usize>() -> [u8; N] {
    let mut buf = [0; N];
    fill_random(&mut buf);
    buf
}

/// Fills a buffer with random bytes from the host (getrandom(2)).
pub fn fill_random(buf: &mut [u8]) {
    let mut done = 0;
    while done < buf.len() {
        // SAFETY: writes into the rest of the buffer.
        let n = unsafe { host!(getrandom)(buf[done..].as_mut_ptr().cast(), buf.len() - done, 0) };
        done += n.max(0) as usize;
    }
}

/// Bytes of host RAM this process uses, llano's own included (`/proc/self/statm`).
pub fn resident_bytes() -> u64 {
    use std::sync::OnceLock;
    static STATM: OnceLock<Option<HostFd>> = OnceLock::new();
    let fd = STATM.get_or_init(|| HostFd::open(c"/proc/self/statm", libc::O_RDONLY).ok());
    let mut buf = [0; 128];
    let n = fd.as_ref().and_then(|fd| fd.read_at(&mut buf, 0).ok()).unwrap_or(0);
    let text = core::str::from_utf8(&buf[..n]).unwrap_or("");
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * crate::PAGE as u64
}

/// How many maps the host grants a process (`vm.max_map_count`).
pub fn max_maps() -> usize {
    let read = std::fs::read_to_string("/proc/sys/vm/max_map_count");
    read.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(65530)
}

/// Who started llano.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Effective user.
    pub uid: u32,
    /// Effective group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// umask.
    pub umask: u32,
    /// Signals that it made this process ignore, bit `n - 1` for signal `n`. SIGPIPE is never among them: Rust's start-up
    /// code ignores it, and what was before cannot be told.
    pub ignored: u64,
}

/// Whether this process ignores a signal.
pub(crate) fn is_ignored(signo: i32) -> bool {
    // SAFETY: sigaction without a new action writes the present one into the struct it is given, plain numbers.
    unsafe {
        let mut now: libc::sigaction = core::mem::zeroed();
        host!(sigaction)(signo, core::ptr::null(), &mut now) == 0 && now.sa_sigaction == libc::SIG_IGN
    }
}

/// The identity, umask and ignored signals of this process.
pub fn caller() -> Caller {
    // SAFETY: calls without pointers, and getgroups into a buffer of the length it is told; umask is put back at once.
    unsafe {
        let mut groups = vec![0; 65536];
        let n = host!(getgroups)(groups.len() as i32, groups.as_mut_ptr()).max(0);
        groups.truncate(n as usize);
        let umask = host!(umask)(0o22);
        host!(umask)(umask);
        let ignored = (1..32).filter(|&s| s != libc::SIGPIPE && is_ignored(s));
        let ignored = ignored.fold(0, |set, s| set | 1 << (s - 1));
        Caller { uid: host!(geteuid)(), gid: host!(getegid)(), groups, umask, ignored }
    }
}
