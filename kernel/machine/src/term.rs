//! The host terminal: raw while the guest's own line discipline does the work, and always restored.

use crate::HostError;
use crate::border::host;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

static SAVED: Mutex<Option<(i32, libc::termios)>> = Mutex::new(None);
static RAW: AtomicBool = AtomicBool::new(false);

/// Whether a host descriptor is a terminal.
pub fn is_tty(fd: i32) -> bool {
    // SAFETY: isatty takes any number.
    unsafe { host!(isatty)(fd) == 1 }
}

/// Whether `fd` is a terminal whose settings are ours to change: this process is in its foreground, or it is not the
/// controlling terminal and knows no foreground.
pub fn is_foreground(fd: i32) -> bool {
    // SAFETY: tcgetpgrp takes any number, getpgrp nothing.
    let (foreground, own) = unsafe { (host!(tcgetpgrp)(fd), host!(getpgrp)()) };
    is_tty(fd) && (foreground == -1 || foreground == own)
}

/// Puts the terminal on `fd` into raw mode and remembers how it was.
pub fn raw(fd: i32) -> Result<(), HostError> {
    // SAFETY: tcgetattr fills the struct, tcsetattr reads it.
    unsafe {
        let mut t: libc::termios = core::mem::zeroed();
        crate::check(host!(tcgetattr)(fd, &mut t).into())?;
        let mut saved = SAVED.lock().unwrap_or_else(|e| e.into_inner());
        saved.get_or_insert((fd, t));
        libc::cfmakeraw(&mut t);
        crate::check(host!(tcsetattr)(fd, libc::TCSADRAIN, &t).into())?;
    }
    RAW.store(true, Ordering::Relaxed);
    Ok(())
}

/// Restores the terminal if [`raw`] changed it. Safe to call at any time, also from a crash.
pub fn restore() {
    if !RAW.swap(false, Ordering::Relaxed) {
        return;
    }
    if let Ok(saved) = SAVED.try_lock()
        && let Some((fd, t)) = *saved
    {
        // SAFETY: tcsetattr reads the struct.
        unsafe { host!(tcsetattr)(fd, libc::TCSADRAIN, &t) };
    }
}

/// The settings the terminal had before [`raw`], as the bytes of the host's kernel `struct termios` (36 bytes).
pub fn host_settings(fd: i32) -> Option<[u8; 36]> {
    let mut buf = [0u8; 36];
    // SAFETY: TCGETS writes the kernel's struct termios, 36 bytes.
    let r = unsafe { host!(ioctl)(fd, libc::TCGETS, buf.as_mut_ptr()) };
    (r == 0).then_some(buf)
}

/// Rows and columns of the terminal on `fd`.
pub fn size(fd: i32) -> Option<(u16, u16)> {
    let mut ws = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes the struct it is given.
    let r = unsafe { host!(ioctl)(fd, libc::TIOCGWINSZ, &mut ws) };
    (r == 0).then_some((ws.ws_row, ws.ws_col))
}
