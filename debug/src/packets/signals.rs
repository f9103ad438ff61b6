//! `QPassSignals`, signals that go to their tasks without a stop; `QProgramSignals`, those that a debugger that leaves lets
//! through.

use super::INVALID;
use crate::filter::number;
use crate::gdb::Target;
use crate::signals::from_gdb;
use gdbstub::common::Signal;
use llano_kernel::sigstate::SigSet;

pub(super) fn answer(target: &mut Target, packet: &[u8]) -> Option<Vec<u8>> {
    let (list, unseen) = match packet.strip_prefix(b"QPassSignals:") {
        Some(list) => (list, true),
        None => (packet.strip_prefix(b"QProgramSignals:")?, false),
    };
    let Some(signals) = set(list) else { return Some(INVALID.to_vec()) };
    target.post(move |k| {
        if unseen {
            k.debug.unseen = signals;
        } else {
            k.debug.allowed = Some(signals);
        }
    });
    Some(b"OK".to_vec())
}

/// Signals in gdb's numbers, with `;` between; those that Linux does not have do not count.
fn set(list: &[u8]) -> Option<SigSet> {
    list.split(|b| *b == b';').filter(|word| !word.is_empty()).try_fold(SigSet::default(), |set, word| {
        let signal = u8::try_from(number(word)?).ok().and_then(|n| from_gdb(Signal(n)));
        Some(signal.map_or(set, |signo| set.with(signo)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_lists_of_gdbs_numbers() {
        assert_eq!(set(b""), Some(SigSet::default()));
        assert_eq!(set(b"e;1e;ff"), Some(SigSet::of(14).with(10)));
        assert_eq!(set(b"e;x"), None);
        assert_eq!(set(b"fffff"), Some(SigSet::default()));
    }
}
