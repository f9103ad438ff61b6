//! Signal numbers: gdb's own (include/gdb/signals.def) and Linux's.

use gdbstub::common::Signal;

/// Linux's signals 1 to 31 in gdb's numbering.
const TO_GDB: [u8; 32] = [
    0, 1, 2, 3, 4, 5, 6, 10, 8, 9, 30, 11, 31, 13, 14, 15, 143, 20, 19, 17, 18, 21, 22, 16, 24, 25, 26, 27,
    28, 23, 32, 12,
];
/// gdb numbers SIG33 to SIG63 from here; SIG32 and SIG64 stand apart.
const SIG33: u8 = 45;
const SIG32: u8 = 77;
const SIG64: u8 = 78;

/// Linux's number in gdb's numbering.
pub fn to_gdb(signo: i32) -> Signal {
    Signal(match signo {
        0..=31 => TO_GDB[signo as usize],
        32 => SIG32,
        33..=63 => SIG33 + (signo - 33) as u8,
        64 => SIG64,
        _ => 143,
    })
}

/// gdb's number in Linux's numbering; `None`: Linux has no such signal.
pub fn from_gdb(signal: Signal) -> Option<i32> {
    (1..=64).find(|s| to_gdb(*s) == signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for signo in 1..=64 {
            assert_eq!(from_gdb(to_gdb(signo)), Some(signo));
        }
        assert_eq!(to_gdb(11), Signal::SIGSEGV);
        assert_eq!(to_gdb(10), Signal::SIGUSR1);
        assert_eq!(to_gdb(17), Signal::SIGCHLD);
        assert_eq!(from_gdb(Signal::SIGEMT), None);
    }
}
