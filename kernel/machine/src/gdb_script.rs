//! What gdb loads with llano: debug/gdb/llano.py, inside the executable.
//!
//! gdb reads the section `.debug_gdb_scripts` of a program (gdb's manual, "Auto-loading extensions"): entries that end
//! with a zero byte; 4 is a script in Python, its name on the first line. It is not loaded into memory. gdb runs it only
//! if its `auto-load safe-path` names the executable, and says what to do if not.

const SCRIPT: &[u8] = include_bytes!("../../../debug/gdb/llano.py");
const HEAD: &[u8] = b"\x04llano\n";
const LEN: usize = HEAD.len() + SCRIPT.len() + 1;

// SAFETY: the section holds text for debuggers and is no part of the program.
#[used]
#[unsafe(link_section = ".debug_gdb_scripts")]
static ENTRY: [u8; LEN] = {
    let mut entry = [0; LEN];
    let (head, rest) = entry.split_at_mut(HEAD.len());
    head.copy_from_slice(HEAD);
    rest.split_at_mut(SCRIPT.len()).0.copy_from_slice(SCRIPT);
    entry
};
