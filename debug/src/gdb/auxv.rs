//! llano's own auxiliary vector: by it gdb finds where llano was loaded.

use super::{Target, piece};
use gdbstub::target::ext::auxv::Auxv;
use gdbstub::target::{TargetError, TargetResult};

impl Auxv for Target {
    fn get_auxv(&self, offset: u64, length: usize, buf: &mut [u8]) -> TargetResult<usize, Self> {
        let auxv = std::fs::read("/proc/self/auxv").map_err(TargetError::Io)?;
        Ok(piece(&auxv, offset, length, buf))
    }
}
