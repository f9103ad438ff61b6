//! The commands, or the manual of one: `help [COMMAND]`.
//!
//! ```text
//! command   what it shows or does
//! tasks     Every task: who it is, what it does and what it waits for, its time and memory.
//! ```
//!
//! JSON: command, summary; of one command: command, manual.

use crate::monitor::Output;
use crate::monitor::table::{Column, Table, column};
use llano_kernel::Kernel;
use llano_trace::json;

const COLUMNS: [Column; 2] = [column("command", "command"), column("what it shows or does", "summary")];

pub(super) fn run(_: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    let [name] = args else {
        super::none("help", &args[args.len().min(1)..]).map_err(|_| "`help` takes at most one command")?;
        let mut table = Table::new(&COLUMNS);
        for command in super::ALL {
            table.row(vec![command.name.into(), command.summary().into()]);
        }
        return Ok(Output::Table(table));
    };
    let command = super::find(name)?;
    let manual = command.manual();
    let mut object = String::from("{\"command\":");
    json::string(&mut object, command.name);
    object.push_str(",\"manual\":");
    json::string(&mut object, &manual);
    Ok(Output::Said(manual, object + "}"))
}
