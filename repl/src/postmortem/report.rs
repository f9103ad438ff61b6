//! A page for people: what died and why, who called whom, what it did last, and what stood around.

use super::cores::{general, general_of};
use super::images::Found;
use super::{Cause, Dump};
use crate::monitor::table::bytes;
use crate::monitor::{Form, run};
use crate::symbols::{Book, Frame, instruction};
use crate::traces::{Clock, snapshot};
use llano_debug::arch::General;
use llano_kernel::Kernel;
use llano_kernel::inspect::Death;
use llano_kernel::sigstate::{code, sig};
use llano_kernel::task::Pid;
use llano_kernel::view::VmaView;
use llano_kernel::wait::Tid;
use llano_machine::overlay;
use llano_machine::registers::Registers;
use llano_trace::format;
use llano_trace::text::{self as trace, Options};
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io;

/// Events of the task that are shown.
const EVENTS: usize = 20;
/// Tasks whose stacks are shown when none is the one that died, and frames of each.
const TASKS: usize = 8;
const FEW: usize = 8;
/// Regions that are shown below and above an address.
const NEAR: usize = 2;

/// The page.
pub fn text(
    k: &mut Kernel,
    cause: &Cause<'_>,
    registers: &Registers,
    images: &[Found],
    clock: Option<&Clock>,
) -> String {
    let subject = cause.subject(k);
    let mut out = String::from("llano post-mortem\n\n");
    match cause {
        Cause::Death(death) => died(&mut out, k, death, images),
        Cause::Terminated => out.push_str("llano was told to end, by SIGTERM.\n"),
        Cause::Asked => out.push_str("Asked for, with the monitor's `dump`; the system goes on.\n"),
        Cause::Gone(status) => {
            let _ = writeln!(out, "The first process is over: {}.", signal_name(status & 0x7f));
        }
        Cause::Crash(words, _) => {
            out.push_str(words);
            kernel_stack(&mut out, registers);
        }
    }
    moment(&mut out, k, clock);
    if let Cause::Death(death) = cause {
        let mut book = book(images, death.pid);
        section(&mut out, &format!("Stack of task {}", death.tid));
        stack(&mut out, k, death.tid, &mut book, usize::MAX);
    } else {
        let tids: Vec<Tid> = k.tables.tasks().take(TASKS).map(|t| t.tid).collect();
        for tid in tids {
            short_stack(&mut out, k, tid, images);
        }
    }
    if let Some(tid) = subject {
        events(&mut out, k, tid, clock);
    }
    section(&mut out, "Tasks");
    match run(k, "tasks", Form::Text) {
        Ok(table) => out.push_str(&table),
        Err(why) => out.push_str(&(why + "\n")),
    }
    if let Cause::Death(death) = cause
        && by_fault(death)
    {
        around(&mut out, k, death.info.fields[0], death.pid);
    }
    out
}

fn section(out: &mut String, title: &str) {
    let _ = write!(out, "\n{title}\n{}\n", "-".repeat(title.chars().count()));
}

/// Whether the signal tells of an address.
fn by_fault(death: &Death) -> bool {
    let faults = [sig::SEGV, sig::BUS, sig::ILL, sig::FPE, sig::TRAP];
    faults.contains(&death.info.signo) && death.info.code > 0 && death.info.code != code::SI_KERNEL
}

fn signal_name(signo: i32) -> String {
    let mut name = String::new();
    let _ = format::signal(&mut name, signo as u32);
    format!("signal {signo} ({name})")
}

/// What the code says, for people.
fn reason(signo: i32, code: i32) -> &'static str {
    match (signo, code) {
        (sig::SEGV, code::SEGV_MAPERR) => "nothing is mapped there",
        (sig::SEGV, code::SEGV_ACCERR) => "the protection there forbids it",
        (sig::BUS, code::BUS_ADRERR) => "beyond the end of the mapped file",
        (sig::FPE, 1) => "a division by zero",
        (_, code::SI_USER | code::SI_TKILL | code::SI_QUEUE) => "sent by a process",
        (_, code::SI_KERNEL) => "sent by the kernel",
        _ => "",
    }
}

fn died(out: &mut String, k: &mut Kernel, death: &Death, images: &[Found]) {
    let Some(task) = k.tables.task(death.tid) else { return };
    let (name, general) = (super::plain(task.name()), general_of(task));
    let (error, ..) = task.fault;
    let signal = signal_name(death.info.signo);
    let _ = writeln!(out, "{name}, task {} of process {}, was killed by {signal}.", death.tid, death.pid);
    let why = reason(death.info.signo, death.info.code);
    if by_fault(death) {
        let how = match error {
            e if death.info.signo != sig::SEGV && death.info.signo != sig::BUS || e & 1 << 5 != 0 => "at",
            e if e & 16 != 0 => "by jumping to",
            e if e & 2 != 0 => "by writing to",
            _ => "by reading from",
        };
        let _ = writeln!(out, "  cause        {how} {:#x}: {why}", death.info.fields[0]);
    } else if !why.is_empty() {
        let by = if death.info.code <= 0 { format!(" {}", death.info.pid()) } else { String::new() };
        let _ = writeln!(out, "  cause        {why}{by}");
    }
    let book = book(images, death.pid);
    let at = Frame { ip: general.rip, caller: false, guess: false };
    let _ = writeln!(out, "  instruction  {:#x} {}", general.rip, book.name(&at));
    let mut code = [0; 15];
    match k.peek(general.rip, &mut code) {
        Ok(n) => {
            let _ = writeln!(out, "               {}", instruction(general.rip, &code[..n]));
        }
        Err(_) => out.push_str("               no memory there\n"),
    }
    register_lines(out, &general);
}

/// The first instruction of `code`, with its bytes.
fn register_lines(out: &mut String, g: &General) {
    const NAMES: [&str; 16] = [
        "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13",
        "r14", "r15",
    ];
    for (i, (name, value)) in NAMES.iter().zip(g.regs).enumerate() {
        let before = if i == 0 { "  registers    " } else { "               " };
        let start = if i % 4 == 0 { before } else { "  " };
        let _ = write!(out, "{start}{name:<3} {value:016x}{}", if i % 4 == 3 { "\n" } else { "" });
    }
}

/// When it was.
fn moment(out: &mut String, k: &Kernel, clock: Option<&Clock>) {
    let event = k.trace.next_seq();
    if let Some(clock) = clock {
        let now = snapshot(k, clock);
        let ns = now.clock.ns(now.now_tsc);
        let wall = now.clock.wall_ns(now.now_tsc) / 1_000_000_000;
        let (days, second) = (wall / 86_400, wall % 86_400);
        let (year, month, day) = date(days as i64);
        let _ = write!(
            out,
            "\n{year}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC, {}.{:03} s after the start, before event {event}",
            second / 3600,
            second / 60 % 60,
            second % 60,
            ns / 1_000_000_000,
            ns / 1_000_000 % 1000
        );
    }
    let command: Vec<String> = std::env::args().collect();
    let _ = writeln!(out, "\nllano {}: {}", env!("CARGO_PKG_VERSION"), command.join(" "));
    for line in &k.reports {
        let _ = writeln!(out, "{line}");
    }
}

/// Days since 1970 as a date (Howard Hinnant, chrono-compatible low-level date algorithms).
fn date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// The images of a process.
fn book(images: &[Found], pid: Pid) -> Book {
    let mut book = Book::default();
    // Processes that share memory are listed once.
    let own = images.iter().any(|i| i.pid == pid);
    for image in images.iter().filter(|i| !own || i.pid == pid) {
        if let Some(file) = &image.file {
            book.add(&image.name(), file, image.image.bias);
        }
    }
    book
}

fn frame_lines(out: &mut String, book: &Book, frames: &[Frame], most: usize) {
    for (n, frame) in frames.iter().take(most).enumerate() {
        let sure = if frame.guess { "  (a guess, from the stack)" } else { "" };
        let _ = writeln!(out, "#{n:<3} {:#018x} {}{sure}", frame.ip, book.name(frame));
    }
    if frames.len() > most {
        let _ = writeln!(out, "     and {} more", frames.len() - most);
    }
}

/// The stack of a task whose memory is in place.
fn stack(out: &mut String, k: &Kernel, tid: Tid, book: &mut Book, most: usize) {
    let Some(task) = k.tables.task(tid) else { return };
    let frames = book.frames(&general_of(task), &mut |at| {
        let mut word = [0; 8];
        (k.peek(at, &mut word) == Ok(8)).then(|| u64::from_le_bytes(word))
    });
    frame_lines(out, book, &frames, most);
}

fn short_stack(out: &mut String, k: &mut Kernel, tid: Tid, images: &[Found]) {
    let Some(task) = k.tables.task(tid) else { return };
    let (pid, view) = (task.pid, task.view);
    section(out, &format!("Stack of task {tid}, {} [{}]", super::plain(task.name()), k.doing(tid)));
    let before = overlay::activate(view);
    stack(out, k, tid, &mut book(images, pid), FEW);
    if let Ok(before) = before {
        let _ = overlay::activate(before);
    }
}

/// The kernel's stack, as it stood when it crashed.
fn kernel_stack(out: &mut String, registers: &Registers) {
    let Some(setup) = Dump::setup() else { return };
    section(out, "Stack of the kernel");
    let mut book = Book::default();
    book.add("llano", &setup.exe, llano_machine::signals::bias());
    let frames = book.frames(&general(registers), &mut |at| {
        let mut word = [0; 8];
        (llano_machine::peek::read(at, &mut word) == Ok(8)).then(|| u64::from_le_bytes(word))
    });
    frame_lines(out, &book, &frames, usize::MAX);
}

/// Keeps the last lines.
#[derive(Default)]
struct Tail {
    lines: VecDeque<String>,
    rest: String,
}

impl io::Write for Tail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in String::from_utf8_lossy(bytes).split_inclusive('\n') {
            self.rest.push_str(part);
            if self.rest.ends_with('\n') {
                self.lines.push_back(std::mem::take(&mut self.rest));
                if self.lines.len() > EVENTS {
                    self.lines.pop_front();
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn events(out: &mut String, k: &Kernel, tid: Tid, clock: Option<&Clock>) {
    section(out, &format!("Last events of task {tid}"));
    let Some(clock) = clock.filter(|_| k.trace.next_seq() > 0) else {
        return out.push_str("none: nothing is recorded (--trace off)\n");
    };
    let mut tail = Tail::default();
    let options = Options { task: Some(tid as u32), all_events: true, ..Options::default() };
    let _ = trace::write(&mut tail, k.trace.iter(), &snapshot(k, clock), options);
    out.extend(tail.lines);
}

/// What is mapped around an address, in whichever process.
fn around(out: &mut String, k: &Kernel, addr: u64, pid: Pid) {
    section(out, &format!("Memory around {addr:#x}"));
    let mut all: Vec<(VmaView, Vec<String>)> = Vec::new();
    let mut seen = Vec::new();
    for task in k.tables.tasks().filter(|t| t.tid == t.pid) {
        if seen.contains(&task.view) {
            continue;
        }
        seen.push(task.view);
        let owner = format!("{}[{}]", super::plain(task.name()), task.pid);
        for view in k.view_maps(task.tid).unwrap_or_default() {
            let same = |(v, _): &&mut (VmaView, Vec<String>)| {
                (v.start, v.end, &v.name, &v.perms) == (view.start, view.end, &view.name, &view.perms)
            };
            match all.iter_mut().find(same) {
                Some((_, owners)) => owners.push(owner.clone()),
                None => all.push((view, vec![owner.clone()])),
            }
        }
    }
    all.sort_by_key(|(v, _)| v.start);
    let first = all.partition_point(|(v, _)| v.end <= addr);
    let beyond = all.partition_point(|(v, _)| v.start <= addr);
    let line = |out: &mut String, v: &VmaView, owners: &[String], mark: &str| {
        let _ = writeln!(
            out,
            "{mark} {:#014x}-{:#014x} {} {:>6} {}  of {}",
            v.start,
            v.end,
            v.perms,
            bytes(v.end - v.start),
            if v.name.is_empty() { "(anonymous)" } else { &v.name },
            owners.join(" ")
        );
    };
    for (v, owners) in &all[first.saturating_sub(NEAR)..first] {
        line(out, v, owners, " ");
    }
    for (v, owners) in &all[first..beyond.max(first)] {
        line(out, v, owners, ">");
    }
    if first >= beyond {
        let _ = writeln!(out, "> {addr:#x} is in nobody's memory");
    }
    for (v, owners) in all.iter().skip(beyond.max(first)).take(NEAR) {
        line(out, v, owners, " ");
    }
    let _ = writeln!(out, "The process that died is {pid}; > marks what holds the address.");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn dates_are_right() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(19_782), (2024, 2, 29));
        assert_eq!(date(20_514), (2026, 3, 2));
    }

    #[test]
    fn a_tail_is_the_last_lines() {
        let mut tail = Tail::default();
        for i in 0..50 {
            write!(tail, "line {i}").unwrap();
            writeln!(tail, " ends").unwrap();
        }
        assert_eq!(tail.lines.len(), EVENTS);
        assert_eq!(tail.lines.back().unwrap(), "line 49 ends\n");
    }
}
