//! Inodes of /proc.

use super::names::{Found, Kind, PROCESS, Row, SYSTEM, entries, needs_mmu};
use super::open::{MemoryFile, TextFile};
use super::{Answer, Query, Target, Who};
use crate::cred::Cred;
use crate::env::Env;
use crate::error::{Errno, Result};
use crate::fs::Path;
use crate::fs::file::{Directory, File, FileOps};
use crate::fs::inode::{Attr, DirEntry, Inode, SetAttr, StatFs, mode};
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::any::Any;

/// `PROC_SUPER_MAGIC`.
const MAGIC: u64 = 0x9fa0;
/// Device number.
const DEV: u64 = 0x16;

/// What an inode stands for.
#[derive(Clone)]
enum Node {
    /// A directory of a table: of the system, or of a process.
    Dir(Option<Who>, &'static str),
    /// A file, link or directory of numbers.
    Row(Option<Who>, &'static Row),
    /// cwd, root, exe, fd/N: found together with where they lead.
    Magic(Who, String, Target),
    /// fdinfo/N.
    Info(Who, i32),
}

/// A file of /proc.
struct ProcInode {
    env: Rc<Env>,
    node: Node,
    owner: (u32, u32),
}

pub(super) fn root(env: &Rc<Env>) -> Rc<dyn Inode> {
    Rc::new(ProcInode { env: env.clone(), node: Node::Dir(None, ""), owner: (0, 0) })
}

/// A name that is a number, in the one way numbers are written.
fn number(name: &[u8]) -> Option<i32> {
    let n: i32 = core::str::from_utf8(name).ok()?.parse().ok()?;
    (n >= 0 && n.to_string().as_bytes() == name).then_some(n)
}

impl ProcInode {
    fn ask(&self, query: Query) -> Result<Answer> {
        self.env.questions.ask(query)
    }

    fn numbers(&self, query: Query) -> Result<Vec<i32>> {
        match self.ask(query)? {
            Answer::Numbers(numbers) => Ok(numbers),
            _ => Err(Errno::EIO),
        }
    }

    fn target(&self, query: Query) -> Result<Target> {
        match self.ask(query)? {
            Answer::Link(target) => Ok(target),
            _ => Err(Errno::EIO),
        }
    }

    /// An inode with the same owner.
    fn with(&self, node: Node) -> Rc<dyn Inode> {
        Rc::new(ProcInode { env: self.env.clone(), node, owner: self.owner })
    }

    /// The top directory of a process or thread; `ENOENT` if it is gone.
    fn process(&self, who: Who) -> Result<Rc<dyn Inode>> {
        match self.ask(Query::Owner(who))? {
            Answer::Owner(uid, gid) => {
                let node = Node::Dir(Some(who), "");
                Ok(Rc::new(ProcInode { env: self.env.clone(), node, owner: (uid, gid) }))
            }
            _ => Err(Errno::EIO),
        }
    }

    fn table(who: Option<Who>) -> &'static [Row] {
        if who.is_some() { PROCESS } else { SYSTEM }
    }

    /// Named entries of a directory of a table.
    fn named(who: Option<Who>, dir: &'static str) -> impl Iterator<Item = (&'static str, Found)> {
        let of_thread = who.is_some_and(|w| w.tid.is_some());
        entries(ProcInode::table(who), dir).filter(move |(name, _)| !(of_thread && *name == "task"))
    }

    /// Whether such a kernel has the entry.
    fn exists(&self, who: Option<Who>, found: &Found) -> Result<bool> {
        let Found::Row((path, ..)) = found else { return Ok(true) };
        match needs_mmu(who.is_some(), path) {
            Some(mmu) => Ok(self.numbers(Query::Mmu)? == [i32::from(mmu)]),
            None => Ok(true),
        }
    }

    fn row_of(&self, who: Option<Who>, found: Found) -> Result<Rc<dyn Inode>> {
        match (found, who) {
            (Found::Dir(path), _) => Ok(self.with(Node::Dir(who, path))),
            (Found::Row(&(name, _, Kind::Magic)), Some(who)) => {
                let target = self.target(Query::Link(who, name))?;
                Ok(self.with(Node::Magic(who, name.into(), target)))
            }
            (Found::Row(row), _) => Ok(self.with(Node::Row(who, row))),
        }
    }

    /// Mode and a text that no other file of /proc has.
    fn shape(&self) -> (u32, String) {
        match &self.node {
            Node::Dir(who, path) => (mode::DIR | 0o555, format!("{who:?}/{path}/")),
            Node::Row(who, (path, permissions, kind)) => {
                let kind = match kind {
                    Kind::File | Kind::Memory => mode::REG,
                    Kind::Threads | Kind::Descriptors | Kind::DescriptorInfos => mode::DIR,
                    Kind::Magic | Kind::Link(_) | Kind::Caller => mode::LNK,
                };
                (kind | permissions, format!("{who:?}/{path}"))
            }
            Node::Magic(who, name, target) => (
                mode::LNK | target.permissions,
                format!("{who:?}/{name}>{:?}", Rc::as_ptr(&target.path.node)),
            ),
            Node::Info(who, fd) => (mode::REG | 0o444, format!("{who:?}/fdinfo/{fd}")),
        }
    }

    /// Everything in a directory, with cookies.
    fn list(&self) -> Result<Vec<(DirEntry, u64)>> {
        /// Numbers follow behind the names.
        const NUMBERS: u64 = 1000;
        let entry =
            |name: &str, kind| DirEntry { ino: hash(name.as_bytes()), kind, name: name.as_bytes().to_vec() };
        let numbered = |numbers: Vec<i32>, kind| {
            numbers.into_iter().map(move |n| (entry(&n.to_string(), kind), NUMBERS + n as u64)).collect()
        };
        let (who, dir) = match &self.node {
            Node::Dir(who, dir) => (*who, *dir),
            Node::Row(Some(who), (_, _, kind)) => {
                return Ok(match kind {
                    Kind::Threads => numbered(self.numbers(Query::Threads(who.pid))?, mode::DIR),
                    Kind::Descriptors => numbered(self.numbers(Query::Descriptors(*who))?, mode::LNK),
                    Kind::DescriptorInfos => numbered(self.numbers(Query::Descriptors(*who))?, mode::REG),
                    _ => return Err(Errno::ENOTDIR),
                });
            }
            _ => return Err(Errno::ENOTDIR),
        };
        if let Some(who) = who {
            self.ask(Query::Owner(who))?;
        }
        let mut named = Vec::new();
        for (cookie, (name, found)) in (1..).zip(ProcInode::named(who, dir)) {
            if self.exists(who, &found)? {
                named.push((cookie, (name, found)));
            }
        }
        let mut all: Vec<_> = named
            .into_iter()
            .map(|(cookie, (name, found))| {
                let kind = match found {
                    Found::Dir(_) => mode::DIR,
                    Found::Row(row) => self.with(Node::Row(who, row)).attr().map_or(0, |a| a.kind()),
                };
                (entry(name, kind), cookie)
            })
            .collect();
        if who.is_none() && dir.is_empty() {
            all.extend::<Vec<_>>(numbered(self.numbers(Query::Processes)?, mode::DIR));
        }
        Ok(all)
    }
}

/// FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    let h =
        bytes.iter().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
    h >> 16 | 1
}

impl Inode for ProcInode {
    fn attr(&self) -> Result<Attr> {
        let (mode, text) = self.shape();
        let now = self.env.realtime_ns() as i64;
        Ok(Attr {
            dev: DEV,
            ino: hash(text.as_bytes()),
            mode,
            nlink: if mode & mode::FMT == mode::DIR { 2 } else { 1 },
            uid: self.owner.0,
            gid: self.owner.1,
            blksize: 1024,
            atime: now,
            mtime: now,
            ctime: now,
            ..Attr::default()
        })
    }

    fn set_attr(&self, set: &SetAttr) -> Result<()> {
        // Opening with O_TRUNC is how a shell writes to these files.
        if set.size.is_some() && set.mode.or(set.uid).or(set.gid).is_none() {
            Ok(())
        } else {
            Err(Errno::EPERM)
        }
    }

    fn lookup(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        let (who, dir) = match &self.node {
            Node::Dir(who, dir) => (*who, *dir),
            Node::Row(Some(who), (_, _, kind)) => {
                let n = number(name).ok_or(Errno::ENOENT)?;
                return match kind {
                    Kind::Threads => self.process(Who { pid: who.pid, tid: Some(n) }),
                    Kind::Descriptors => {
                        let target = self.target(Query::DescriptorLink(*who, n))?;
                        Ok(self.with(Node::Magic(*who, format!("fd/{n}"), target)))
                    }
                    Kind::DescriptorInfos if self.numbers(Query::Descriptors(*who))?.contains(&n) => {
                        Ok(self.with(Node::Info(*who, n)))
                    }
                    Kind::DescriptorInfos => Err(Errno::ENOENT),
                    _ => Err(Errno::ENOTDIR),
                };
            }
            _ => return Err(Errno::ENOTDIR),
        };
        if let Some((_, found)) = ProcInode::named(who, dir).find(|(n, _)| n.as_bytes() == name) {
            if let Some(who) = who {
                // The process may be gone while someone stands in its directory.
                self.ask(Query::Owner(who))?;
            }
            return if self.exists(who, &found)? { self.row_of(who, found) } else { Err(Errno::ENOENT) };
        }
        match number(name) {
            Some(pid) if who.is_none() && dir.is_empty() => self.process(Who { pid, tid: None }),
            _ => Err(Errno::ENOENT),
        }
    }

    fn create(&self, _: &[u8], _: &crate::fs::inode::NewFile) -> Result<Rc<dyn Inode>> {
        Err(Errno::ENOENT)
    }

    fn unlink(&self, _: &[u8]) -> Result<()> {
        Err(Errno::EPERM)
    }

    fn rmdir(&self, _: &[u8]) -> Result<()> {
        Err(Errno::EPERM)
    }

    fn rename(&self, _: &[u8], _: &Rc<dyn Inode>, _: &[u8], _: u32) -> Result<()> {
        Err(Errno::EPERM)
    }

    fn readlink(&self) -> Result<Vec<u8>> {
        match &self.node {
            Node::Magic(_, _, target) => Ok(target.text.clone()),
            Node::Row(_, (_, _, Kind::Link(to))) => Ok(to.as_bytes().to_vec()),
            Node::Row(_, (name, _, Kind::Caller)) => {
                let numbers = self.numbers(Query::Caller)?;
                let (pid, tid) = (numbers[0], numbers[1]);
                let text = if *name == "self" { format!("{pid}") } else { format!("{pid}/task/{tid}") };
                Ok(text.into_bytes())
            }
            _ => Err(Errno::EINVAL),
        }
    }

    fn follow(&self) -> Option<Path> {
        match &self.node {
            Node::Magic(_, _, target) => Some(target.path.clone()),
            _ => None,
        }
    }

    fn open(&self, _: &Rc<dyn Inode>, _: u32, _: &Cred) -> Result<Box<dyn FileOps>> {
        let text = |query| -> Result<Box<dyn FileOps>> { Ok(Box::new(TextFile::new(&self.env, query))) };
        match &self.node {
            Node::Dir(..) => Ok(Box::new(Directory)),
            Node::Info(who, fd) => text(Query::DescriptorText(*who, *fd)),
            Node::Row(who, (name, _, Kind::File)) => text(Query::Text(*who, name)),
            Node::Row(Some(who), (_, _, Kind::Memory)) => Ok(Box::new(MemoryFile::new(&self.env, *who))),
            Node::Row(_, (_, _, Kind::Threads | Kind::Descriptors | Kind::DescriptorInfos)) => {
                Ok(Box::new(Directory))
            }
            _ => Err(Errno::ELOOP),
        }
    }

    fn read_dir(&self, _: &File, cookie: u64) -> Result<Vec<(DirEntry, u64)>> {
        Ok(self.list()?.into_iter().filter(|(_, behind)| *behind > cookie).collect())
    }

    fn statfs(&self) -> Result<StatFs> {
        Ok(StatFs { magic: MAGIC, bsize: 4096, namelen: 255, ..StatFs::default() })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
