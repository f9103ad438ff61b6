//! Rules that interfere with calls: data only. [`inspect`](crate::inspect::inject) acts on it.
//!
//! While there is no rule nothing is asked: the loop has a turn of its own for whoever looks at calls.

use crate::wait::Tid;
use alloc::string::String;
use alloc::vec::Vec;
use llano_trace::filter::CallSet;

/// Which task's calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A task, or a process with all its threads.
    Number(i32),
    /// Tasks of this name.
    Name(String),
}

/// What a call must be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A path: that of an argument, or of the file behind a descriptor argument; `*` is anything.
    Path(String),
    /// A descriptor argument.
    Fd(i32),
}

/// How an argument is compared, as unsigned numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `>`
    More,
    /// `&`: shares a bit.
    Bits,
}

/// A test of one argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Test {
    /// Which, from 0.
    pub arg: usize,
    /// How.
    pub compare: Compare,
    /// With what.
    pub value: u64,
}

impl Test {
    /// Whether the arguments pass.
    pub fn passes(&self, args: &[u64; 6]) -> bool {
        let arg = args[self.arg];
        match self.compare {
            Compare::Equal => arg == self.value,
            Compare::Unequal => arg != self.value,
            Compare::Less => arg < self.value,
            Compare::More => arg > self.value,
            Compare::Bits => arg & self.value != 0,
        }
    }
}

/// Which of the calls that match: the first, the last, and every how many-th between; counted from 1 for each rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// The first.
    pub first: u64,
    /// No later than this.
    pub last: u64,
    /// Every `step`-th from the first on.
    pub step: u64,
    /// Of these, with this probability in 2^32.
    pub chance: u64,
}

/// Always.
pub const CERTAIN: u64 = 1 << 32;

impl Default for When {
    fn default() -> When {
        When { first: 1, last: u64::MAX, step: 1, chance: CERTAIN }
    }
}

impl When {
    /// Whether the `nth` match is meant, chance aside.
    pub fn means(&self, nth: u64) -> bool {
        nth >= self.first && nth <= self.last && (nth - self.first).is_multiple_of(self.step.max(1))
    }
}

/// What happens to a call. Counting is done in any case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effects {
    /// A line in the log.
    pub log: bool,
    /// A note in the trace.
    pub trace: bool,
    /// The system stops before it, in gdb or the monitor.
    pub stop: bool,
    /// It waits so long before it is made, ns.
    pub before_ns: u64,
    /// ... and before it returns.
    pub after_ns: u64,
    /// It is not made, and this is its result (negative: an error number).
    pub result: Option<i64>,
    /// Its task gets this signal.
    pub signal: Option<i32>,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its number, for people.
    pub id: u32,
    /// As it was written.
    pub text: String,
    /// Which calls.
    pub calls: CallSet,
    /// Whose.
    pub who: Option<Who>,
    /// About what.
    pub target: Option<Target>,
    /// With which argument.
    pub test: Option<Test>,
    /// Which of them.
    pub when: When,
    /// What happens.
    pub effects: Effects,
    /// Calls that matched, and those of them that were meant.
    pub seen: u64,
    /// See `seen`.
    pub hits: u64,
}

/// A call that a rule holds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// The task.
    pub tid: Tid,
    /// The call was made and waits to return; else it waits to be made.
    pub made: bool,
    /// What else it waits for before it returns, ns, while it is not made.
    pub after_ns: u64,
}

/// All rules, and what they are at.
#[derive(Debug)]
pub struct Inject {
    /// In the order in which they were given; the first that means a call and gives it a result wins.
    pub rules: Vec<Rule>,
    /// Calls that are held up.
    pub held: Vec<Held>,
    /// The next rule's number.
    next: u32,
    /// The state of the chances (xorshift64): the same seed and the same calls give the same hits.
    random: u64,
}

impl Default for Inject {
    fn default() -> Inject {
        Inject { rules: Vec::new(), held: Vec::new(), next: 1, random: 1 }
    }
}

impl Inject {
    /// Whether the loop must look at calls.
    pub fn any(&self) -> bool {
        !self.rules.is_empty() || !self.held.is_empty()
    }

    /// Adds a rule and gives it its number.
    pub fn add(&mut self, rule: Rule) -> u32 {
        let id = self.next;
        self.next += 1;
        self.rules.push(Rule { id, seen: 0, hits: 0, ..rule });
        id
    }

    /// Begins the chances anew.
    pub fn seed(&mut self, seed: u64) {
        // Small seeds are spread (splitmix64), and 0 would stay 0.
        self.random = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    }

    /// True with a probability of `chance` in 2^32.
    pub fn happens(&mut self, chance: u64) -> bool {
        if chance >= CERTAIN {
            return true;
        }
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random >> 32 < chance
    }
}

/// Whether `text` is what `pattern` says; `*` is any run of characters.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let mut parts = pattern.split(|b| *b == b'*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        if part.is_empty() {
            continue;
        }
        let Some(at) = rest.windows(part.len()).position(|w| w == part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_anything() {
        for (pattern, text) in [
            ("/a", "/a"),
            ("*", ""),
            ("*", "x"),
            ("/tmp/*", "/tmp/x/y"),
            ("*.so", "a.so"),
            ("/*/b*c", "/a/bxc"),
        ] {
            assert!(matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
        for (pattern, text) in [("/a", "/ab"), ("/a*b", "/acd"), ("*.so", "a.so.1"), ("a*a", "a")] {
            assert!(!matches(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
    }

    #[test]
    fn which_calls_are_meant() {
        let hits = |when: When| (1..=10).filter(|n| when.means(*n)).collect::<Vec<u64>>();
        assert_eq!(hits(When::default()).len(), 10);
        assert_eq!(hits(When { first: 2, step: 2, ..When::default() }), [2, 4, 6, 8, 10]);
        assert_eq!(hits(When { first: 3, last: 3, ..When::default() }), [3]);
        assert_eq!(hits(When { first: 3, last: 7, step: 3, ..When::default() }), [3, 6]);
    }

    #[test]
    fn chances_are_seeded_and_fair() {
        let draw = |seed| {
            let mut inject = Inject::default();
            inject.seed(seed);
            (0..10_000).map(|_| inject.happens(CERTAIN / 100)).collect::<Vec<bool>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let hits = draw(0).iter().filter(|hit| **hit).count();
        assert!((50..200).contains(&hits), "{hits}");
    }
}
