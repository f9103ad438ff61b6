//! What llano cannot do, said so that gdb shows why.
//!
//! Programs are started by llano's command line and by its guests; there is one inferior, and it stops as a whole.

use crate::gdb::Target;

pub(super) fn answer(_: &mut Target, packet: &[u8]) -> Option<Vec<u8>> {
    let begins = |name: &[u8]| packet.starts_with(name);
    let why = match packet {
        b"!" | b"QNonStop:0" => return Some(b"OK".to_vec()),
        b"QNonStop:1" => "llano stops all tasks together: set non-stop off",
        _ if begins(b"vRun") || packet.first() == Some(&b'R') => {
            "llano runs already; start programs from its command line or in the guest"
        }
        _ if begins(b"vAttach") => "all tasks are attached already: info threads",
        _ => return None,
    };
    Some(format!("E.{why}").into_bytes())
}
