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

/// The aligned pieces of 8, 4, 2 and 1 bytes that make up a range: what the CPU can watch.
fn pieces(addr: u64, len: u64) -> Vec<(u64, u64)> {
    let (mut at, end) = (addr, addr.saturating_add(len));
    let mut out = Vec::new();
    while at < end {
        let size = [8, 4, 2, 1].into_iter().find(|s| at % s == 0 && at + s <= end).unwrap_or(1);
        out.push((at, size));
        at += size;
    }
    out
}

/// The CPU has four slots.
const SLOTS: usize = 4;

impl HwWatchpoint for Target {
    fn add_hw_watchpoint(&mut self, addr: u64, len: u64, kind: WatchKind) -> TargetResult<bool, Self> {
        if kind != WatchKind::Write || len > 8 * SLOTS as u64 {
            return Ok(false);
        }
        let all = pieces(addr, len);
        self.ask(move |k| {
            for (n, (at, size)) in all.iter().enumerate() {
                if let Err(e) = k.insert_watch(*at, *size) {
                    all[..n].iter().for_each(|(at, size)| k.remove_watch(*at, *size));
                    return Err(e);
                }
            }
            Ok(true)
        })?
        .map_err(errno)
    }

    fn remove_hw_watchpoint(&mut self, addr: u64, len: u64, _: WatchKind) -> TargetResult<bool, Self> {
        self.ask(move |k| {
            pieces(addr, len).iter().for_each(|(at, size)| k.remove_watch(*at, *size));
            true
        })
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

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn pieces_are_aligned() {
        assert_eq!(pieces(0x1000, 8), [(0x1000, 8)]);
        assert_eq!(pieces(0x1002, 8), [(0x1002, 2), (0x1004, 4), (0x1008, 2)]);
        assert_eq!(pieces(0x1001, 1), [(0x1001, 1)]);
    }
}
