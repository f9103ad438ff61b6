//! gdb's `monitor`: the commands of llano's monitor, through the one closure that the session hands to the debugger's server.

use super::{Fatal, Target};
use gdbstub::target::ext::monitor_cmd::{ConsoleOutput, MonitorCmd};

/// Runs a command line of the monitor on the calling thread: what it prints, or a sentence about what is wrong with it.
/// The monitor lies above this crate; this is the only way up.
pub type Monitor = dyn Fn(&str) -> Result<String, String> + Send + Sync;

/// Bytes of text in a packet.
const PIECE: usize = 4096;

impl MonitorCmd for Target {
    fn handle_monitor_cmd(&mut self, command: &[u8], mut out: ConsoleOutput<'_>) -> Result<(), Fatal> {
        let text = match std::str::from_utf8(command) {
            Ok(line) => (self.monitor)(line.trim()).unwrap_or_else(|wrong| wrong + "\n"),
            Err(_) => "a command is UTF-8\n".into(),
        };
        for piece in text.as_bytes().chunks(PIECE) {
            out.write_raw(piece);
            out.flush();
        }
        Ok(())
    }
}
