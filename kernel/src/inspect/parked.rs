//! Tasks as the debugger's table has them: for who may not ask the kernel, since it is stopped in its own code.

use crate::task::State;
use crate::wait::{Tid, Why};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use llano_machine::own::table::{self, Row};

/// A task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedTask {
    /// Its number.
    pub tid: Tid,
    /// Its process.
    pub pid: i32,
    /// Its name.
    pub name: Vec<u8>,
    /// What it is doing, for people: `in the kernel`, `blocked: futex 0x1234`.
    pub doing: String,
}

/// All tasks, by number.
pub fn tasks() -> Vec<ParkedTask> {
    table::rows().map(task).collect()
}

/// The task that the kernel works for.
pub fn current() -> Option<Tid> {
    table::current().map(Row::tid)
}

fn task(row: &Row) -> ParkedTask {
    let name = row.name().iter().copied().take_while(|b| *b != 0).collect();
    ParkedTask { tid: row.tid(), pid: row.pid(), name, doing: doing(row) }
}

fn doing(row: &Row) -> String {
    let is = |state: State| row.state() == state as u32;
    if current() == Some(row.tid()) {
        return "in the kernel".to_string();
    }
    match Why::from_numbers(row.why()) {
        Some(why) if is(State::Blocked) => format!("blocked: {why}"),
        _ if is(State::Blocked) => "blocked".to_string(),
        _ if is(State::Stopped) => "stopped".to_string(),
        _ if is(State::Dead) => "dead".to_string(),
        _ => "runnable".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_survive_as_numbers() {
        let all = [Why::Read(3), Why::Write(-1), Why::Lock(4), Why::Open, Why::Futex(u64::MAX), Why::Child];
        for why in all.into_iter().chain([Why::Vfork(7), Why::Sleep, Why::Poll, Why::Signal, Why::Delay]) {
            assert_eq!(Why::from_numbers(why.numbers()), Some(why));
        }
        assert_eq!(Why::from_numbers((99, 0)), None);
    }
}
