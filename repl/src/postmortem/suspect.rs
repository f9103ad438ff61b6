//! The dump of a kernel that crashed: first what needs nobody's word, then what the kernel can still tell.
//!
//! Runs in the crash hook, on the signal stack. What it looks at may be half done, so it may crash itself; then it is called
//! again, on top, and goes on with the next step. [`watchdog`] ends it when it does not get on.

use super::{Cause, Dump, cores, directory, script, watchdog, write_core};
use llano_kernel::Kernel;
use llano_machine::signals::Crash;
use llano_machine::{peek, suspect};
use llano_trace::file;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The next step.
static NEXT: AtomicUsize = AtomicUsize::new(0);
/// What the first crash said of itself, and its signal.
static FIRST: OnceLock<(String, Crash)> = OnceLock::new();

/// Writes what can be written. `words`: what is known of the crash, for the report.
pub fn dump(crash: &Crash, words: &[u8]) {
    let Some(dir) = directory() else { return };
    let (words, first) = FIRST.get_or_init(|| (String::from_utf8_lossy(words).into_owned(), *crash));
    if crash.nth > 0 {
        crate::report::say("post-mortem: what was to be looked at is damaged; going on with the rest");
    }
    loop {
        watchdog::tick();
        // Counted before it is tried: a step that crashes is not tried again.
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        match step {
            0 => {
                super::clear(dir, &[]);
                note(file::write(&dir.join("report.txt"), |out| out.write_all(words.as_bytes())));
            }
            1 => note(memory(dir, first)),
            _ => {
                let done = suspect::look(first, |k: &mut Kernel| {
                    let run = Dump::STEPS.get(step - 2)?;
                    // The first crash is the one that tells what the kernel was at.
                    let cause = Cause::Crash(words, first.fault.signal);
                    let mut dump = Dump::new(k, dir, cause, first.registers);
                    run(&mut dump);
                    Some(dump.done().map(drop))
                });
                match done.flatten() {
                    Some(done) => note(done),
                    None => break,
                }
            }
        }
    }
    crate::report::say(&format!("post-mortem in {}", dir.display()));
}

fn note(result: Result<(), String>) {
    if let Err(text) = result {
        crate::report::say(&format!("post-mortem: {text}"));
    }
}

/// A core of memory and the kernel's registers, and gdb's commands for it.
fn memory(dir: &Path, crash: &Crash) -> Result<(), String> {
    let path = dir.join("core");
    let core = cores::everything(None, &crash.registers, None, crash.fault.signal);
    let core = core.map_err(|e| file::failure(&path, &e))?;
    write_core(&path, &core, |at, buf| peek::read(at, buf).unwrap_or(0))?;
    let text = script::memory(&path, &std::env::current_exe().unwrap_or_default());
    file::write(&dir.join("gdb.cmd"), |out| out.write_all(text.as_bytes()))
}
