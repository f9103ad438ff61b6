//! A task's registers, as it left the CPU: `regs [TASK]`, by number or name (default: the running task).
//!
//! ```text
//! task      7 httpd
//! rax       0xfffffffffffffffc
//! ...
//! orig_rax  7 poll
//! ```
//!
//! `orig_rax` is the number of the call the task is in, or was in last; -1: it came by a fault or a tick. Vectors are gdb's to
//! show. JSON: tid, the registers by name (strings), orig_rax and call.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Record};
use crate::postmortem::cores::general_of;
use llano_kernel::Kernel;

/// The sixteen, in gdb's order.
pub(super) const NAMES: [&str; 16] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let tid = super::task_or_any(k, "regs", args)?;
    let task = k.task(tid);
    let (general, call) = (general_of(task), task.call.map(|c| llano_trace::format::name(c.nr).into_owned()));
    let mut record = Record::default();
    record.add("task", "tid", Cell::Count(tid as u64));
    record.add("name", "comm", super::comm(k, tid).into());
    for (name, value) in NAMES.iter().zip(general.regs) {
        record.add(name, name, Cell::Address(value));
    }
    record.add("rip", "rip", Cell::Address(general.rip));
    record.add("rflags", "rflags", Cell::Address(general.rflags));
    record.add("fs_base", "fs_base", Cell::Address(general.fs_base));
    record.add("gs_base", "gs_base", Cell::Address(general.gs_base));
    record.add("orig_rax", "orig_rax", format!("{}", general.orig_rax.cast_signed()).into());
    record.add("in call", "call", call.map_or(Cell::None, Cell::from));
    Ok(Output::Record(record))
}
