//! Descriptors 0, 1 and 2 of the first process.

use crate::root::Who;
use llano_kernel::Kernel;
use llano_kernel::fs::file::{File, oflag};
use llano_kernel::tty::devices::Terminals;
use llano_machine::term;
use std::rc::Rc;

/// Opens them: where the host's are terminals, the console; else the host's files, pipes and so on, byte for byte.
pub fn open(k: &Kernel, terminals: &Terminals, who: &Who) -> Result<[Option<Rc<File>>; 3], String> {
    let tty = [0, 1, 2].map(term::is_tty);
    let mut files = llano_kernel::fs::console::open(&k.env, who.owners, tty.map(|t| !t));
    if tty[0] {
        let console = terminals.open_host().map_err(|e| format!("cannot take over the terminal: {}", e.message()))?;
        let cred = llano_kernel::cred::Cred::new(who.uid, who.gid, Vec::new());
        let ops = terminals.open(&console, &cred).map_err(|e| format!("cannot open the console: {}", e.message()))?;
        let file = File::new(ops, oflag::RDWR, None);
        for n in 0..3 {
            if tty[n] {
                files[n] = Some(file.clone());
            }
        }
    }
    Ok(files)
}
