//! The auxiliary vector that a task's program was started with: `auxv [TASK]`, by number or name (default: the running task).
//!
//! ```text
//! type  name       value
//!    3  AT_PHDR    0x20000000040
//!    9  AT_ENTRY   0x20000001090
//!   31  AT_EXECFN  0x200108bbfe8 /bin/sh
//! ```
//!
//! In gdb `info auxv` is llano's own. JSON: type, name, value, text.

use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;

const COLUMNS: [Column; 4] =
    [column("type", "type"), column("name", "name"), column("value", "value"), column("text", "text")];

const NAMES: [(u64, &str); 23] = [
    (3, "AT_PHDR"),
    (4, "AT_PHENT"),
    (5, "AT_PHNUM"),
    (6, "AT_PAGESZ"),
    (7, "AT_BASE"),
    (8, "AT_FLAGS"),
    (9, "AT_ENTRY"),
    (11, "AT_UID"),
    (12, "AT_EUID"),
    (13, "AT_GID"),
    (14, "AT_EGID"),
    (15, "AT_PLATFORM"),
    (16, "AT_HWCAP"),
    (17, "AT_CLKTCK"),
    (23, "AT_SECURE"),
    (24, "AT_BASE_PLATFORM"),
    (25, "AT_RANDOM"),
    (26, "AT_HWCAP2"),
    (27, "AT_RSEQ_FEATURE_SIZE"),
    (28, "AT_RSEQ_ALIGN"),
    (31, "AT_EXECFN"),
    (33, "AT_SYSINFO_EHDR"),
    (51, "AT_MINSIGSTKSZ"),
];
/// Those whose value is the address of a string.
const STRINGS: [u64; 3] = [15, 24, 31];
/// The longest string shown.
const LONGEST: usize = 256;

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let tid = super::task(k, "auxv", args)?.or(k.any_task()).ok_or("there are no tasks")?;
    let auxv = k.auxv(tid);
    let mut table = Table::new(&COLUMNS);
    for pair in auxv.chunks_exact(16) {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| pair[at + i]));
        let (kind, value) = (word(0), word(8));
        if kind == 0 {
            break;
        }
        let name = NAMES.iter().find(|(k, _)| *k == kind).map_or("?", |(_, name)| name);
        let text = match STRINGS.contains(&kind).then(|| k.string_of(tid, value, LONGEST)) {
            Some(Ok(text)) => String::from_utf8_lossy(&text).into_owned().into(),
            _ => Cell::None,
        };
        table.row(vec![Cell::Count(kind), name.into(), Cell::Address(value), text]);
    }
    Ok(Output::Table(table))
}
