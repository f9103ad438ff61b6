//! The initial stack of a program: strings, auxiliary vector, environment, arguments (System V ABI, x86-64 supplement).

use super::Image;
use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::mm::kept::{Kept, Piece};
use crate::mm::space::{AddressSpace, Place};
use crate::mm::{Backing, Mm, PAGE, Vma};
use crate::user;
use alloc::vec::Vec;
use llano_machine::space::{self as pages, Sharing};

/// Auxiliary vector types (getauxval(3)).
#[allow(missing_docs)]
mod at {
    pub(super) const NULL: u64 = 0;
    pub(super) const PHDR: u64 = 3;
    pub(super) const PHENT: u64 = 4;
    pub(super) const PHNUM: u64 = 5;
    pub(super) const PAGESZ: u64 = 6;
    pub(super) const BASE: u64 = 7;
    pub(super) const FLAGS: u64 = 8;
    pub(super) const ENTRY: u64 = 9;
    pub(super) const UID: u64 = 11;
    pub(super) const EUID: u64 = 12;
    pub(super) const GID: u64 = 13;
    pub(super) const EGID: u64 = 14;
    pub(super) const PLATFORM: u64 = 15;
    pub(super) const HWCAP: u64 = 16;
    pub(super) const CLKTCK: u64 = 17;
    pub(super) const SECURE: u64 = 23;
    pub(super) const RANDOM: u64 = 25;
    pub(super) const HWCAP2: u64 = 26;
    pub(super) const EXECFN: u64 = 31;
    pub(super) const MINSIGSTKSZ: u64 = 51;
}

/// The strings a program starts with.
pub struct Strings<'a> {
    /// Arguments.
    pub argv: &'a [Vec<u8>],
    /// Environment.
    pub envp: &'a [Vec<u8>],
    /// The name it was executed by (AT_EXECFN).
    pub filename: &'a [u8],
}

/// Maps the main stack: `size` bytes with an inaccessible page below.
pub fn map(mm: &mut Mm, space: &mut AddressSpace, size: u64, exec: bool) -> Result<()> {
    let prot = pages::READ | pages::WRITE | if exec { pages::EXEC } else { 0 };
    let kept = space.shelf.stack(size + PAGE, prot);
    let at = match &kept {
        Some(kept) => kept.at,
        None => space.alloc(size + PAGE, PAGE, Place::High).ok_or(Errno::ENOMEM)?,
    };
    mm.reserves.push((at, size + PAGE));
    mm.stack = (at + PAGE, at + PAGE + size);
    let vma = Vma {
        label: "[stack]",
        ..Vma::new(mm.stack.0, mm.stack.1, prot, Sharing::Private, Backing::Anonymous)
    };
    let piece = Piece { start: vma.start, end: vma.end, prot, offset: None };
    match &kept {
        Some(kept) if kept.has(&piece) => mm.adopt(vma),
        _ => mm.map_fixed(space, vma)?,
    }
    mm.loaded.push(kept.unwrap_or_else(|| Kept::stack(at, size + PAGE, piece)));
    Ok(())
}

/// Fills the stack; returns the initial stack pointer.
pub fn fill(
    mm: &mut Mm,
    s: &Strings<'_>,
    program: &Image,
    interp: Option<&Image>,
    cred: &Cred,
) -> Result<u64> {
    let mut sp = mm.stack.1 - 8;
    let mut push = |bytes: &[u8]| -> Result<u64> {
        sp -= bytes.len() as u64 + 1;
        user::put_bytes(sp, bytes)?;
        Ok(sp)
    };
    let execfn = push(s.filename)?;
    let strings_end = execfn;
    let mut env = Vec::with_capacity(s.envp.len());
    for e in s.envp.iter().rev() {
        env.push(push(e)?);
    }
    env.reverse();
    let env_start = env.first().copied().unwrap_or(strings_end);
    let mut args = Vec::with_capacity(s.argv.len());
    for a in s.argv.iter().rev() {
        args.push(push(a)?);
    }
    args.reverse();
    mm.args = (args.first().copied().unwrap_or(env_start), env_start);
    mm.env = (env_start, strings_end);
    let platform = push(b"x86_64")?;
    sp &= !15;
    sp -= 16;
    let random = sp;
    user::put_bytes(random, &llano_machine::host::random::<16>())?;

    let host = |kind| llano_machine::host::auxv(kind);
    let auxv = [
        (at::HWCAP, host(at::HWCAP)),
        (at::PAGESZ, PAGE),
        (at::CLKTCK, 100),
        (at::PHDR, program.phdr),
        (at::PHENT, super::elf::PHENT as u64),
        (at::PHNUM, program.phnum),
        (at::BASE, interp.map_or(0, |i| i.bias)),
        (at::FLAGS, 0),
        (at::ENTRY, program.entry),
        (at::UID, cred.uid.into()),
        (at::EUID, cred.euid.into()),
        (at::GID, cred.gid.into()),
        (at::EGID, cred.egid.into()),
        (at::SECURE, 0),
        (at::RANDOM, random),
        (at::HWCAP2, host(at::HWCAP2)),
        (at::EXECFN, execfn),
        (at::PLATFORM, platform),
        (at::MINSIGSTKSZ, host(at::MINSIGSTKSZ)),
        (at::NULL, 0),
    ];
    let mut words: Vec<u64> = Vec::with_capacity(4 + args.len() + env.len() + 2 * auxv.len());
    words.push(args.len() as u64);
    words.extend(&args);
    words.push(0);
    words.extend(&env);
    words.push(0);
    let auxv_at = words.len();
    words.extend(auxv.iter().flat_map(|&(k, v)| [k, v]));
    let sp = (sp - 8 * words.len() as u64) & !15;
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    mm.auxv = bytes[8 * auxv_at..].to_vec();
    user::put_bytes(sp, &bytes)?;
    Ok(sp)
}
