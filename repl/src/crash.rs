//! A fault of the kernel itself: say where, restore the terminal, leave a post-mortem, abort.

use crate::postmortem::{suspect, watchdog};
use llano_machine::signals::{Crash, bias, die, frames, on_crash};
use llano_machine::{host, panicked, term};
use std::io::{self, Cursor, Write};

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
    let hung = watchdog::crashed();
    // Not through `std`'s standard error: a panic on a guest's thread-local storage may have left that locked.
    let mut text = Cursor::new([0u8; 4096]);
    let _ = words(&mut text, crash, hung);
    let len = text.position() as usize;
    let words = &text.get_ref()[..len];
    if crash.nth == 0 {
        host::write_stderr(words);
    }
    suspect::dump(crash, words);
    die()
}

/// What happened, and where.
fn words(out: &mut dyn Write, crash: &Crash, hung: bool) -> io::Result<()> {
    let rip = crash.registers.rip.wrapping_sub(bias());
    if hung {
        writeln!(
            out,
            "llano: the kernel hangs, at llano+{rip:#x}: it answered nobody for ten seconds; this is a bug in llano"
        )?;
    } else {
        let fault = &crash.fault;
        writeln!(
            out,
            "llano: the kernel itself faulted: signal {} (code {}) at llano+{rip:#x}, address {:#x}; this is a bug in llano",
            fault.signal, fault.code, fault.addr
        )?;
    }
    if crash.nth == 0
        && let Some(panic) = panicked::find(crash)
    {
        writeln!(out, "panicked at {}:{}:{}: {}", panic.file, panic.at.0, panic.at.1, panic.message)?;
    }
    // Frame pointers are kept in all builds; a broken chain ends the list.
    frames(crash).try_for_each(|rip| writeln!(out, "  llano+{:#x}", rip.wrapping_sub(bias())))
}
