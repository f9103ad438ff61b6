//! The program: llano's own file.

use super::{Target, piece};
use gdbstub::common::Pid;
use gdbstub::target::ext::exec_file::ExecFile;
use gdbstub::target::{TargetError, TargetResult};
use std::os::unix::ffi::OsStrExt;

impl ExecFile for Target {
    fn get_exec_file(
        &self,
        _: Option<Pid>,
        offset: u64,
        length: usize,
        buf: &mut [u8],
    ) -> TargetResult<usize, Self> {
        let path = std::env::current_exe().map_err(TargetError::Io)?;
        Ok(piece(path.as_os_str().as_bytes(), offset, length, buf))
    }
}
