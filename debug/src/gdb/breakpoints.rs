//! Software breakpoints in guest code.

use super::{Target, errno};
use gdbstub::target::TargetResult;
use gdbstub::target::ext::breakpoints::{Breakpoints, SwBreakpoint, SwBreakpointOps};

impl Breakpoints for Target {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        Some(self)
    }
}

impl SwBreakpoint for Target {
    fn add_sw_breakpoint(&mut self, addr: u64, _: usize) -> TargetResult<bool, Self> {
        self.ask(move |k| k.insert_breakpoint(addr))?.map(|()| true).map_err(errno)
    }

    fn remove_sw_breakpoint(&mut self, addr: u64, _: usize) -> TargetResult<bool, Self> {
        self.ask(move |k| k.remove_breakpoint(addr))?.map(|()| true).map_err(errno)
    }
}
