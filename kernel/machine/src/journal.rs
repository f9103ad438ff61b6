//! Lines on their way to the kernel's log.
//!
//! Kernel code speaks through the crate `tracing`, whose subscriber is the tools' code: it uses thread-local storage and
//! so runs on the host's side of the border ([`on_host`](crate::on_host)), and it cannot reach the kernel, which is
//! borrowed by whoever speaks. So the subscriber leaves each line here and returns, and who spoke takes it. Only the
//! vCPU's thread does either: lines of other threads travel as requests ([`bell`](crate::bell)), so that nobody waits
//! for a lock that a parked vCPU holds.

use std::sync::Mutex;

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Severity as in syslog(3): 3 is an error, 4 a warning, 6 information, 7 for those who debug.
    pub level: u8,
    /// What it is about: a short word, as `exec`.
    pub target: &'static str,
    /// Text without a line break.
    pub text: String,
}

/// Lines that nobody has taken yet are few: those of the start, and of one event.
const MOST: usize = 1024;

static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());

/// Leaves a line. The vCPU's thread calls; what nobody takes is lost.
pub fn leave(line: Line) {
    let mut lines = LINES.lock().unwrap_or_else(|e| e.into_inner());
    if lines.len() < MOST {
        lines.push(line);
    }
}

/// Takes what was left, oldest first. The vCPU's thread calls, on the host's side.
pub fn take() -> Vec<Line> {
    core::mem::take(&mut *LINES.lock().unwrap_or_else(|e| e.into_inner()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_taken_once() {
        let line = |n: usize| Line { level: 6, target: "test", text: n.to_string() };
        (0..MOST + 5).for_each(|n| leave(line(n)));
        let taken = take();
        assert_eq!((taken.len(), &taken[0], &taken[MOST - 1]), (MOST, &line(0), &line(MOST - 1)));
        assert!(take().is_empty());
    }
}
