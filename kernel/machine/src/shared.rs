//! Memory that the vCPU shares with llano's other threads, for as long as the process lives.

use crate::border::host;
use crate::{HostError, PAGE, check};
use core::sync::atomic::AtomicU64;

/// The host maps pages of this size where it may: the first touch of each costs a fault.
const HUGE: usize = 2 << 20;

/// Words of zero, `bytes` rounded to pages. They take memory as they are touched.
///
/// # Errors
/// The host has no room for them.
pub fn words(bytes: usize) -> Result<&'static [AtomicU64], HostError> {
    let len = bytes.checked_next_multiple_of(PAGE).ok_or(HostError(libc::ENOMEM))?;
    let room = len.checked_add(HUGE).ok_or(HostError(libc::ENOMEM))?;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a fresh map, which nothing else knows.
    let map = unsafe { host!(mmap)(core::ptr::null_mut(), room, prot, flags, -1, 0) };
    check(map as i64)?;
    // What lies before the border is never touched.
    let at = (map as usize).next_multiple_of(HUGE);
    // SAFETY: within the map; where the host refuses it has small pages.
    unsafe { host!(madvise)(at as *mut _, len, libc::MADV_HUGEPAGE) };
    // SAFETY: `len` bytes of the map from `at` on, readable and writable, zero, aligned, and never unmapped; any bits are
    // an `AtomicU64`.
    Ok(unsafe { core::slice::from_raw_parts(at as *const AtomicU64, len / size_of::<AtomicU64>()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::Ordering::Relaxed;

    #[test]
    fn words_are_zero_and_shared() {
        let words = words(5000).unwrap();
        assert_eq!(words.len(), 1024);
        assert!(words.iter().all(|word| word.load(Relaxed) == 0));
        std::thread::spawn(|| words[1023].store(7, Relaxed)).join().unwrap();
        assert_eq!(words[1023].load(Relaxed), 7);
        assert!(super::words(usize::MAX).is_err() && super::words(1 << 62).is_err());
    }
}
