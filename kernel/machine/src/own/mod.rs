//! llano's own code under a debugger: stops in the kernel itself.
//!
//! While a debugger is attached ([`park::arm`]), a breakpoint, a step, a fault or a panic in kernel code does not go on:
//! the vCPU *parks* in its signal handler, holding whatever it holds. The debug thread then answers without it, from the
//! registers of the signal frame ([`park`]), from `/proc/self/mem` and from the debugger's table ([`table`]).
//!
//! | module | what |
//! |---|---|
//! | [`points`] | breakpoints in llano's text; code that the debug thread runs too steps over them unnoticed |
//! | [`park`] | the parked vCPU: why, its registers, running on |
//! | [`table`] | the debugger's table: all tasks, for who may not ask the kernel |
//! | [`root`] | what lies below the kernel loop for a debugger: the current task's user frames |

pub mod park;
pub mod points;
pub mod root;
pub mod table;
