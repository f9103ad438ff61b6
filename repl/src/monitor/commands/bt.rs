//! Who called whom in a task: `bt [TASK]`, by number or name (default: the running task), `bt all`.
//!
//! ```text
//! tid  frame  address        where
//!   7      0  0x20000a1c0d7  __poll+0x17 (/lib/x86_64-linux-gnu/libc.so.6+0x1000d7)
//!   7      1  0x20000812345  serve+0x52 (/usr/bin/httpd+0x2345)
//! ```
//!
//! By the unwind tables of the programs and libraries, else by frame pointers; a frame that was only found on the stack is marked
//! as a guess. The first frame of a task in a call is the instruction behind its `syscall`; `tasks` says what the call
//! waits for. Symbols are those of the files in the guest's root, read anew each time: that takes some milliseconds for
//! a large program. JSON: tid, frame, address, where, guess.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use crate::postmortem::cores::general_of;
use crate::symbols::Book;
use llano_kernel::Kernel;
use llano_kernel::wait::Tid;

const COLUMNS: [Column; 5] = [
    column("tid", "tid"),
    column("frame", "frame"),
    column("address", "address"),
    column("where", "where"),
    column("", "guess"),
];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let tids: Vec<Tid> = match args {
        ["all"] => k.tables.tasks().map(|t| t.tid).collect(),
        _ => vec![super::task_or_any(k, "bt", args)?],
    };
    let mut table = Table::new(&COLUMNS);
    let mut known: Option<(u64, Book)> = None;
    for tid in tids {
        // Threads share their process's files.
        let mm = std::rc::Rc::as_ptr(&k.task(tid).mm).addr() as u64;
        if known.as_ref().is_none_or(|(of, _)| *of != mm) {
            known = Some((mm, book(k, tid)));
        }
        let Some((_, book)) = &known else { continue };
        let frames = book.frames(&general_of(k.task(tid)), &mut |at| {
            let mut word = [0; 8];
            (k.peek_as(tid, at, &mut word) == Ok(8)).then(|| u64::from_le_bytes(word))
        });
        for (n, frame) in frames.iter().enumerate() {
            table.row(vec![
                Cell::Count(tid as u64),
                Cell::Count(n as u64),
                Cell::Address(frame.ip),
                book.name(frame).into(),
                Cell::Flag(frame.guess, "a guess"),
            ]);
        }
    }
    Ok(Output::Table(table))
}

/// The files in a task's memory.
pub(super) fn book(k: &mut Kernel, tid: Tid) -> Book {
    let mut book = Book::default();
    for image in k.images_of(tid) {
        book.add_of_guest(k, &image.path, image.bias);
    }
    book
}
