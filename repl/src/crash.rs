//! A fault of the kernel itself: say where, restore the terminal, abort.

use llano_machine::signals::{Crash, on_crash, text_range};
use llano_machine::{host, term};
use std::io::Write as _;

/// Installs the report.
pub fn install() {
    on_crash(report);
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        term::restore();
        default(info);
    }));
}

fn report(crash: &Crash) -> ! {
    term::restore();
    let base = text_range().start;
    // Not through `std`'s standard error: a panic on a guest's thread-local storage may have left that locked.
    let mut text = std::io::Cursor::new([0u8; 4096]);
    let _ = writeln!(
        text,
        "llano: the kernel itself faulted: signal {} (code {}) at llano+{:#x}, address {:#x}; this is a bug in llano",
        crash.fault.signal,
        crash.fault.code,
        crash.rip.wrapping_sub(base),
        crash.fault.addr
    );
    // Frame pointers are kept in all builds; a broken chain ends the list.
    for rip in llano_machine::signals::frames(crash) {
        let _ = writeln!(text, "  llano+{:#x}", rip.wrapping_sub(base));
    }
    let len = text.position() as usize;
    host::write_stderr(&text.get_ref()[..len]);
    std::process::abort()
}
