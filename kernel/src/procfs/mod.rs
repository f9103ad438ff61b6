//! What is in the files of /proc: the kernel's answers to the queries of [`crate::fs::procfs`].
//!
//! - `links`: descriptors and magic links
//! - `process`: files of a process
//! - `memory`: its memory: maps, smaps, mem
//! - `system`: files of the system

mod links;
mod memory;
mod process;
mod system;

use crate::error::{Errno, Fail, Result, SysResult};
use crate::fs::procfs::{ASK, Answer, Query, Who};
use crate::kernel::Kernel;
use crate::task::{Pid, Process, Task};
use crate::wait::Tid;
use alloc::vec::Vec;
use llano_machine::clock;

/// Goes on with a call that failed with [`ASK`]: answers what it wants to know and invokes it again, until it no
/// longer asks.
#[cold]
pub fn answer_and_retry(
    k: &mut Kernel,
    caller: Tid,
    mut invoke: impl FnMut(&mut Kernel) -> SysResult,
) -> SysResult {
    loop {
        let Some(query) = k.env.questions.wanted() else {
            k.env.questions.forget();
            return Err(Errno::EIO.into());
        };
        let answer = answer(k, caller, &query);
        k.env.questions.answer(query, answer);
        let result = invoke(k);
        if !matches!(result, Err(Fail::Err(ASK))) {
            k.env.questions.forget();
            return result;
        }
    }
}

/// Answers a query on behalf of the task `caller`.
fn answer(k: &mut Kernel, caller: Tid, query: &Query) -> Result<Answer> {
    match query {
        Query::Caller => Ok(Answer::Numbers([k.task(caller).pid, caller].to_vec())),
        Query::Mmu => Ok(Answer::Numbers([i32::from(k.space.strict.is_none())].to_vec())),
        Query::Processes => Ok(Answer::Numbers(k.tables.processes().map(|p| p.pid).collect())),
        Query::Threads(pid) => {
            let mut tids = process(k, *pid)?.threads.clone();
            // A zombie's directory still shows its first thread.
            if tids.is_empty() {
                tids.push(*pid);
            }
            tids.sort_unstable();
            Ok(Answer::Numbers(tids))
        }
        Query::Owner(who) => {
            let (uid, gid) = owner(k, *who)?;
            Ok(Answer::Owner(uid, gid))
        }
        Query::Descriptors(who) => {
            may_look(k, caller, *who)?;
            links::numbers(k, *who).map(Answer::Numbers)
        }
        Query::DescriptorText(who, fd) => {
            may_look(k, caller, *who)?;
            links::info(k, *who, *fd).map(Answer::Text)
        }
        Query::DescriptorLink(who, fd) => {
            may_look(k, caller, *who)?;
            links::descriptor(k, caller, *who, *fd).map(Answer::Link)
        }
        Query::Link(who, name) => {
            may_look(k, caller, *who)?;
            links::named(k, caller, *who, name).map(Answer::Link)
        }
        Query::Text(Some(who), name) => {
            owner(k, *who).map_err(|_| Errno::ESRCH)?;
            process::text(k, caller, *who, name).map(Answer::Text)
        }
        Query::Text(None, name) => system::text(k, caller, name).map(Answer::Text),
        Query::Store(Some(who), name, bytes) => process::store(k, *who, name, bytes).map(Answer::Done),
        Query::Store(None, name, bytes) => system::store(k, name, bytes).map(Answer::Done),
        Query::Memory(who, at, len) => memory::read(k, *who, *at, *len).map(Answer::Text),
        Query::StoreMemory(who, at, bytes) => memory::write(k, *who, *at, bytes).map(Answer::Done),
        Query::Mark(text) => {
            if k.trace.on() {
                k.trace.mark(clock::tsc(), caller as u32, text.trim_ascii_end());
            }
            Ok(Answer::Done(text.len()))
        }
    }
}

/// The process of that number, or the one that has a thread of that number.
fn process(k: &Kernel, pid: Pid) -> Result<&Process> {
    let of_thread = || k.tables.task(pid).and_then(|task| k.tables.process(task.pid));
    k.tables.process(pid).or_else(of_thread).ok_or(Errno::ENOENT)
}

/// What is in a process's file, for tools: as its own threads read it.
///
/// # Errors
/// `ENOENT`: no such process, or it has no such file. `ESRCH`: it is over.
pub fn text_of(k: &mut Kernel, pid: Pid, name: &str) -> Result<Vec<u8>> {
    let who = Who { pid, tid: None };
    let caller = task(k, who)?.tid;
    process::text(k, caller, who, name)
}

/// The thread, or the process's first one; a zombie has none (`ESRCH`).
fn task(k: &Kernel, who: Who) -> Result<&Task> {
    let tid = match who.tid {
        Some(tid) => tid,
        None if k.tables.task(who.pid).is_some() => who.pid,
        None => *process(k, who.pid)?.threads.first().ok_or(Errno::ESRCH)?,
    };
    k.tables.task(tid).ok_or(Errno::ESRCH)
}

/// To whom the files belong; `ENOENT` if there is no such process or thread.
fn owner(k: &Kernel, who: Who) -> Result<(u32, u32)> {
    let process = process(k, who.pid)?;
    if let Some(tid) = who.tid
        && !process.threads.contains(&tid)
        && !(process.zombie && tid == process.pid)
    {
        return Err(Errno::ENOENT);
    }
    Ok(match (task(k, who), &process.last) {
        (Ok(task), _) => (task.cred.euid, task.cred.egid),
        (Err(_), Some(last)) => (last.uid, last.gid),
        (Err(_), None) => (0, 0),
    })
}

/// Whether the caller may look into the process (ptrace(2), PTRACE_MODE_READ): its own user's, or anyone's for root.
fn may_look(k: &Kernel, caller: Tid, who: Who) -> Result<()> {
    let me = &k.task(caller).cred;
    let cred = match task(k, who) {
        Ok(task) => &task.cred,
        Err(_) => return owner(k, who).map(|_| ()),
    };
    let same = [cred.uid, cred.euid, cred.suid].iter().all(|id| *id == me.fsuid);
    if same || me.privileged() { Ok(()) } else { Err(Errno::EACCES) }
}

/// Formats into bytes; writing to a vector does not fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => {
        $out.extend_from_slice(alloc::format!($($arg)*).as_bytes())
    };
}
pub(crate) use put;

/// A line.
fn line(text: impl core::fmt::Display) -> Vec<u8> {
    alloc::format!("{text}\n").into_bytes()
}
