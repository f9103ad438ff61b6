//! What programs write to `/dev/trace_marker`: ftrace's words for slices and counters, and any other text.
//!
//! | text | |
//! |---|---|
//! | `B\|pid\|name` | a slice begins on the writing task's track |
//! | `E`, `E\|pid` | the innermost one ends |
//! | `C\|pid\|name\|value` | a counter of the writing process has this value |
//! | `I\|pid\|name` | a point |
//! | anything else | a point with this text |
//!
//! As in `systrace`; the process is the writer's, whatever number it writes.
//!
//! A mark is made inside the call that writes it, so a slice that began or ended at that moment would overlap the
//! call's. It begins where the writing call returns and ends where the one that ends it was entered: what the program
//! did in between, and all its calls, lie inside.

use std::borrow::ToOwned;
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

use crate::state::Call;

/// What a mark says.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Mark<'a> {
    /// A slice of this name begins.
    Begin(&'a str),
    /// The innermost slice ends.
    End,
    /// A counter's name and value.
    Counter(&'a str, i64),
    /// Words.
    Point(&'a str),
}

impl Mark<'_> {
    /// What `text` says; what has not quite the form of a word of ftrace is text.
    pub fn parse(text: &str) -> Mark<'_> {
        let mut parts = text.splitn(3, '|');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("B"), Some(_), Some(name)) => Mark::Begin(name),
            (Some("E"), _, None) => Mark::End,
            (Some("I"), Some(_), Some(name)) => Mark::Point(name),
            (Some("C"), Some(_), Some(rest)) => {
                let counter =
                    rest.rsplit_once('|').and_then(|(name, value)| Some((name, value.parse().ok()?)));
                counter.map_or(Mark::Point(text), |(name, value)| Mark::Counter(name, value))
            }
            _ => Mark::Point(text),
        }
    }
}

/// An end of a slice, in its place between the calls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Edge {
    /// When, in ticks.
    pub(crate) tsc: u64,
    pub(crate) tid: u32,
    pub(crate) name: String,
    /// Whether the slice begins.
    pub(crate) begins: bool,
}

/// Slices open in one task at most, and marks held back for a call at most.
const MAX: usize = 256;

/// A mark whose place is not known before its call returns.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Held {
    Begin(String),
    End,
    /// The program is gone, and its slices with it.
    EndAll,
}

#[derive(Default)]
struct OfTask {
    held: Vec<(u64, Held)>,
    open: Vec<String>,
    /// Slices that were too many to be drawn, and are open.
    beyond: usize,
}

/// The slices of all tasks.
#[derive(Default)]
pub(crate) struct Slices(BTreeMap<u32, OfTask>);

impl Slices {
    /// A task begins a slice.
    pub(crate) fn begin(&mut self, tsc: u64, tid: u32, name: &str) -> Vec<Edge> {
        self.hold(tsc, tid, Held::Begin(name.to_owned()))
    }

    /// A task ends its innermost slice.
    pub(crate) fn end(&mut self, tsc: u64, tid: u32) -> Vec<Edge> {
        self.hold(tsc, tid, Held::End)
    }

    /// A task begins another program.
    pub(crate) fn exec(&mut self, tsc: u64, tid: u32) -> Vec<Edge> {
        if self.0.contains_key(&tid) { self.hold(tsc, tid, Held::EndAll) } else { Vec::new() }
    }

    /// A task is no more.
    pub(crate) fn exit(&mut self, tsc: u64, tid: u32) -> Vec<Edge> {
        let mut edges = Vec::new();
        if let Some(mut task) = self.0.remove(&tid) {
            task.held.push((tsc, Held::EndAll));
            task.release(tid, &mut edges, |_| true, |at| at);
        }
        edges
    }

    /// What stands before a call: marks of calls that are not in the trace, and ends made by this one.
    pub(crate) fn before(&mut self, call: &Call) -> Vec<Edge> {
        let mut edges = Vec::new();
        if let Some(task) = self.0.get_mut(&call.tid) {
            task.release(call.tid, &mut edges, |(at, _)| *at < call.start, |at| at);
            task.release(call.tid, &mut edges, |(_, held)| *held == Held::End, |_| call.start);
        }
        edges
    }

    /// What stands behind it.
    pub(crate) fn after(&mut self, call: &Call) -> Vec<Edge> {
        let mut edges = Vec::new();
        if let Some(task) = self.0.get_mut(&call.tid) {
            task.release(call.tid, &mut edges, |_| true, |_| call.end);
        }
        edges
    }

    /// What is left at the end of the trace.
    pub(crate) fn rest(&mut self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (&tid, task) in &mut self.0 {
            task.release(tid, &mut edges, |_| true, |at| at);
        }
        edges
    }

    fn hold(&mut self, tsc: u64, tid: u32, held: Held) -> Vec<Edge> {
        let mut edges = Vec::new();
        let task = self.0.entry(tid).or_default();
        // No call makes so many: theirs are not in the trace.
        if task.held.len() == MAX {
            task.release(tid, &mut edges, |_| true, |at| at);
        }
        task.held.push((tsc, held));
        edges
    }
}

impl OfTask {
    /// Places the first marks held, those of which `which` is true, at the times that `when` makes of theirs.
    fn release(
        &mut self,
        tid: u32,
        edges: &mut Vec<Edge>,
        which: impl Fn(&(u64, Held)) -> bool,
        when: impl Fn(u64) -> u64,
    ) {
        let count = self.held.iter().take_while(|held| which(held)).count();
        for (at, held) in self.held.drain(..count) {
            let tsc = when(at);
            match held {
                Held::Begin(name) if self.open.len() < MAX => {
                    self.open.push(name.clone());
                    edges.push(Edge { tsc, tid, name, begins: true });
                }
                Held::Begin(_) => self.beyond += 1,
                Held::End if self.beyond > 0 => self.beyond -= 1,
                Held::End => {
                    let name = self.open.pop();
                    edges.extend(name.map(|name| Edge { tsc, tid, name, begins: false }));
                }
                Held::EndAll => {
                    let all = self.open.drain(..).rev();
                    edges.extend(all.map(|name| Edge { tsc, tid, name, begins: false }));
                    self.beyond = 0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (text, mark) in [
            ("B|12|draw a|b", Mark::Begin("draw a|b")),
            ("E", Mark::End),
            ("E|12", Mark::End),
            ("C|12|queue|-7", Mark::Counter("queue", -7)),
            ("C|12|a|b|7", Mark::Counter("a|b", 7)),
            ("C|12|queue|many", Mark::Point("C|12|queue|many")),
            ("I|12|here", Mark::Point("here")),
            ("B|12", Mark::Point("B|12")),
            ("Enough", Mark::Point("Enough")),
            ("E|12|more", Mark::Point("E|12|more")),
            ("", Mark::Point("")),
        ] {
            assert_eq!(Mark::parse(text), mark, "{text}");
        }
    }

    fn call(start: u64, end: u64) -> Call {
        Call {
            seq: 0,
            tid: 7,
            nr: 1,
            start,
            end,
            result: 0,
            args: [0; 6],
            memory: Vec::new(),
            made: Vec::new(),
        }
    }

    fn told(edges: Vec<Edge>) -> Vec<(u64, bool, String)> {
        edges.into_iter().map(|edge| (edge.tsc, edge.begins, edge.name)).collect()
    }

    /// Slices lie between the calls that mark them, whether those are in the trace or not.
    #[test]
    fn places() {
        let mut slices = Slices::default();
        assert!(slices.begin(11, 7, "a").is_empty());
        assert!(slices.before(&call(10, 12)).is_empty());
        assert_eq!(told(slices.after(&call(10, 12))), [(12, true, "a".into())]);
        // Nobody recorded the call that began this one.
        assert!(slices.begin(15, 7, "b").is_empty());
        assert_eq!(told(slices.before(&call(20, 21))), [(15, true, "b".into())]);
        assert!(slices.end(31, 7).is_empty());
        assert_eq!(told(slices.before(&call(30, 32))), [(30, false, "b".into())]);
        assert!(slices.after(&call(30, 32)).is_empty());
        assert!(slices.exec(41, 7).is_empty() && slices.exec(41, 8).is_empty());
        assert!(slices.before(&call(40, 42)).is_empty());
        assert_eq!(told(slices.after(&call(40, 42))), [(42, false, "a".into())]);
        // An end without a beginning is nothing; what is open ends with the task.
        assert!(slices.end(50, 7).is_empty() && slices.begin(51, 7, "c").is_empty());
        assert_eq!(told(slices.exit(60, 7)), [(51, true, "c".into()), (60, false, "c".into())]);
        assert!(slices.rest().is_empty());
    }

    #[test]
    fn too_many_are_left_out_and_the_others_still_match() {
        let mut slices = Slices::default();
        for at in 0..2 * MAX as u64 {
            let _ = slices.begin(at, 7, "deep");
        }
        assert_eq!(slices.rest().len(), 0, "the second half is beyond what is drawn");
        for at in 0..2 * MAX as u64 {
            let _ = slices.end(1000 + at, 7);
        }
        let last = slices.rest();
        assert_eq!(last.last().map(|edge| edge.tsc), Some(1000 + 2 * MAX as u64 - 1));
    }
}
