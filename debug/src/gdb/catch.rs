//! `catch syscall`: which calls gdb wants to see.

use super::Target;
use gdbstub::target::TargetResult;
use gdbstub::target::ext::catch_syscalls::{CatchSyscalls, SyscallNumbers};
use llano_kernel::inspect::Catch;

impl CatchSyscalls for Target {
    fn enable_catch_syscalls(&mut self, filter: Option<SyscallNumbers<'_, u64>>) -> TargetResult<(), Self> {
        let catch = filter.map_or(Catch::All, |numbers| Catch::Only(numbers.collect()));
        self.ask(move |k| k.catch_calls(catch))
    }

    fn disable_catch_syscalls(&mut self) -> TargetResult<(), Self> {
        self.ask(|k| k.catch_calls(Catch::None))
    }
}
