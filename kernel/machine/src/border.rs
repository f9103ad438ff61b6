//! The border to the host: kernel code runs on the guest's FS and MXCSR after an entry without a signal, and whatever
//! may use thread-local storage (errno, locks of the C library, `std`) or computes with floats asks for the host's first.
//!
//! [`on_host`] is one test when nothing is to be done. Nobody changes back: the next [`enter`](crate::enter) loads the
//! guest's. `LLANO_FS=poison` in llano's environment makes forgetting it visible: FS points to a page without access in all
//! kernel code then.

use crate::cpu::{CPU, Side, write_fs};
use core::arch::asm;
use core::sync::atomic::{AtomicU8, Ordering};

/// All exceptions masked, round to nearest.
static HOST_MXCSR: u32 = 0x1f80;

/// What runs next may call anything of the host's.
#[inline]
pub fn on_host() {
    // SAFETY: a plain word of the vCPU's cell. Other threads run on the host's side always; what they see here they
    // check by their stack.
    if unsafe { (&raw const (*CPU.get()).side).read_volatile() } != Side::Host && crate::heap::on_vcpu() {
        change(Side::Host);
    }
}

/// `host!(name)(arguments)` is libc's function of that name, on the host's side of the border: any of them may set errno.
macro_rules! host {
    ($name:ident) => {{
        $crate::border::on_host();
        libc::$name
    }};
}
pub(crate) use host;

#[cold]
#[inline(never)]
fn change(to: Side) {
    // SAFETY: this is the vCPU thread (its stack says so), and the owner is a live context.
    unsafe {
        let cpu = CPU.get();
        if (*cpu).side == Side::Guest
            && let Some(owner) = (*cpu).owner.as_mut()
        {
            owner.fs_base = crate::cpu::read_fs();
            owner.save_mxcsr();
        }
        (*cpu).side = to;
        if to == Side::Host {
            write_fs((*cpu).host_fs);
            asm!("ldmxcsr [{}]", in(reg) &HOST_MXCSR, options(nostack, readonly));
        } else {
            write_fs((*cpu).poison);
        }
    }
}

/// FS becomes useless, as `LLANO_FS=poison` asks.
#[cold]
pub(crate) fn poison() {
    change(Side::Adrift);
}

/// `LLANO_TEST=panic|hang`: kernel code panics, or never returns, when a guest makes a call that no one knows.
static TEST: AtomicU8 = AtomicU8::new(0);
const PANIC: u8 = 1;
const HANG: u8 = 2;

/// Does what `LLANO_TEST` in llano's environment asked for, if it did: proves that the kernel's own death is reported, also
/// on a guest's FS.
pub fn unknown_call(nr: usize) {
    match TEST.load(Ordering::Relaxed) {
        PANIC => panic!("LLANO_TEST=panic: call {nr}"),
        HANG => loop {
            core::hint::spin_loop();
        },
        _ => {}
    }
}

/// Looks into llano's environment for `LLANO_FS` and `LLANO_TEST`; returns what FS shall be in kernel code.
pub(crate) fn read_environment() -> u64 {
    let test = match std::env::var("LLANO_TEST").as_deref() {
        Ok("panic") => PANIC,
        Ok("hang") => HANG,
        _ => 0,
    };
    TEST.store(test, Ordering::Relaxed);
    poisoned_page()
}

/// `LLANO_FS=poison`: a page that FS can point into without any good.
fn poisoned_page() -> u64 {
    if std::env::var_os("LLANO_FS").is_none_or(|value| value != "poison") {
        return 0;
    }
    const LEN: usize = 1 << 20;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a fresh map without access, which stays.
    let p = unsafe { libc::mmap(core::ptr::null_mut(), LEN, libc::PROT_NONE, flags, -1, 0) };
    if p == libc::MAP_FAILED { 0 } else { p as u64 + LEN as u64 / 2 }
}
