//! What may still be looked at when kernel code crashed: the value that the vCPU worked on.
//!
//! The crash hook runs in a signal handler, on top of code that was changing that value and will never go on. What it
//! finds may be half done. Reading it is worth a try all the same: it is the only place that knows what the tasks did.

use crate::signals::Crash;
use core::any::TypeId;
use core::cell::Cell;

/// The value, by address and type.
struct Suspect(Cell<Option<(*mut (), TypeId)>>);

// SAFETY: set and read by the vCPU's thread only: `during` is its loop, and `look` asks for a crash of that thread.
unsafe impl Sync for Suspect {}

static SUSPECT: Suspect = Suspect(Cell::new(None));

/// Runs `f`, the vCPU's work, on `value`: the crash hook may look at it meanwhile.
pub fn during<T: 'static, R>(value: &mut T, f: impl FnOnce(&mut T) -> R) -> R {
    let address: *mut T = value;
    SUSPECT.0.set(Some((address.cast(), TypeId::of::<T>())));
    // SAFETY: the pointer comes from the reference, which is not used while `f` has this one.
    let result = f(unsafe { &mut *address });
    SUSPECT.0.set(None);
    result
}

/// Looks at the value that the vCPU worked on when it crashed. `None`: it was not at work, or another thread crashed.
pub fn look<T: 'static, R>(crash: &Crash, f: impl FnOnce(&mut T) -> R) -> Option<R> {
    let (address, kind) = crash.vcpu.then(|| SUSPECT.0.get()).flatten()?;
    // SAFETY: `during` has not returned, so the value lives, and the type is the one that was given. The code that had it
    // was interrupted by the crash and never goes on: the hook does not return. A hook that crashes is called again with
    // the first call's reference as dead as the code before it.
    (kind == TypeId::of::<T>()).then(|| f(unsafe { &mut *address.cast() }))
}
