//! Which events and which calls a recorder keeps (`--trace-filter`).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use llano_abi::syscalls::{self, Class, NR_LIMIT, SYSCALLS};

use crate::record::Event;

/// A set of call numbers; numbers Linux does not have stand or fall together.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct CallSet {
    words: [u64; NR_LIMIT / 64 + 1],
    unknown: bool,
}

impl CallSet {
    /// No call.
    pub const NONE: CallSet = CallSet { words: [0; NR_LIMIT / 64 + 1], unknown: false };
    /// Every call.
    pub const ALL: CallSet = CallSet { words: [u64::MAX; NR_LIMIT / 64 + 1], unknown: true };

    /// Whether the set has `nr`.
    #[inline(always)]
    pub fn contains(&self, nr: usize) -> bool {
        match self.words.get(nr / 64) {
            Some(word) => word >> (nr % 64) & 1 != 0,
            None => self.unknown,
        }
    }

    /// Adds a call Linux has.
    pub fn insert(&mut self, nr: usize) {
        self.words[nr / 64] |= 1 << (nr % 64);
    }

    /// Adds all numbers behind those Linux has.
    pub fn insert_unknown(&mut self) {
        self.unknown = true;
    }
}

/// What is kept.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    /// One bit an [`Event`].
    events: u32,
    calls: CallSet,
}

/// Groups of events a list can name.
const GROUPS: [(&str, &[Event]); 11] = [
    ("sched", &[Event::Block, Event::Wake, Event::Switch]),
    ("signals", &[Event::SignalSent, Event::SignalDelivered, Event::SignalReturned]),
    ("faults", &[Event::Fault]),
    ("maps", &[Event::Map, Event::Unmap, Event::Brk]),
    ("irq", &[Event::Irq]),
    ("log", &[Event::Log]),
    ("counters", &[Event::Counter]),
    ("timers", &[Event::Timer]),
    ("exchanges", &[Event::Exchange]),
    ("patches", &[Event::Patch]),
    ("marks", &[Event::Mark]),
];

/// Classes of calls a list can name, as strace has them.
const CLASSES: [&str; 9] =
    ["%file", "%desc", "%process", "%network", "%signal", "%memory", "%ipc", "%creds", "%clock"];

/// Those that exist; the highest bit is none.
const ALL_EVENTS: u32 = (1 << Event::ALL.len()) - 1;

/// Without these an export could not name a task; they are rare.
const ALWAYS: [Event; 6] =
    [Event::Bytes, Event::Clone, Event::Exec, Event::Exit, Event::Stop, Event::Command];

impl Default for Filter {
    fn default() -> Filter {
        Filter::ALL
    }
}

impl Filter {
    /// Keeps everything.
    pub const ALL: Filter = Filter { events: u32::MAX, calls: CallSet::ALL };
    /// Names no kind, but says that something is kept: a [`Chooser`](crate::selection::Chooser) is asked about each
    /// record.
    pub(crate) const ASK: Filter = Filter { events: 1 << 31, calls: CallSet::NONE };
    /// Keeps nothing.
    pub const NONE: Filter = Filter { events: 0, calls: CallSet::NONE };

    /// What a list names, as `openat,%network,sched`: calls by name, classes of calls with or without `%`, and the
    /// event groups `sched signals faults maps irq log counters timers exchanges patches marks`. `all` is everything, and a `!` before the list
    /// keeps everything else. Births and deaths of tasks are kept always.
    ///
    /// # Errors
    /// One line that names the word nobody knows.
    pub fn parse(list: &str) -> Result<Filter, String> {
        let (inverted, names) = match list.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, list),
        };
        let mut filter = Filter::NONE;
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            filter.add(name)?;
        }
        if inverted {
            filter = filter.inverted();
        }
        for event in ALWAYS {
            filter.events |= 1 << event as u32;
        }
        Ok(filter)
    }

    fn add(&mut self, name: &str) -> Result<(), String> {
        if name == "all" {
            *self = Filter::ALL;
        } else if let Some((_, events)) = GROUPS.iter().find(|group| group.0 == name) {
            self.events |= events.iter().fold(0, |bits, &event| bits | 1 << event as u32);
        } else if let Some(class) = Class::named(name.strip_prefix('%').unwrap_or(name)) {
            for call in SYSCALLS.iter().filter(|call| call.class.meets(class)) {
                self.calls.insert(call.nr.into());
            }
        } else if let Some(call) = syscalls::by_name(name) {
            self.calls.insert(call.nr.into());
        } else {
            return Err(format!(
                "'{name}' is no system call, class or event group \
                 (classes: %file %desc %process %network %signal %memory %ipc %creds %clock; \
                 groups: sched signals faults maps irq log counters timers exchanges patches marks)"
            ));
        }
        Ok(())
    }

    /// What it keeps as a list that [`Filter::parse`] understands, the shorter one of two.
    pub fn list(&self) -> String {
        if self.events & ALL_EVENTS == ALL_EVENTS && self.calls == CallSet::ALL {
            return "all".into();
        }
        let (plain, rest) = (self.words().join(","), self.inverted().words().join(","));
        if plain.len() <= rest.len() { plain } else { format!("!{rest}") }
    }

    /// Names of what is kept beside the events that always are.
    fn words(&self) -> Vec<&'static str> {
        let groups = GROUPS.iter().filter(|(_, events)| events.iter().all(|&event| self.keeps(event)));
        let mut words: Vec<&str> = groups.map(|group| group.0).collect();
        let mut named = CallSet::NONE;
        for name in CLASSES {
            let class = Class::named(name.trim_start_matches('%')).unwrap_or(Class::NONE);
            let members = || SYSCALLS.iter().filter(|call| call.class.meets(class));
            if members().all(|call| self.keeps_call(call.nr.into())) {
                words.push(name);
                members().for_each(|call| named.insert(call.nr.into()));
            }
        }
        let single = |nr: usize| self.keeps_call(nr) && !named.contains(nr);
        words.extend(SYSCALLS.iter().filter(|call| single(call.nr.into())).map(|call| call.name));
        words
    }

    /// Everything else.
    fn inverted(&self) -> Filter {
        let mut filter = *self;
        filter.events = !filter.events;
        filter.calls.words.iter_mut().for_each(|word| *word = !*word);
        filter.calls.unknown = !filter.calls.unknown;
        filter
    }

    /// Whether anything is kept.
    #[inline(always)]
    pub fn any(&self) -> bool {
        self.events != 0
    }

    /// Whether records of `event` are kept; calls are asked for by [`Filter::keeps_call`].
    #[inline(always)]
    pub fn keeps(&self, event: Event) -> bool {
        self.events >> event as u32 & 1 != 0
    }

    /// Whether call `nr` is kept.
    #[inline(always)]
    pub fn keeps_call(&self, nr: usize) -> bool {
        self.calls.contains(nr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use llano_abi::syscalls::nr;

    #[test]
    fn lists() {
        let filter = Filter::parse("openat, %network,sched").unwrap();
        assert!(
            filter.keeps_call(nr::OPENAT) && filter.keeps_call(nr::SOCKET) && !filter.keeps_call(nr::READ)
        );
        assert!(filter.keeps(Event::Switch) && !filter.keeps(Event::Fault) && filter.keeps(Event::Clone));
        assert!(!filter.keeps_call(5000));
        let filter = Filter::parse("!file,log").unwrap();
        assert!(!filter.keeps_call(nr::OPENAT) && filter.keeps_call(nr::READ) && filter.keeps_call(5000));
        assert!(!filter.keeps(Event::Log) && filter.keeps(Event::Irq));
        assert_eq!(Filter::parse("all").unwrap(), Filter::ALL);
        for (list, shown) in [
            ("all", "all"),
            ("", ""),
            ("openat, net,sched", "sched,%network,openat"),
            ("!read", "!read"),
            ("!file,log", "!log,%file"),
        ] {
            let filter = Filter::parse(list).unwrap();
            assert_eq!(filter.list(), shown);
            assert_eq!(Filter::parse(&filter.list()).unwrap(), filter);
        }
        let error = Filter::parse("read,opnat").unwrap_err();
        assert!(error.starts_with("'opnat' is no system call") && !error.contains('\n'));
    }
}
