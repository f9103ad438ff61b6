//! A session: the parts put together, the system run, what is left written.

use crate::cli::{Detail, Intercept, Run, Time};
use crate::logging::{self, Logging};
use crate::postmortem;
use crate::root;
use crate::stream::{Stream, TEXT};
use crate::traces::Format;
use llano_kernel::Kernel;
use llano_kernel::boot::{First, Parts};
use llano_kernel::cred::Cred;
use llano_kernel::env::Env;
use llano_kernel::error::Errno;
use llano_kernel::exec::explain::explain;
use llano_kernel::fs::Path;
use llano_kernel::fs::namei::{Follow, WalkCx, walk};
use llano_kernel::mm::strict::{STACK, Strict};
use llano_kernel::run::Stop;
use llano_kernel::sigstate::{SigSet, sig};
use llano_kernel::tty::devices::Terminals;
use llano_machine::bell::{self, Bell};
use llano_machine::intercept::{self, Mode};
use llano_machine::pool::Pool;
use llano_machine::requests::Requests;
use llano_machine::{PAGE, clock, heap, shared, signals, space, suspect, term};
use llano_trace::recorder::{self, Recorder};
use llano_trace::ring;
use llano_trace::selection::Selection;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::Arc;
use tracing::debug_span;

/// Status of a command that is not there, as a shell gives it.
const NOT_FOUND: i32 = 127;
/// Status of a command that cannot be executed.
const NOT_EXECUTABLE: i32 = 126;
/// Status of llano's own failures.
const FAILED: i32 = 125;

/// A sentence for the user, and the status to end with.
pub struct Failure {
    /// What, where, why, what to do: one line.
    pub text: String,
    /// Exit status.
    pub status: i32,
}

impl Failure {
    /// A failure of llano's own.
    pub fn new(text: impl Into<String>) -> Failure {
        Failure { text: text.into(), status: FAILED }
    }
}

/// Address space asked for; the host may grant less.
const ADDRESS_SPACE: u64 = 256 << 30;
/// Offsets of the RAM pool: sparse, so far more than RAM.
const POOL: u64 = 64 << 30;

/// What a session leaves: how it ended, and the kernel to look at.
pub struct Ended {
    /// Exit status for llano.
    pub status: i32,
    /// The kernel as it stopped.
    pub kernel: Box<Kernel>,
    /// The clock for exports.
    pub calibration: crate::traces::Clock,
    /// The recording that grows meanwhile, if that was asked for.
    pub stream: Option<Stream>,
    /// What llano says of itself.
    pub logging: Logging,
}

/// Runs a program as the options say.
pub fn run(options: &Run) -> Result<Ended, Failure> {
    if let Some(path) = trace_path(options).filter(|path| path.as_os_str() != TEXT) {
        let format =
            Format::of(path).map_err(|e| Failure::new(format!("--trace {}: {e}", path.display())))?;
        format.check(path).map_err(|e| Failure::new(format!("--trace {e}")))?;
    }
    let recorder = recorder(options)?;
    let calibration = crate::traces::Clock::start();
    postmortem::prepare(options.post_mortem.as_deref(), options.root.as_deref(), calibration)?;
    let logging = logging::start(options.log.as_deref(), options.trace_self.as_deref())?;
    let phase = debug_span!(target: "boot", "memory").entered();
    llano_machine::host::raise_descriptor_limit();
    heap::init()
        .map_err(|e| Failure::new(format!("cannot reserve the kernel's heap: {e}; is `ulimit -d` set?")))?;
    signals::init().map_err(Failure::new)?;
    crate::crash::install();
    let size = if options.strict_nommu { options.mem & !(PAGE as u64 - 1) } else { ADDRESS_SPACE };
    let mut windows = space::init(size)
        .map_err(|e| Failure::new(format!("cannot reserve address space: {e}; is `ulimit -v` set?")))?;
    let strict = options.strict_nommu.then(|| {
        Strict::new(&mut windows, options.stack.unwrap_or(STACK)).map_err(|e| {
            Failure::new(format!(
                "--strict-nommu: the host gives no memory that programs may run in: {}",
                e.message()
            ))
        })
    });
    let strict = strict.transpose()?;
    let pool = Pool::new(POOL).map_err(|e| Failure::new(format!("cannot make the RAM pool: {e}")))?;
    let who = root::Who::from(options);
    let bell = Bell::new().map_err(|e| Failure::new(format!("cannot make an epoll: {e}")))?;
    let door = bell.door();
    let requests = Arc::new(Requests::new(door.clone()));
    logging::connect(&requests);
    drop(phase);
    let phase = debug_span!(target: "boot", "mount the root").entered();
    let env = Env::new(pool, bell);
    let terminals = Terminals::new(&env);
    env.realtime_offset.set(realtime_offset());
    env.now.set(clock::monotonic_ns());
    let mounts = root::mount(&env, &terminals, options, &who)?;

    let parts = Parts {
        env: env.clone(),
        windows,
        mounts,
        terminals: terminals.clone(),
        host_timers: clock::Timers::start().map_err(|e| Failure::new(format!("cannot make a timer: {e}")))?,
        trace: recorder,
        requests: requests.clone(),
        ram: if strict.is_some() { windows.high.1 - windows.high.0 } else { options.mem },
        strict,
        virtual_time: options.time == Time::Virtual,
        hostname: options.hostname.clone().unwrap_or_else(hostname).into_bytes(),
        tsc_mult: calibration.mult(),
    };
    drop(phase);
    let phase = debug_span!(target: "boot", "kernel").entered();
    let mut kernel = Kernel::new(parts);
    for text in &options.inject {
        let rule = crate::inject::parse(text).map_err(|e| Failure::new(format!("--inject {text}: {e}")))?;
        kernel.inject.add(rule);
    }
    kernel.rules_changed();
    if options.post_mortem.is_some() {
        kernel.deaths.watched = true;
        postmortem::watchdog::start(&requests, door)?;
    }
    drop(phase);
    let phase = debug_span!(target: "boot", "servers").entered();
    let servers = crate::servers::start(options, &requests, calibration)?;
    if matches!(options.intercept, Intercept::Auto | Intercept::Patch) {
        llano_machine::patch::start();
    }
    drop(phase);
    let phase = debug_span!(target: "boot", "first program").entered();
    let started = start_first(&mut kernel, options, &who);
    drop(phase);
    if let Err(failure) = started {
        term::restore();
        return Err(failure);
    }
    let stream = match trace_path(options) {
        Some(path) if is_streamed(path) => {
            let stream = crate::stream::start(path, &calibration, kernel.trace.reader(0));
            let stream = stream.map_err(|e| Failure::new(format!("--trace {e}")));
            let stream = stream.inspect_err(|_| term::restore())?;
            if options.trace_lossless {
                kernel.trace.lose_nothing(|| {
                    clock::nap();
                    bell::asked_to_end()
                });
            }
            Some(stream)
        }
        _ => None,
    };
    start_interception(options.intercept).inspect_err(|_| term::restore())?;
    kernel.take_lines();
    let phase = debug_span!(target: "boot", "run").entered();
    let status = suspect::during(&mut *kernel, |k| serve(k, servers, options));
    postmortem::finish();
    drop(phase);
    terminals.finish();
    term::restore();
    if stream.as_ref().is_some_and(Stream::is_text) {
        bell::release_messages();
    }
    Ok(Ended { status, kernel, calibration, stream, logging })
}

fn trace_path(options: &Run) -> Option<&std::path::Path> {
    options.trace.as_deref().filter(|p| *p != std::path::Path::new("off"))
}

/// Whether the trace is written while the system runs.
fn is_streamed(path: &std::path::Path) -> bool {
    path.as_os_str() == TEXT || Format::of(path) == Ok(Format::Ctf)
}

fn recorder(options: &Run) -> Result<Recorder, Failure> {
    if options.trace.as_deref() == Some(std::path::Path::new("off")) {
        return Ok(Recorder::off());
    }
    let streamed = trace_path(options).is_some_and(is_streamed);
    if options.trace_lossless && !streamed {
        return Err(Failure::new(
            "--trace-lossless waits for what is written meanwhile: it needs --trace NAME.ctf or --trace -",
        ));
    }
    let words = shared::words(ring::room(options.trace_ring as usize));
    let words = words.map_err(|e| Failure::new(format!("no room for the trace ring (--trace-ring): {e}")))?;
    let mut recorder = Recorder::over(words);
    recorder.set_detail(match options.trace_detail {
        Detail::Strings => recorder::Detail::Strings,
        Detail::Full => recorder::Detail::Full,
    });
    if let Some(list) = &options.trace_filter {
        let filter = Selection::parse(list).map_err(|e| Failure::new(format!("--trace-filter {e}")))?;
        recorder.set_filter(filter);
    }
    Ok(recorder)
}

fn realtime_offset() -> i64 {
    let real = clock::read(0).unwrap_or(0);
    real.wrapping_sub(clock::monotonic_ns()) as i64
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "llano".into(), |s| s.trim().to_string())
}

fn start_interception(wish: Intercept) -> Result<(), Failure> {
    let fail = |mode: Mode, e| Failure::new(format!("--intercept {}: the host refuses it: {e}", mode.name()));
    match wish {
        Intercept::Sud => intercept::start(Mode::Sud).map_err(|e| fail(Mode::Sud, e)),
        Intercept::Seccomp => intercept::start(Mode::Seccomp).map_err(|e| fail(Mode::Seccomp, e)),
        Intercept::Auto | Intercept::Patch => {
            intercept::start(Mode::Sud).or_else(|_| intercept::start(Mode::Seccomp)).map_err(|e| {
                Failure::new(format!("the host has neither Syscall User Dispatch nor seccomp: {e}"))
            })
        }
    }
}

/// The shells tried when no command is given, after that of the environment (`SHELL`).
const SHELLS: [&str; 3] = ["/bin/bash", "/bin/sh", "/bin/busybox"];

fn start_first(k: &mut Kernel, options: &Run, who: &root::Who) -> Result<(), Failure> {
    let root = k.mounts.root();
    let cred = Cred::new(who.uid, who.gid, who.groups.clone());
    let cx = |k: &Kernel, path: &[u8]| -> Result<Path, Errno> {
        let cx = WalkCx { mounts: &k.mounts, root: &root, cred: &cred, resolve: 0 };
        walk(&cx, &root, path, Follow::Yes)
    };
    let wanted =
        options.cwd.clone().or_else(|| who.host_root.then(|| std::env::current_dir().ok()).flatten());
    let cwd = match &wanted {
        Some(dir) => match cx(k, dir.as_os_str().as_bytes()) {
            Ok(path) => path,
            Err(e) if options.cwd.is_some() => {
                return Err(Failure::new(format!("--cwd {}: {}", dir.display(), e.message())));
            }
            Err(_) => root.clone(),
        },
        None => root.clone(),
    };
    let mut envp: Vec<Vec<u8>> =
        who.environment.iter().map(|(k, v)| pair(k.as_bytes(), v.as_bytes())).collect();
    for (key, value) in &options.env {
        let prefix = [key.as_bytes(), b"="].concat();
        envp.retain(|e| !e.starts_with(&prefix));
        envp.push(pair(key.as_bytes(), value.as_bytes()));
    }
    let mut argv: Vec<Vec<u8>> = options.cmd.iter().map(|a| a.clone().into_vec()).collect();
    if argv.is_empty() {
        let own = envp.iter().find_map(|e| e.strip_prefix(b"SHELL=")).filter(|s| s.starts_with(b"/"));
        let mut shells = own.into_iter().chain(SHELLS.iter().map(|s| s.as_bytes()));
        let shell = shells.find(|s| cx(k, s).is_ok()).ok_or_else(|| Failure {
            text: "the root has no shell (/bin/sh); name a command".into(),
            status: NOT_FOUND,
        })?;
        argv.push(shell.to_vec());
        if shell.ends_with(b"busybox") {
            argv.push(b"sh".to_vec());
        }
    }
    let name = argv[0].clone();
    let shown = String::from_utf8_lossy(&name).into_owned();
    let (filename, path) = find_program(&name, &envp, |p| {
        let base = if p.starts_with(b"/") { &root } else { &cwd };
        let cx = WalkCx { mounts: &k.mounts, root: &root, cred: &cred, resolve: 0 };
        walk(&cx, base, p, Follow::Yes)
    })
    .map_err(|e| Failure {
        text: match e {
            Errno::ENOENT if name.contains(&b'/') => format!("{shown}: no such file in the guest's root"),
            Errno::ENOENT => format!("{shown}: command not found in the guest's PATH"),
            e => format!("{shown}: {}", e.message()),
        },
        status: if e == Errno::ENOENT || e == Errno::ENOTDIR { NOT_FOUND } else { NOT_EXECUTABLE },
    })?;
    let stdio = llano_kernel::syscall::tty::standard_files(k, &cred, who.owners);
    let (umask, ignored) = (who.umask, SigSet(who.ignored));
    let first = First { cred: cred.clone(), cwd, umask, ignored, stdio, argv, envp, limits: None };
    k.start(path.clone(), filename, first).map_err(|e| {
        let exists = |p: &[u8]| cx(k, p).is_ok();
        Failure {
            text: format!("{shown}: {}", explain(&path, &cred, e, k.space.strict.as_deref(), exists)),
            status: if e == Errno::ENOENT { NOT_FOUND } else { NOT_EXECUTABLE },
        }
    })
}

fn pair(key: &[u8], value: &[u8]) -> Vec<u8> {
    [key, b"=", value].concat()
}

/// Finds a program as a shell does: with a slash by path, else along PATH. Prefers "not executable" over "not found".
fn find_program(
    name: &[u8],
    envp: &[Vec<u8>],
    look: impl Fn(&[u8]) -> Result<Path, Errno>,
) -> Result<(Vec<u8>, Path), Errno> {
    if name.contains(&b'/') || name.is_empty() {
        return look(name).map(|p| (name.to_vec(), p));
    }
    const DEFAULT: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let path = envp.iter().find_map(|e| e.strip_prefix(b"PATH=")).unwrap_or(DEFAULT);
    let mut found = None;
    for dir in path.split(|b| *b == b':') {
        let full = if dir.is_empty() { name.to_vec() } else { [dir, b"/", name].concat() };
        let Ok(place) = look(&full) else { continue };
        let Ok(attr) = place.node.inode.attr() else { continue };
        if attr.mode & 0o111 != 0 && !attr.is_dir() {
            return Ok((full, place));
        }
        found.get_or_insert((full, place));
    }
    found.ok_or(Errno::ENOENT)
}

/// Runs the kernel, asking the debugger when it stops, until the system is over.
fn serve(k: &mut Kernel, servers: crate::servers::Servers, options: &Run) -> i32 {
    if options.gdb_wait {
        servers.wait_for_debugger(k);
    }
    // The death of the first process, or what leads to it, was told.
    let mut told = false;
    loop {
        match k.run() {
            Stop::Exit(status) => {
                // Killed by the kernel itself, which asks nobody.
                if status & 0x7f != 0 && !told {
                    postmortem::gone(k, status, options.quiet);
                }
                servers.ended(k);
                return shell_status(status);
            }
            Stop::Death => match k.deaths.next.take() {
                // Of an end that was asked for everything is written already.
                Some(death) if told && death.info.signo == sig::TERM => k.let_die(&death),
                Some(death) => {
                    told |= k.tables.processes().next().is_some_and(|p| p.pid == death.pid);
                    postmortem::death(k, &death, options.quiet);
                    k.let_die(&death);
                }
                None => {
                    k.deaths.terminated = false;
                    told = true;
                    postmortem::terminated(k, options.quiet);
                }
            },
            Stop::Debug(stop) => servers.debug_stop(k, stop),
            Stop::Paused => servers.paused(k),
        }
    }
}

/// A wait(2) status as a shell shows it.
fn shell_status(status: i32) -> i32 {
    if status & 0x7f == 0 { status >> 8 & 0xff } else { 128 + (status & 0x7f) }
}
