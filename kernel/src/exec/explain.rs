//! Why a program cannot be executed, for people: what the error number does not say.

use super::{elf, load, script};
use crate::cred::Cred;
use crate::error::Errno;
use crate::fs::Path;
use crate::fs::file::{File, oflag};
use crate::mm::strict::Strict;
use alloc::format;
use alloc::string::String;
use alloc::vec;

/// The offset of `e_machine` in an ELF header.
const E_MACHINE: usize = 18;

/// One clause on why executing the file at `path` failed with `error`; `exists` tells whether a path leads somewhere.
pub fn explain(
    path: &Path,
    cred: &Cred,
    error: Errno,
    strict: Option<&Strict>,
    exists: impl Fn(&[u8]) -> bool,
) -> String {
    look(path, cred, strict, &exists).unwrap_or_else(|| match error {
        Errno::EACCES => "permission denied: not an executable file".into(),
        Errno::ENOEXEC => "not an executable this kernel knows (x86-64 ELF, or a script with #!)".into(),
        Errno::ENOMEM => "no room for it in the address space".into(),
        e => format!("cannot execute: {}", e.message()),
    })
}

fn look(
    path: &Path,
    cred: &Cred,
    strict: Option<&Strict>,
    exists: &impl Fn(&[u8]) -> bool,
) -> Option<String> {
    let attr = path.node.inode.attr().ok()?;
    if attr.is_dir() || !cred.may(1, attr.mode, attr.uid, attr.gid) {
        return None;
    }
    let ops = path.node.inode.open(&path.node.inode, oflag::RDONLY, cred).ok()?;
    let file = File::new(ops, oflag::RDONLY, Some(path.clone()));
    let mut head = vec![0; 256];
    let n = load::read_some(&file, 0, &mut head).ok()?;
    head.truncate(n);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if let Ok(Some(line)) = script::parse(&head) {
        return (!exists(&line.interpreter))
            .then(|| format!("its interpreter {} does not exist", text(&line.interpreter)));
    }
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    let machine = u16::from_le_bytes([*head.get(E_MACHINE)?, *head.get(E_MACHINE + 1)?]);
    if head[4] != 2 || machine != elf::EM_X86_64 {
        return Some(format!("an ELF file for another machine ({}), not x86-64", name_of(machine)));
    }
    let Ok(elf) = load::headers(&file, &head) else {
        return Some("a damaged ELF file: its program headers make no sense".into());
    };
    if elf.fixed && strict.is_some() {
        return Some(
            "linked to fixed addresses, which nobody can promise without an MMU (--strict-nommu): link it with -static-pie"
                .into(),
        );
    }
    let (offset, len) = elf.interp?;
    let name = load::read_exact(&file, offset, usize::try_from(len.min(4096)).ok()?).ok()?;
    let name = name.strip_suffix(b"\0").unwrap_or(&name);
    Some(if exists(name) {
        format!("its interpreter {} is not a usable ELF file", text(name))
    } else {
        format!("its interpreter {} does not exist", text(name))
    })
}

/// Machines people meet (elf.h).
fn name_of(machine: u16) -> String {
    match machine {
        3 => "i386".into(),
        8 => "mips".into(),
        20 => "powerpc".into(),
        21 => "powerpc64".into(),
        22 => "s390".into(),
        40 => "arm".into(),
        62 => "x86-64, 32-bit".into(),
        183 => "aarch64".into(),
        243 => "riscv".into(),
        258 => "loongarch".into(),
        n => format!("machine number {n}"),
    }
}
