//! Memory as a debugger sees it: through the host's `/proc/self/mem`.
//!
//! Reads and writes go past page protection (a store to a private page is a copy of the debugger's, as with ptrace), and
//! an address without memory is an error of the call, never a fault. llano's own memory is there too.

use crate::HostError;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

/// What the host said; its number.
fn error(e: &std::io::Error) -> HostError {
    HostError(e.raw_os_error().unwrap_or(libc::EIO))
}

fn memory() -> Result<&'static File, HostError> {
    static MEMORY: OnceLock<File> = OnceLock::new();
    crate::on_host();
    if let Some(file) = MEMORY.get() {
        return Ok(file);
    }
    let file = File::options().read(true).write(true).open("/proc/self/mem").map_err(|e| error(&e))?;
    Ok(MEMORY.get_or_init(|| file))
}

/// A descriptor of the file that all this goes through.
pub(crate) fn descriptor() -> Result<i32, HostError> {
    memory().map(AsRawFd::as_raw_fd)
}

/// Reads as much of `buf.len()` bytes at `addr` as is mapped; returns the count, at least one.
///
/// # Errors
/// `EIO`: nothing is mapped at `addr`.
pub fn read(addr: u64, buf: &mut [u8]) -> Result<usize, HostError> {
    let mut done = 0;
    while done < buf.len() {
        match memory()?.read_at(&mut buf[done..], addr.wrapping_add(done as u64)) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(_) if done > 0 => break,
            Err(e) => return Err(error(&e)),
        }
    }
    if done == 0 && !buf.is_empty() { Err(HostError(libc::EIO)) } else { Ok(done) }
}

/// Writes all of `bytes` at `addr`.
///
/// # Errors
/// `EIO`: a part is not mapped, or is a shared mapping of a file that may not be written; what lies before it was.
pub fn write(addr: u64, bytes: &[u8]) -> Result<(), HostError> {
    memory()?.write_all_at(bytes, addr).map_err(|e| error(&e))
}
