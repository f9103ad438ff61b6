//! The record: 64 bytes, one cache line, the same for every event.
//!
//! | event | `tid` | `nr` | `duration` | `result` | `args` |
//! |---|---|---|---|---|---|
//! | Syscall | caller | number | ticks from entry to return | `rax` | first four arguments |
//! | SyscallArgs | caller | number | | | fifth, sixth |
//! | Bytes | task | [`BytesKind`] | key | offset << 32 \| whole length | 32 bytes |
//! | Block | task | call number | | | [`Waiting`], object |
//! | Wake | waker, 0 = kernel | | | | woken |
//! | Switch | previous | [`TaskState`] of it | | | next |
//! | Clone | parent | | | | child, its tgid, flags |
//! | Exec | task | | | | |
//! | Exit | task | | | | wait status |
//! | SignalSent | sender, 0 = kernel | signal | | | target, `si_code` |
//! | SignalDelivered | task | signal | | | handler's address |
//! | Fault | task | signal | | | address, instruction pointer |
//! | Map | task | | | | start, length, protection |
//! | Unmap | task | | | | start, length |
//! | Irq | | [`Irq`] | ticks | | |
//! | Log | task | level 0-7 | | | what it is about, as text (text follows as Bytes) |
//! | Counter | | [`Counter`] | | | value, of which object |
//! | Stop | task | | ticks stopped | | |
//! | SignalReturned | task | | | | stack pointer it returns to, instruction pointer |
//! | Brk | task | | | | old end, new end |
//! | Exchange | task | | ticks | | bytes moved or protected, maps changed |
//! | Timer | task or process | [`TimerKind`] | | | ns late, its id |
//! | Patch | task | | | | address of the site, 1 if it jumps from now on |
//! | Mark | task | | | | (text follows as Bytes) |
//! | Command | | | | | (text follows as Bytes) |
//! | Task | task | | | | its tgid (name follows as Bytes) |
//! | Open | task | number | ticks since entry | | first four arguments |
//!
//! Task and Open stand only at the end of a saved trace: what existed and what was in progress when it was saved.

use alloc::string::String;

/// One event. `tsc` is when the record was *written*, so a stream of records never goes back in time.
#[repr(C)]
#[derive(Copy, Clone, Default, PartialEq, Eq, Debug)]
pub struct Record {
    /// Time of writing, in ticks of the time stamp counter.
    pub tsc: u64,
    /// An [`Event`].
    pub event: u16,
    /// The call's number, or as the table above says.
    pub nr: u16,
    /// The task, or 0.
    pub tid: u32,
    /// How long it took, in ticks.
    pub duration: u64,
    /// The result of a call, or as the table above says.
    pub result: i64,
    /// Arguments.
    pub args: [u64; 4],
}

const _: () = assert!(size_of::<Record>() == 64);

/// Longest string kept, in bytes: `PATH_MAX`.
pub const MAX_BYTES: usize = 4096;

/// The records of a string of `kind` whose meaning `key` completes (see [`BytesKind`]), cut after [`MAX_BYTES`]. An empty
/// one is one record without bytes.
pub fn pieces(
    tsc: u64,
    tid: u32,
    kind: BytesKind,
    key: u64,
    bytes: &[u8],
) -> impl Iterator<Item = Record> + '_ {
    let bytes = &bytes[..bytes.len().min(MAX_BYTES)];
    (0..bytes.len().max(1)).step_by(32).map(move |offset| {
        let args = text_words(&bytes[offset..]);
        let result = ((offset as i64) << 32) | bytes.len() as i64;
        Record { tsc, duration: key, result, args, tid, event: Event::Bytes as u16, nr: kind as u16 }
    })
}

/// The first 32 bytes of a text as the words that hold it.
pub(crate) fn text_words(bytes: &[u8]) -> [u64; 4] {
    let mut words = [0; 4];
    for (word, chunk) in words.iter_mut().zip(bytes.chunks(8)) {
        let mut le = [0; 8];
        le[..chunk.len()].copy_from_slice(chunk);
        *word = u64::from_le_bytes(le);
    }
    words
}

/// Declares a `u16` enumeration that is read back from a record.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$row:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[repr(u16)]
        #[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum $name { $($(#[$row])* $variant,)* }

        impl $name {
            /// Every value, in order of its code.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The value with this code.
            pub fn from_raw(code: u16) -> Option<$name> {
                $name::ALL.get(usize::from(code)).copied()
            }

            /// Its name in text.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// What a record tells.
    Event {
        /// A call returned.
        Syscall "syscall",
        /// Its fifth and sixth argument; follows its [`Event::Syscall`] directly.
        SyscallArgs "syscall-args",
        /// A piece of a string; pieces of one string follow each other.
        Bytes "bytes",
        /// A task began to wait inside a call.
        Block "block",
        /// A task became runnable.
        Wake "wake",
        /// The CPU went from one task to another; 0 is idle.
        Switch "switch",
        /// A task was made.
        Clone "clone",
        /// A task began a new program.
        Exec "exec",
        /// A task ended.
        Exit "exit",
        /// A signal was sent.
        SignalSent "signal-sent",
        /// A signal reached its handler or its default action.
        SignalDelivered "signal-delivered",
        /// An instruction faulted.
        Fault "fault",
        /// Memory was mapped.
        Map "map",
        /// Memory was unmapped.
        Unmap "unmap",
        /// The host interrupted.
        Irq "irq",
        /// A line of the kernel log.
        Log "log",
        /// A counted quantity changed.
        Counter "counter",
        /// The world stood still for a debugger.
        Stop "stop",
        /// A task that existed when the trace was saved.
        Task "task",
        /// The call it was in.
        Open "open-call",
        /// A signal handler returned.
        SignalReturned "signal-returned",
        /// The heap's end moved.
        Brk "brk",
        /// The memory of a task was put in the place of another's that overlaps it.
        Exchange "exchange",
        /// A timer expired.
        Timer "timer",
        /// A system call site was rewritten, or will trap for ever.
        Patch "patch",
        /// A program's own word (`/dev/trace_marker`).
        Mark "mark",
        /// A command of the monitor.
        Command "command",
    }
}

codes! {
    /// What the bytes of an [`Event::Bytes`] record are; the key says which one.
    BytesKind {
        /// A path argument; key: its address in the guest. Stands before its call's record.
        Path "path",
        /// Head of a buffer or structure; key: its address. Stands before its call's record.
        Data "data",
        /// What a descriptor is open on, `/etc/passwd` or `pipe:[7]`; key: the descriptor. Written when it is installed.
        Fd "fd",
        /// The task's name has become this.
        Comm "comm",
        /// The program executed.
        Exe "exe",
        /// Text of a log line; key: sequence number of its [`Event::Log`].
        Log "log",
        /// What a call left in a buffer or structure; key: its address. Stands before its call's record.
        Out "out",
        /// Text of a program's mark; key: sequence number of its [`Event::Mark`].
        Mark "mark",
        /// Text of a command; key: sequence number of its [`Event::Command`].
        Command "command",
    }
}

codes! {
    /// State in which a task left the CPU.
    TaskState {
        /// Still runnable: preempted, or it yielded.
        Runnable "R",
        /// Waits and can be interrupted.
        Sleeping "S",
        /// Waits and cannot be interrupted.
        Uninterruptible "D",
        /// Stopped by a signal.
        Stopped "T",
        /// Stopped by a debugger.
        Traced "t",
        /// Ended, not yet waited for.
        Zombie "Z",
        /// Gone.
        Dead "X",
    }
}

codes! {
    /// What a blocked task waits for.
    Waiting {
        /// Something the other values do not say.
        Other "other",
        /// A futex; object: its address.
        Futex "futex",
        /// Data in or room in a pipe or FIFO; object: the descriptor.
        Pipe "pipe",
        /// A socket; object: the descriptor.
        Socket "socket",
        /// Terminal input or output; object: the descriptor.
        Tty "tty",
        /// `poll`, `select` or `epoll_wait`; object: number of descriptors.
        Poll "poll",
        /// A child's change of state; object: its pid or 0.
        Child "child",
        /// The exec or exit of a vfork child; object: its pid.
        Vfork "vfork",
        /// A point in time; object: nanoseconds.
        Timer "timer",
        /// A signal.
        Signal "signal",
        /// A file lock; object: the descriptor.
        Lock "lock",
        /// An eventfd, timerfd, signalfd or inotify descriptor; object: the descriptor.
        Event "event",
    }
}

codes! {
    /// Why the host interrupted.
    Irq {
        /// The time slice ended.
        Tick "tick",
        /// A timer expired.
        Timer "timer",
        /// A host descriptor became ready.
        Io "io",
        /// Another host thread asks for something.
        Doorbell "doorbell",
    }
}

codes! {
    /// A counted quantity.
    Counter {
        /// Resident guest memory, bytes.
        Memory "memory",
        /// Tasks.
        Tasks "tasks",
        /// Open file descriptions.
        Files "files",
        /// Tasks that run or could.
        Runnable "runnable",
        /// Bytes in a pipe; object: its inode.
        Pipe "pipe",
    }
}

codes! {
    /// Whose timer expired.
    TimerKind {
        /// A task's wait: its sleep, or the time limit of another call.
        Wait "wait",
        /// A process's `ITIMER_REAL`.
        Itimer "itimer",
        /// A process's POSIX timer; with its id.
        Posix "posix",
    }
}

impl TaskState {
    /// As Linux since 4.14 reports it (`include/linux/sched.h`, `TASK_REPORT`).
    #[cfg(feature = "std")]
    pub(crate) fn bits(self) -> u64 {
        match self {
            TaskState::Runnable => 0,
            TaskState::Sleeping => 1,
            TaskState::Uninterruptible => 2,
            TaskState::Stopped => 4,
            TaskState::Traced => 8,
            TaskState::Dead => 16,
            TaskState::Zombie => 32,
        }
    }
}

impl Record {
    /// The event, if this build knows its code.
    pub fn event(&self) -> Option<Event> {
        Event::from_raw(self.event)
    }

    /// The record as words: its fields in order, event, number and task in one.
    #[inline(always)]
    pub fn to_words(&self) -> [u64; 8] {
        let who = u64::from(self.event) | u64::from(self.nr) << 16 | u64::from(self.tid) << 32;
        let [a, b, c, d] = self.args;
        [self.tsc, who, self.duration, self.result as u64, a, b, c, d]
    }

    /// The record that [`Record::to_words`] made.
    #[inline(always)]
    pub fn from_words([tsc, who, duration, result, a, b, c, d]: [u64; 8]) -> Record {
        Record {
            tsc,
            event: who as u16,
            nr: (who >> 16) as u16,
            tid: (who >> 32) as u32,
            duration,
            result: result as i64,
            args: [a, b, c, d],
        }
    }

    /// The record as it stands in a file: its words, little-endian.
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(self.to_words()) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The record that [`Record::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8; 64]) -> Record {
        let mut words = [0; 8];
        for (word, chunk) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            let mut le = [0; 8];
            le.copy_from_slice(chunk);
            *word = u64::from_le_bytes(le);
        }
        Record::from_words(words)
    }

    /// What the line of an [`Event::Log`] record is about.
    pub fn target(&self) -> String {
        self.text()
    }

    /// The short text that `args` hold.
    pub fn text(&self) -> String {
        let bytes = self.bytes();
        String::from_utf8_lossy(bytes.split(|b| *b == 0).next().unwrap_or_default()).into_owned()
    }

    /// The 32 bytes that `args` of an [`Event::Bytes`] record hold, or a short text.
    pub fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.chunks_exact_mut(8).zip(self.args) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}
