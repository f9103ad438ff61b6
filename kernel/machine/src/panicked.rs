//! The words of a panic that could not say them itself.
//!
//! Before anything else a panic counts itself in thread-local storage, which on a guest's FS is the guest's memory, and
//! faults there. What it was to say still stands on the stack: `core` made a `PanicInfo`, whose first words are the message
//! and the place. It is looked for by shape: a pointer to a [`core::panic::Location`] in llano's own data, behind a pointer
//! into the stack.

use crate::peek;
use crate::signals::Crash;
use core::fmt;
use core::ops::Range;

/// How far above the crash it is looked for, bytes: the panic's own frames.
const DEPTH: u64 = 16 << 10;
/// The longest file name.
const NAME: u64 = 256;

unsafe extern "C" {
    static __executable_start: u8;
    static _end: u8;
}

/// A panic.
pub struct Panic {
    /// The source file.
    pub file: String,
    /// Line and column.
    pub at: (u32, u32),
    /// What it says.
    pub message: fmt::Arguments<'static>,
}

fn own_data() -> Range<u64> {
    (&raw const __executable_start as u64)..(&raw const _end as u64)
}

fn words<const N: usize>(at: u64) -> Option<[u64; N]> {
    let mut bytes = [[0u8; 8]; N];
    let read = peek::read(at, bytes.as_flattened_mut());
    (read == Ok(8 * N)).then(|| bytes.map(u64::from_le_bytes))
}

/// The file, line and column of the `Location` at `at`, if there is one.
fn location(at: u64) -> Option<(String, (u32, u32))> {
    let own = own_data();
    if !own.contains(&at) || !at.is_multiple_of(8) {
        return None;
    }
    let [name, len, place] = words(at)?;
    if !own.contains(&name) || !(4..NAME).contains(&len) {
        return None;
    }
    let mut text = vec![0; len as usize];
    peek::read(name, &mut text).ok().filter(|n| *n == text.len())?;
    let text = String::from_utf8(text).ok().filter(|t| t.ends_with(".rs"))?;
    Some((text, (place as u32, (place >> 32) as u32)))
}

/// The panic that a crash is the end of, if it is.
pub fn find(crash: &Crash) -> Option<Panic> {
    let start = crash.registers.rsp() & !7;
    let stack = start..start + DEPTH;
    (start..stack.end).step_by(8).find_map(|at| {
        let [message, place] = words(at)?;
        let (file, at) = location(place).filter(|_| stack.contains(&message) && message.is_multiple_of(8))?;
        // SAFETY: by its shape this is what `core::panicking::panic_fmt` made: a reference to the message's arguments and
        // one to the place. The frames that they stand in never return, since the hook that asks does not. Were it
        // something else, the hook would crash once more, which it is made for.
        let message = unsafe { *(message as *const fmt::Arguments<'static>) };
        Some(Panic { file, at, message })
    })
}
