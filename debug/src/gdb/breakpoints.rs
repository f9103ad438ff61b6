//! Software breakpoints in guest code, and watchpoints on writes to guest memory.

use super::{Target, errno};
use gdbstub::target::TargetResult;
use gdbstub::target::ext::breakpoints::{
    Breakpoints, HwWatchpoint, HwWatchpointOps, SwBreakpoint, SwBreakpointOps, WatchKind,
};

impl Breakpoints for Target {
    fn support_sw_breakpoint(&mut self) -> Option<SwBreakpointOps<'_, Self>> {
        Some(self)
    }

    fn support_hw_watchpoint(&mut self) -> Option<HwWatchpointOps<'_, Self>> {
        Some(self)
    }
}

impl HwWatchpoint for Target {
    fn add_hw_watchpoint(&mut self, addr: u64, len: u64, kind: WatchKind) -> TargetResult<bool, Self> {
        if kind != WatchKind::Write {
            return Ok(false);
        }
        let tid = self.selected().unwrap_or_default();
        self.ask(move |k| k.insert_watch(tid, addr, len))?.map(|()| true).map_err(errno)
    }

    fn remove_hw_watchpoint(&mut self, addr: u64, len: u64, _: WatchKind) -> TargetResult<bool, Self> {
        self.ask(move |k| k.remove_watch(addr, len)).map(|()| true)
    }
}

impl SwBreakpoint for Target {
    fn add_sw_breakpoint(&mut self, addr: u64, _: usize) -> TargetResult<bool, Self> {
        if let Some(done) = self.insert_own_breakpoint(addr) {
            return done;
        }
        let tid = self.selected().unwrap_or_default();
        self.ask(move |k| k.insert_breakpoint(tid, addr))?.map(|()| true).map_err(errno)
    }

    fn remove_sw_breakpoint(&mut self, addr: u64, _: usize) -> TargetResult<bool, Self> {
        if let Some(done) = self.remove_own_breakpoint(addr) {
            return done;
        }
        self.ask(move |k| k.remove_breakpoint(addr)).map(|()| true)
    }
}
