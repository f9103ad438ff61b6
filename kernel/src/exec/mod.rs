//! execve: from a path to a running program.
//!
//! - [`elf`]: headers, checked
//! - [`load`]: images into an address space
//! - [`stack`]: the initial stack
//! - [`explain`]: failures in words
//! - [`script`]: scripts and their `#!` line
//! - `strict`: loading as Linux does it without an MMU
//!
//! The new address space is built beside the old one (they are ranges of the same flat space), so everything that can
//! fail fails while the old program is still whole. The exception is a program linked to fixed addresses that replaces
//! one linked to the same: then the old one must go first.

pub mod elf;
pub mod explain;
pub mod load;
pub mod script;
pub mod stack;
mod strict;

use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::fs::Path;
use crate::fs::file::{File, oflag};
use crate::kernel::Kernel;
use crate::mm::space::AddressSpace;
use crate::mm::{self, Mm, PAGE};
use crate::task::process::rlimit;
use crate::wait::Tid;
use alloc::rc::Rc;
use alloc::vec::Vec;
use elf::Elf;
use llano_machine::overlay;

/// The longest argument or environment string (MAX_ARG_STRLEN).
pub const MAX_STRING: usize = 32 * PAGE as usize;
/// What argument and environment strings may take together (a quarter of the usual stack, as Linux).
pub const MAX_STRINGS: usize = 2 << 20;
/// Address space reserved for a program's heap.
const BRK_RESERVE: u64 = 256 << 20;
/// The largest main stack, whatever RLIMIT_STACK says.
const MAX_STACK: u64 = 64 << 20;

/// What a program is executed with.
pub struct Program {
    /// The file to load, after `#!` was resolved.
    pub file: Rc<File>,
    /// Its place.
    pub path: Path,
    /// Its first bytes.
    pub head: Vec<u8>,
    /// The name it was executed by.
    pub filename: Vec<u8>,
    /// Arguments.
    pub argv: Vec<Vec<u8>>,
    /// Environment.
    pub envp: Vec<Vec<u8>>,
}

/// A loaded image, as the stack and the registers need it.
pub struct Image {
    /// Added to link addresses.
    pub bias: u64,
    /// Entry point.
    pub entry: u64,
    /// Address of the program headers.
    pub phdr: u64,
    /// Their number.
    pub phnum: u64,
}

impl Image {
    fn new(elf: &Elf, bias: u64) -> Image {
        Image {
            bias,
            entry: elf.header.entry.wrapping_add(bias),
            phdr: elf.phdr_vaddr().wrapping_add(bias),
            phnum: elf.header.phnum.into(),
        }
    }
}

/// A program ready to run: its memory, and where it starts.
pub struct Loaded {
    /// The address space.
    pub mm: Mm,
    /// First instruction.
    pub entry: u64,
    /// Stack pointer there.
    pub sp: u64,
}

/// Opens a program file: execute permission, a regular file, not on a noexec mount.
pub fn open(k: &Kernel, tid: Tid, path: &Path) -> Result<Rc<File>> {
    let cred = k.task(tid).cred.clone();
    let attr = path.node.inode.attr()?;
    if attr.kind() != crate::fs::inode::mode::REG || !cred.may(1, attr.mode, attr.uid, attr.gid) {
        return Err(Errno::EACCES);
    }
    if crate::syscall::open::is_written(k, path) {
        return Err(Errno::ETXTBSY);
    }
    let ops = path.node.inode.open(&path.node.inode, oflag::RDONLY, &cred)?;
    Ok(File::new(ops, oflag::RDONLY, Some(path.clone())))
}

/// What is in the way of loading: decided before anything changes.
pub struct Plan {
    elf: Elf,
    interp: Option<(Elf, Rc<File>, Vec<u8>)>,
    /// The program's path as it is seen from the root.
    name: Vec<u8>,
}

impl Plan {
    /// Reads all headers of a program and its interpreter.
    pub fn read(k: &mut Kernel, tid: Tid, program: &Program) -> Result<Plan> {
        let elf = load::headers(&program.file, &program.head)?;
        let seen = program.path.to_bytes(&k.mounts.root());
        let Some((offset, len)) = elf.interp else {
            return Plan { elf, interp: None, name: seen }.loadable(&mut k.space);
        };
        if !(2..=user_path_max()).contains(&len) {
            return Err(Errno::ENOEXEC);
        }
        let mut name = load::read_exact(&program.file, offset, len as usize)?;
        if name.pop() != Some(0) || name.contains(&0) {
            return Err(Errno::ENOEXEC);
        }
        let path = k.lookup(tid, &name)?;
        let file = open(k, tid, &path)?;
        let head = load::read_exact(&file, 0, size_of::<elf::Header>()).map_err(|_| Errno::ELIBBAD)?;
        let elf2 = load::headers(&file, &head).map_err(|_| Errno::ELIBBAD)?;
        Plan { elf, interp: Some((elf2, file, name)), name: seen }.loadable(&mut k.space)
    }

    /// The range that a program linked to fixed addresses needs.
    pub fn fixed_range(&self) -> Option<(u64, u64)> {
        let (first, last) = self.elf.span();
        self.elf.fixed.then_some((first, last - first))
    }

    /// Loads it all into a new address space, which is in place afterwards; on failure nothing stays behind, and none
    /// is.
    pub fn load(
        &self,
        space: &mut AddressSpace,
        program: &Program,
        cred: &Cred,
        stack: u64,
    ) -> Result<Loaded> {
        let mut mm = Mm::new();
        overlay::activate(mm.view).map_err(crate::error::host)?;
        self.load_into(&mut mm, space, program, cred, stack)
            .map(|(entry, sp)| Loaded { mm: core::mem::take(&mut mm), entry, sp })
            .inspect_err(|_| mm.release(space))
    }

    fn load_into(
        &self,
        mm: &mut Mm,
        space: &mut AddressSpace,
        program: &Program,
        cred: &Cred,
        stack: u64,
    ) -> Result<(u64, u64)> {
        if space.strict.is_some() {
            return self.load_strict(mm, space, program, cred);
        }
        let elf = &self.elf;
        let bias = load::image(elf, &program.file, space, mm)?;
        let image = Image::new(elf, bias);
        let note = |path: &[u8], elf: &Elf, bias: u64| mm::Image {
            path: path.to_vec(),
            bias,
            dynamic: elf.dynamic.map_or(0, |d| d.wrapping_add(bias)),
            span: elf.placed(bias),
        };
        mm.images.push(note(&self.name, elf, bias));
        let (first, last) = elf.span();
        mm.code = (first.wrapping_add(bias), last.wrapping_add(bias));
        let mut interp = None;
        if let Some((elf, file, name)) = &self.interp {
            let bias = load::image(elf, file, space, mm)?;
            mm.images.push(note(name, elf, bias));
            interp = Some(Image::new(elf, bias));
        }
        reserve_heap(mm, space, elf, bias)?;
        let size = stack.clamp(128 << 10, MAX_STACK).next_multiple_of(PAGE);
        stack::map(mm, space, size, elf.exec_stack)?;
        let strings =
            stack::Strings { argv: &program.argv, envp: &program.envp, filename: &program.filename };
        let sp = stack::fill(mm, &strings, &image, interp.as_ref(), cred)?;
        Ok((interp.as_ref().unwrap_or(&image).entry, sp))
    }
}

fn user_path_max() -> u64 {
    crate::user::PATH_MAX as u64
}

/// The heap lies directly behind a program linked to fixed addresses if there is room (old allocators expect that), else
/// anywhere.
fn reserve_heap(mm: &mut Mm, space: &mut AddressSpace, elf: &Elf, bias: u64) -> Result<()> {
    let end = elf.span().1.wrapping_add(bias);
    let at = if elf.fixed && space.take(end, BRK_RESERVE) {
        end
    } else {
        space.alloc(BRK_RESERVE, PAGE, mm::space::Place::High).ok_or(Errno::ENOMEM)?
    };
    mm.reserves.push((at, BRK_RESERVE));
    mm.brk = (at, at, at + BRK_RESERVE);
    Ok(())
}

/// Resolves `path` for execution: opens it, follows `#!` lines, reads its head.
pub fn resolve(k: &mut Kernel, tid: Tid, path: Path, mut program: Program) -> Result<Program> {
    program.path = path;
    for _ in 0..5 {
        program.file = open(k, tid, &program.path)?;
        let mut head = alloc::vec![0; 256];
        let n = load::read_some(&program.file, 0, &mut head)?;
        head.truncate(n);
        let Some(line) = script::parse(&head)? else {
            program.head = head;
            return Ok(program);
        };
        let mut argv = alloc::vec![line.interpreter.clone()];
        argv.extend(line.argument);
        argv.push(program.filename.clone());
        argv.extend(program.argv.into_iter().skip(1));
        program.argv = argv;
        program.path = k.lookup(tid, &line.interpreter)?;
        program.filename = line.interpreter;
    }
    Err(Errno::ELOOP)
}

/// The stack size for a process: its soft RLIMIT_STACK.
pub fn stack_size(k: &Kernel, tid: Tid) -> u64 {
    match k.limit(tid, rlimit::STACK) {
        crate::task::process::UNLIMITED => 8 << 20,
        n => n,
    }
}
