//! The one place where guest code is written by the machine.

use crate::{HostError, peek};

/// Writes instructions over guest code or into a stub, whatever the page's protection: a private page becomes the
/// process's own copy, the file behind it stays as it is.
///
/// # Errors
/// What the host said; pages shared with a file that may not be written are refused.
pub(super) fn write(addr: u64, bytes: &[u8]) -> Result<(), HostError> {
    peek::write(addr, bytes)
}
