//! The post-mortem: what a dead system leaves to look at (`--post-mortem DIR`, `monitor dump DIR`).
//!
//! A dump is a directory: the trace, cores for gdb with the commands that load them, the monitor's answers, and a page
//! for people. Each file appears complete or not at all; what cannot be written is said in one line, and the rest is
//! written all the same. All of it streams.
//!
//! - [`cores`]: what goes into which core
//! - [`images`]: files for a debugger that comes later
//! - [`script`]: gdb's commands
//! - [`report`]: the page for people
//! - [`state`]: the monitor's answers, and `llano monitor DIR`
//! - [`suspect`]: the dump of a kernel that crashed
//! - [`watchdog`]: a kernel that hangs

pub mod cores;
pub mod images;
pub mod report;
pub mod script;
pub mod state;
pub mod suspect;
pub mod watchdog;

use crate::session::Failure;
use crate::traces::{Clock, Format, save, snapshot};
use cores::Division;
use images::Found;
use llano_debug::core::Core;
use llano_kernel::Kernel;
use llano_kernel::inspect::Death;
use llano_kernel::sigstate::sig;
use llano_kernel::task::Pid;
use llano_kernel::wait::Tid;
use llano_machine::overlay;
use llano_machine::registers::Registers;
use llano_trace::file;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

/// The most records in a dump's traces.
const RECORDS: u64 = 1_000_000;
/// Of more processes than this that died beside the first no core is written.
const DEATHS: usize = 16;

/// What dumps need to know of the session.
#[derive(Debug)]
struct Setup {
    /// `--post-mortem`.
    dir: Option<PathBuf>,
    /// It was not there before.
    made: bool,
    /// The directory that is the guest's root.
    root: Option<PathBuf>,
    /// llano's own program.
    exe: PathBuf,
    clock: Clock,
}

static SETUP: OnceLock<Setup> = OnceLock::new();
/// Processes that died and left a core.
static DEAD: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
/// What lies in the directory is this llano's: an earlier one's dump was taken away.
static CLEARED: AtomicBool = AtomicBool::new(false);

/// Why a dump is written.
#[derive(Debug, Clone, Copy)]
pub enum Cause<'a> {
    /// A signal is about to kill a process.
    Death(&'a Death),
    /// llano was told to end, by SIGTERM.
    Terminated,
    /// Somebody asked for it.
    Asked,
    /// The first process is gone already, with this wait(2) status.
    Gone(i32),
    /// The kernel crashed: what it said of it.
    Crash(&'a str, i32),
}

impl Cause<'_> {
    /// The signal, for the cores.
    fn signal(&self) -> i32 {
        match self {
            Cause::Death(d) => d.info.signo,
            Cause::Terminated => sig::TERM,
            Cause::Asked => 0,
            Cause::Gone(status) => status & 0x7f,
            Cause::Crash(_, signo) => *signo,
        }
    }

    fn death(&self) -> Option<&Death> {
        match self {
            Cause::Death(d) => Some(d),
            _ => None,
        }
    }

    /// The task that the dump is about.
    fn subject(&self, k: &Kernel) -> Option<Tid> {
        match self {
            Cause::Death(d) => Some(d.tid),
            _ => k.tables.task(k.running).map(|t| t.tid).or(k.any_task()),
        }
    }
}

/// Notes what dumps need, before the start; with `dir`, makes it.
///
/// # Errors
/// The directory cannot be made, or not be written.
pub fn prepare(dir: Option<&Path>, root: Option<&Path>, clock: Clock) -> Result<(), Failure> {
    let made = dir.is_some_and(|dir| !dir.exists());
    let dir =
        dir.map(|dir| make(dir).map_err(|e| Failure::new(format!("--post-mortem {}: {e}", dir.display()))));
    let root = match root {
        None => Some(PathBuf::from("/")),
        Some(root) => root.is_dir().then(|| root.to_path_buf()),
    };
    let exe = std::env::current_exe().unwrap_or_default();
    let _ = SETUP.set(Setup { dir: dir.transpose()?, made, root, exe, clock });
    Ok(())
}

/// Makes a directory and proves that files can be made in it; returns its full path.
fn make(dir: &Path) -> Result<PathBuf, String> {
    let fail = |e: io::Error| crate::monitor::server::reason(&e);
    fs::create_dir_all(dir).map_err(fail)?;
    let dir = fs::canonicalize(dir).map_err(fail)?;
    // gdb's commands name it, and a line of theirs can hold anything.
    if !is_plain(&dir) {
        return Err("control characters in its name".into());
    }
    if let Some(name) = foreign(&dir) {
        return Err(format!("{name} in it is of no dump of llano's: give an empty directory"));
    }
    let probe = dir.join(format!(".probe.{}", std::process::id()));
    File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(fail)?;
    Ok(dir)
}

/// A task's name for people: it may hold anything.
fn plain(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Whether a path can stand on a line.
fn is_plain(path: &Path) -> bool {
    !path.to_string_lossy().chars().any(char::is_control)
}

/// The files of an earlier dump in `dir`, but for the processes of `keep`.
fn of_dump(dir: &Path, keep: &[Pid]) -> Vec<String> {
    let ours = |name: &String| {
        let number = |before: &str, after: &str| {
            let pid = name.strip_prefix(before)?.strip_suffix(after)?.parse::<Pid>().ok()?;
            (!keep.contains(&pid)).then_some(pid)
        };
        let of_process = [("core.", ""), ("gdb.", ".cmd"), ("report.", ".txt")];
        let whole = ["core", "gdb.cmd", "report.txt", state::FILE, "trace.pftrace"];
        whole.contains(&name.as_str()) || of_process.iter().any(|(a, b)| number(a, b).is_some())
    };
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(ours).collect()
}

/// A file in `dir` that a dump would replace, though nothing there tells that an earlier dump wrote it: every dump has a
/// report, whose first word is llano's name.
fn foreign(dir: &Path) -> Option<String> {
    let names = of_dump(dir, &[]);
    let report = |name: &&String| name.starts_with("report.") && is_report(&dir.join(name));
    if names.iter().any(|name| report(&name)) { None } else { names.into_iter().next() }
}

fn is_report(path: &Path) -> bool {
    let mut head = [0; 5];
    let read = File::open(path).and_then(|mut file| io::Read::read_exact(&mut file, &mut head));
    read.is_ok() && head == *b"llano"
}

/// The directory of `--post-mortem`.
pub fn directory() -> Option<&'static Path> {
    SETUP.get()?.dir.as_deref()
}

/// A process is about to die by a signal: the first one's death is the system's.
pub fn death(k: &mut Kernel, death: &Death, quiet: bool) {
    let Some(dir) = directory() else { return };
    let first = k.tables.processes().next().is_some_and(|p| p.pid == death.pid);
    if first {
        return tell(dir, write(k, dir, Cause::Death(death)), quiet);
    }
    let mut dead = DEAD.lock().unwrap_or_else(|e| e.into_inner());
    if dead.len() < DEATHS && !dead.contains(&death.pid) {
        if !CLEARED.swap(true, Ordering::Relaxed) {
            clear(dir, &[]);
        }
        dead.push(death.pid);
        drop(dead);
        let mut dump = Dump::new(k, dir, Cause::Death(death), Registers::here());
        let images = dump.images();
        let pid = death.pid;
        let report = dump.write_report(&format!("report.{pid}.txt"), &images);
        dump.keep(report);
        dump.process(pid, &images);
        let done = dump.done();
        tell(dir, done, quiet);
    }
}

/// SIGTERM came.
pub fn terminated(k: &mut Kernel, quiet: bool) {
    if let Some(dir) = directory() {
        tell(dir, write(k, dir, Cause::Terminated), quiet);
    }
}

/// The first process is over, and nobody saw it die.
pub fn gone(k: &mut Kernel, status: i32, quiet: bool) {
    if let Some(dir) = directory() {
        tell(dir, write(k, dir, Cause::Gone(status)), quiet);
    }
}

/// Removes the directory of `--post-mortem` if it is empty, as nothing happened, and was not there before.
pub fn finish() {
    if let Some(dir) = directory().filter(|_| Dump::setup().is_some_and(|s| s.made)) {
        let _ = fs::remove_dir(dir);
    }
}

/// `monitor dump DIR`: what was written.
///
/// # Errors
/// One line: the directory cannot be made, or something in it not be written.
pub fn asked(k: &mut Kernel, dir: &Path) -> Result<Vec<String>, String> {
    let dir = make(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    write(k, &dir, Cause::Asked)
}

fn tell(dir: &Path, written: Result<Vec<String>, String>, quiet: bool) {
    match written {
        Ok(names) if !quiet => {
            crate::report::say(&format!("post-mortem in {}: {}", dir.display(), names.join(" ")));
        }
        Ok(_) => {}
        Err(text) => crate::report::say(&format!("post-mortem: {text}")),
    }
}

/// Takes away what an earlier dump left, but for the processes of `keep`.
fn clear(dir: &Path, keep: &[Pid]) {
    for name in of_dump(dir, keep) {
        let _ = fs::remove_file(dir.join(name));
    }
    // Of `trace.ctf` and the extracted files only what is ours.
    for file in llano_trace::ctf::FILES {
        let _ = fs::remove_file(dir.join("trace.ctf").join(file));
    }
    let _ = fs::remove_dir(dir.join("trace.ctf"));
}

/// Writes a dump of everything; the names of its files.
///
/// # Errors
/// One line that says what could not be written, and what was.
#[inline(never)]
fn write(k: &mut Kernel, dir: &Path, cause: Cause<'_>) -> Result<Vec<String>, String> {
    let dead = DEAD.lock().unwrap_or_else(|e| e.into_inner()).clone();
    clear(dir, &dead);
    CLEARED.fetch_or(directory() == Some(dir), Ordering::Relaxed);
    let mut dump = Dump::new(k, dir, cause, Registers::here());
    for step in Dump::STEPS {
        step(&mut dump);
    }
    dump.done()
}

/// A dump that is being written.
struct Dump<'a> {
    k: &'a mut Kernel,
    dir: &'a Path,
    cause: Cause<'a>,
    registers: Registers,
    division: Division,
    images: Vec<Found>,
    written: Vec<String>,
    failed: Vec<String>,
    before: overlay::View,
}

impl<'a> Dump<'a> {
    /// In the order of what matters most if the disk is small.
    const STEPS: [fn(&mut Dump<'a>); 6] =
        [Dump::report, Dump::state, Dump::ctf, Dump::perfetto, Dump::everything, Dump::apart];

    fn new(k: &'a mut Kernel, dir: &'a Path, cause: Cause<'a>, registers: Registers) -> Dump<'a> {
        watchdog::dumping(true);
        let subject = cause.subject(k);
        let before = overlay::current();
        if let Some(task) = subject.and_then(|tid| k.tables.task(tid)) {
            let _ = overlay::activate(task.view);
        }
        let division = cores::divide(k, subject);
        Dump {
            k,
            dir,
            cause,
            registers,
            division,
            images: Vec::new(),
            written: Vec::new(),
            failed: Vec::new(),
            before,
        }
    }

    fn setup() -> Option<&'static Setup> {
        SETUP.get()
    }

    fn keep(&mut self, result: Result<String, String>) {
        watchdog::tick();
        match result {
            Ok(name) => self.written.push(name),
            Err(text) => self.failed.push(text),
        }
    }

    fn done(self) -> Result<Vec<String>, String> {
        let _ = overlay::activate(self.before);
        watchdog::dumping(false);
        match self.failed.as_slice() {
            [] => Ok(self.written),
            failed if self.written.is_empty() => Err(failed.join("; ")),
            failed => Err(format!("{}; written: {}", failed.join("; "), self.written.join(" "))),
        }
    }

    fn images(&mut self) -> Vec<Found> {
        if self.images.is_empty() {
            let root = Dump::setup().and_then(|s| s.root.as_deref());
            self.images = images::find(self.k, root, self.dir);
        }
        self.images.clone()
    }

    fn write_report(&mut self, name: &str, images: &[Found]) -> Result<String, String> {
        let clock = Dump::setup().map(|s| s.clock);
        let text = report::text(self.k, &self.cause, &self.registers, images, clock.as_ref());
        file::write(&self.dir.join(name), |out| out.write_all(text.as_bytes())).map(|()| name.into())
    }

    fn report(&mut self) {
        let images = self.images();
        let result = self.write_report("report.txt", &images);
        self.keep(result);
    }

    fn state(&mut self) {
        let path = self.dir.join(state::FILE);
        let result = file::write(&path, |out| state::write(out, self.k)).map(|()| state::FILE.into());
        self.keep(result);
    }

    fn trace(&mut self, name: &str, format: Format) {
        let Some(setup) = Dump::setup().filter(|_| self.k.trace.next_seq() > 0) else { return };
        let now = snapshot(self.k, &setup.clock);
        let records = self.k.trace.since(self.k.trace.next_seq().saturating_sub(RECORDS));
        let result = save(&self.dir.join(name), format, records, &now).map(|()| name.to_string());
        self.keep(result);
    }

    fn ctf(&mut self) {
        self.trace("trace.ctf", Format::Ctf);
    }

    fn perfetto(&mut self) {
        self.trace("trace.pftrace", Format::Perfetto);
    }

    fn everything(&mut self) {
        let images = self.images();
        let (death, signal) = (self.cause.death().cloned(), self.cause.signal());
        let core = cores::everything(
            Some((self.k, &self.division, &images)),
            &self.registers,
            death.as_ref(),
            signal,
        );
        let result = self.core("core", core);
        let Some(core) = self.keep_core(result) else { return };
        let tids: Vec<Tid> = core.threads[1..].iter().map(|t| t.tid).collect();
        let exe = Dump::setup().map(|s| s.exe.clone()).unwrap_or_default();
        let path = self.dir.join("core");
        let text = script::everything(self.k, &path, &exe, &tids, &images, &self.division, death.as_ref());
        let result = self.script("gdb.cmd", &text);
        self.keep(result);
    }

    fn apart(&mut self) {
        let images = self.images();
        for pid in self.division.apart.clone() {
            self.process(pid, &images);
        }
    }

    /// The core of one process, and gdb's commands for it.
    fn process(&mut self, pid: Pid, images: &[Found]) {
        let Some(view) = self.k.tables.tasks().find(|t| t.pid == pid).map(|t| t.view) else { return };
        let name = format!("core.{pid}");
        let before = match overlay::activate(view) {
            Ok(before) => before,
            Err(e) => return self.failed.push(format!("{name}: its memory cannot be put in place: {e}")),
        };
        let death = self.cause.death().cloned();
        let core = cores::of_process(self.k, pid, images, death.as_ref());
        let result = self.core(&name, core);
        let _ = overlay::activate(before);
        let Some(core) = self.keep_core(result) else { return };
        let tids: Vec<Tid> = core.threads.iter().map(|t| t.tid).collect();
        if let Some(text) = script::process(self.k, &self.dir.join(&name), pid, &tids, images, death.as_ref())
        {
            let result = self.script(&format!("gdb.{pid}.cmd"), &text);
            self.keep(result);
        }
    }

    fn keep_core(&mut self, result: Result<(String, Core), String>) -> Option<Core> {
        match result {
            Ok((name, core)) => {
                self.keep(Ok(name));
                Some(core)
            }
            Err(text) => {
                self.keep(Err(text));
                None
            }
        }
    }

    fn core(&self, name: &str, core: io::Result<Core>) -> Result<(String, Core), String> {
        let path = self.dir.join(name);
        let core = core.map_err(|e| file::failure(&path, &e))?;
        let guest = |at: u64, buf: &mut [u8]| self.k.peek(at, buf).unwrap_or(0);
        write_core(&path, &core, guest).map(|()| (name.into(), core))
    }

    fn script(&self, name: &str, text: &str) -> Result<String, String> {
        file::write(&self.dir.join(name), |out| out.write_all(text.as_bytes())).map(|()| name.into())
    }
}

/// Writes a core through a file of another name, renamed when complete.
fn write_core(path: &Path, core: &Core, mut read: impl FnMut(u64, &mut [u8]) -> usize) -> Result<(), String> {
    let temporary = path.with_file_name(format!(".core.{}.tmp", std::process::id()));
    let mut attempt = || {
        // Memory is its owner's, as with Linux.
        let file = file::create_new(&temporary, 0o600)?;
        let mut read = |at: u64, buf: &mut [u8]| {
            watchdog::tick();
            read(at, buf)
        };
        llano_debug::core::elf::write(&file, core, llano_machine::context::xsave_features(), &mut read)?;
        fs::rename(&temporary, path)
    };
    attempt().map_err(|e| {
        let _ = fs::remove_file(&temporary);
        file::failure(path, &e)
    })
}
