//! How far long work is, in one line on a terminal.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::rc::Rc;

/// An iterator that tells how far it and its clones have come.
#[derive(Clone)]
pub(super) struct Progress<I> {
    items: I,
    meter: Rc<Meter>,
}

/// Shared by all clones; the last one gone erases the line.
struct Meter {
    done: Cell<u64>,
    total: u64,
    /// Whether a terminal is there to see it.
    shown: bool,
}

/// Items between two drawings: some milliseconds of work.
const STEP: u64 = 1 << 16;

impl<I: Iterator> Progress<I> {
    /// `total`: how many items all clones together will give.
    pub(super) fn of(items: I, total: u64) -> Progress<I> {
        let shown = std::io::stderr().is_terminal();
        Progress { items, meter: Rc::new(Meter { done: Cell::new(0), total, shown }) }
    }
}

impl<I: Iterator> Iterator for Progress<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let item = self.items.next()?;
        let done = self.meter.done.get() + 1;
        self.meter.done.set(done);
        if done.is_multiple_of(STEP) && self.meter.shown {
            self.meter.draw(done);
        }
        Some(item)
    }
}

impl Meter {
    fn draw(&self, done: u64) {
        let percent = (done * 100 / self.total.max(1)).min(100);
        let bar = "#".repeat(percent as usize / 4);
        // A terminal that is gone is no reason to stop.
        let _ = write!(std::io::stderr(), "\r[{bar:<25}] {percent:>3} %");
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.shown && self.done.get() >= STEP {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
