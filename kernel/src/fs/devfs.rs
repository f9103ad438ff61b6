//! /dev: device files in a tmpfs, and the devices that need nothing but memory.
//!
//! A device file holds no more than its number; what opens it asks [`open`] here and the table of terminals
//! ([`crate::tty::devices`]) what that number is.
//!
//! Not on Linux: `/dev/trace_marker`, the same file as `/sys/kernel/tracing/trace_marker`, which everyone may write.
//! What a program writes there stands in llano's trace, on one clock with its calls ([`llano_trace::recorder`]).

use super::file::{File, FileOps, MapRequest, Seek};
use super::inode::{Inode, NewFile, mode};
use super::procfs::{Answer, Query};
use crate::env::Env;
use crate::error::{Errno, Result, host};
use crate::user::{Dst, Src};
use crate::wait::{WaitQueue, poll};
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec;
use core::any::Any;
use core::cell::Cell;
use llano_abi::stat::makedev;
use llano_machine::host::fill_random;
use llano_machine::space;
use llano_trace::record::MAX_BYTES;

/// The memory devices (mem(4), null(4), full(4), random(4)): minor number, name, permissions.
const MEMORY: [(u32, &str, u32); 6] = [
    (3, "null", 0o666),
    (5, "zero", 0o666),
    (7, "full", 0o666),
    (8, "random", 0o666),
    (9, "urandom", 0o666),
    (11, "kmsg", 0o644),
];

/// Terminals that have names of their own: minor number of major 5, name, permissions.
const TERMINALS: [(u32, &str, u32); 3] = [(0, "tty", 0o666), (1, "console", 0o600), (2, "ptmx", 0o666)];

/// The trace marker, by a major number that Linux leaves to local use (Documentation/admin-guide/devices.txt).
const MARKER: u64 = makedev(240, 0);

/// Where names lead that only /proc knows.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("core", "/proc/kcore"),
];

/// Fills an empty directory with what is in /dev. `pts` and `shm` are left for other filesystems.
///
/// # Errors
/// What the directory's filesystem says.
pub fn populate(dev: &Rc<dyn Inode>) -> Result<()> {
    let new = |mode, rdev| NewFile { mode, uid: 0, gid: 0, rdev };
    for (major, devices) in [(1, &MEMORY[..]), (5, &TERMINALS[..])] {
        for &(minor, name, permissions) in devices {
            dev.create(name.as_bytes(), &new(mode::CHR | permissions, makedev(major, minor)))?;
        }
    }
    marker(dev)?;
    for (name, target) in LINKS {
        dev.symlink(name.as_bytes(), target.as_bytes(), &new(mode::LNK | 0o777, 0))?;
    }
    dev.create(b"pts", &new(mode::DIR | 0o755, 0))?;
    dev.create(b"shm", &new(mode::DIR | 0o1777, 0))?;
    Ok(())
}

/// Makes the trace marker in a directory.
///
/// # Errors
/// What the directory's filesystem says.
pub(super) fn marker(dir: &Rc<dyn Inode>) -> Result<()> {
    let new = NewFile { mode: mode::CHR | 0o222, uid: 0, gid: 0, rdev: MARKER };
    dir.create(b"trace_marker", &new).map(drop)
}

/// Opens a memory device or the trace marker by its number; `None`: the number is none of those.
pub fn open(env: &Rc<Env>, rdev: u64) -> Option<Box<dyn FileOps>> {
    let number = |minor| rdev == makedev(1, minor);
    Some(match () {
        () if number(3) => Box::new(Null),
        () if number(5) => Box::new(Zero { writes: Writes::Vanish }),
        () if number(7) => Box::new(Zero { writes: Writes::NoSpace }),
        () if number(8) || number(9) => Box::new(Random),
        () if number(11) => Box::new(Kmsg { env: env.clone(), next: Cell::new(0) }),
        () if rdev == MARKER => Box::new(Marker { env: env.clone() }),
        () => return None,
    })
}

fn vanish(src: &mut Src<'_>) -> usize {
    let n = src.left();
    src.skip(n);
    n
}

struct Null;

impl FileOps for Null {
    fn read(&self, _: &File, _: &mut Dst<'_>, _: u64) -> Result<usize> {
        Ok(0)
    }

    fn write(&self, _: &File, src: &mut Src<'_>, _: u64) -> Result<usize> {
        Ok(vanish(src))
    }

    fn seek(&self) -> Seek {
        Seek::Ignored
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(PartialEq, Eq)]
enum Writes {
    Vanish,
    NoSpace,
}

/// /dev/zero and /dev/full.
struct Zero {
    writes: Writes,
}

impl FileOps for Zero {
    fn read(&self, _: &File, dst: &mut Dst<'_>, _: u64) -> Result<usize> {
        dst.put_zeros(dst.left())
    }

    fn write(&self, _: &File, src: &mut Src<'_>, _: u64) -> Result<usize> {
        if self.writes == Writes::NoSpace { Err(Errno::ENOSPC) } else { Ok(vanish(src)) }
    }

    fn seek(&self) -> Seek {
        Seek::Ignored
    }

    fn map(&self, _: &File, request: &MapRequest) -> Result<u64> {
        if self.writes == Writes::NoSpace {
            return Err(Errno::ENODEV);
        }
        space::map_anon(request.addr, request.len, request.prot).map_err(host)?;
        Ok(request.len)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct Random;

/// The most that one read gives (random(4)).
const RANDOM_MAX: usize = 33_554_431;

impl FileOps for Random {
    fn read(&self, _: &File, dst: &mut Dst<'_>, _: u64) -> Result<usize> {
        let wanted = dst.left().min(RANDOM_MAX);
        let mut buf = [0; 4096];
        let mut done = 0;
        while done < wanted {
            let n = buf.len().min(wanted - done);
            fill_random(&mut buf[..n]);
            match dst.put(&buf[..n]) {
                Ok(stored) => {
                    done += stored;
                    if stored < n {
                        break;
                    }
                }
                Err(e) if done == 0 => return Err(e),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    /// What is mixed into the pool changes nothing that anyone could notice.
    fn write(&self, _: &File, src: &mut Src<'_>, _: u64) -> Result<usize> {
        Ok(vanish(src))
    }

    fn seek(&self) -> Seek {
        Seek::Ignored
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// /dev/kmsg: a record a read.
struct Kmsg {
    env: Rc<Env>,
    next: Cell<u64>,
}

impl FileOps for Kmsg {
    fn read(&self, _: &File, dst: &mut Dst<'_>, _: u64) -> Result<usize> {
        let record = self.env.log.get(self.next.get()).ok_or(Errno::EAGAIN)?;
        let line = format!("{},{},{},-;{}\n", record.priority, record.seq, record.at / 1000, record.line());
        if line.len() > dst.left() {
            return Err(Errno::EINVAL);
        }
        self.next.set(record.seq + 1);
        dst.put(line.as_bytes())
    }

    fn write(&self, _: &File, src: &mut Src<'_>, _: u64) -> Result<usize> {
        let mut buf = [0; 1024];
        let len = src.left();
        if len > buf.len() {
            return Err(Errno::EINVAL);
        }
        let n = src.take(&mut buf)?;
        let text = String::from_utf8_lossy(&buf[..n]);
        // "<priority>text"; without one it is a user's warning.
        let (priority, text) = match text.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            Some((number, rest)) if number.parse::<u32>().is_ok() => {
                (number.parse().unwrap_or(12), String::from(rest))
            }
            _ => (12, text.into_owned()),
        };
        self.env.log.push(self.env.now.get(), priority, crate::log::USER, text.trim_end_matches('\n').into());
        Ok(n)
    }

    fn seek(&self) -> Seek {
        Seek::Ignored
    }

    fn poll(&self, _: &File) -> u32 {
        let readable = if self.env.log.get(self.next.get()).is_some() { poll::IN | poll::RDNORM } else { 0 };
        readable | poll::OUT | poll::WRNORM
    }

    fn queue(&self, _: &File, _: u32) -> Option<WaitQueue> {
        Some(self.env.log.queue().clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// /dev/trace_marker: a word of the program's own a write. A longer one than the trace keeps is cut.
struct Marker {
    env: Rc<Env>,
}

impl FileOps for Marker {
    /// As Linux's, it cannot be read.
    fn read(&self, _: &File, _: &mut Dst<'_>, _: u64) -> Result<usize> {
        Err(Errno::EINVAL)
    }

    fn write(&self, _: &File, src: &mut Src<'_>, _: u64) -> Result<usize> {
        let left = src.left();
        let mut text = vec![0; left.min(MAX_BYTES)];
        let taken = src.take(&mut text)?;
        text.truncate(taken);
        // Which task writes, and the trace, are the kernel's.
        match self.env.questions.ask(Query::Mark(text))? {
            // A hole in the program's memory ends the word before it.
            Answer::Done(_) if taken < left.min(MAX_BYTES) => Ok(taken),
            Answer::Done(_) => Ok(taken + vanish(src)),
            _ => Err(Errno::EIO),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
