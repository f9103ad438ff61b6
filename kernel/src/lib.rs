//! The kernel: tasks, memory, files and signals of Linux, for programs that share one flat address space.
//!
//! Four principles:
//!
//! 1. **Low returns, high acts.** A pipe write returns `EPIPE`; the syscall layer sends `SIGPIPE`. No callbacks upward.
//! 2. **One owner.** [`Kernel`] owns everything and runs on one thread; code takes `&mut Kernel`. No locks.
//! 3. **A syscall that cannot finish returns a [`wait::Wait`]** and is invoked again when woken. No kernel stacks.
//! 4. **A guest pointer is an allegation** ([`user`]): copied with fault fix-up, never a Rust reference.
//!
//! Tiers, each importing only downward:
//!
//! | tier | modules | know |
//! |---|---|---|
//! | 0 nouns | [`error`] [`user`] [`wait`] [`mod@env`] [`log`] [`time`] [`mm`] [`fs`] [`ipc`] [`tty`] [`sigstate`] | no task |
//! | 1 task | [`task`] [`debug`] | the nouns a task owns; a debugger's side |
//! | 2 verbs | [`syscall`] [`exec`] [`signal`] [`procfs`] [`patching`] | functions over `&mut Kernel` |
//! | 3 | [`run`] [`traced`] [`inspect`] [`view`] | the loop; what tools may ask |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod boot;
pub mod cred;
pub mod debug;
pub mod env;
pub mod error;
pub mod exec;
pub mod fs;
pub mod inject;
pub mod inspect;
pub mod ipc;
pub mod kernel;
pub mod log;
pub mod mm;
pub mod oom;
pub mod patching;
pub mod procfs;
pub mod run;
pub mod sched;
pub mod signal;
pub mod sigstate;
pub mod syscall;
pub mod task;
pub mod time;
pub mod timers;
pub mod traced;
pub mod tty;
pub mod user;
pub mod view;
pub mod wait;

pub use kernel::Kernel;
