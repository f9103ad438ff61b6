//! Interferes with calls: delays them, makes them fail, stops at them, counts them. `inject CALLS ACTION [CONDITION]`.
//!
//! ```text
//! inject                              the rules, and how often each was hit
//! inject openat fail ENOSPC path /tmp/* every 3
//! inject %network delay 20ms in httpd
//! inject write stop fd 1 after 10
//! inject openat:error=ENOSPC:when=3+3 as strace writes it; also `--inject` at start
//! inject remove 2                     or `remove all`
//! inject save faults.llano           the rules, for `source faults.llano`
//! inject seed 7                       of the chances, as p=0.01
//!
//! rule  matched  hits  text
//!    1       12     4  openat fail ENOSPC path /tmp/* every 3
//! ```
//!
//! Calls are names, classes as %file, with commas between, `all`, or `!` and those that are not meant.
//! Actions, one or more: `count`, `log` (a line in the log), `trace` (a note in the trace), `stop` (into gdb, or as `stop`),
//! `delay TIME` (20ms, 1s, 500us), `fail ERROR`, `retval N` (the call is not made), `signal SIG`.
//! Conditions, all of which must hold: `in TASK` (number or name), `path PATTERN` (`*` is anything; paths of arguments and of files
//! behind descriptors), `fd N`, `arg N =|!=|<|>|& VALUE` (the first is 1), `every N`, `after N`, `p=CHANCE`.
//! Of `matched` calls `hits` were meant. While there is no rule nobody is asked, and nothing costs anything.
//! JSON: rule, matched, hits, text.

use crate::inject;
use crate::monitor::Output;
use crate::monitor::table::{Cell, Column, Table, column};
use llano_kernel::Kernel;
use llano_trace::json;
use std::path::Path;

const COLUMNS: [Column; 4] =
    [column("rule", "rule"), column("matched", "matched"), column("hits", "hits"), column("text", "text")];

pub(super) fn run(k: &mut Kernel, args: &[&str]) -> Result<Output, String> {
    match args {
        [] | ["list"] => {}
        ["remove", "all"] => k.inject.rules.clear(),
        ["remove", which] => {
            let before = k.inject.rules.len();
            let id: u32 = which.parse().map_err(|_| "`inject remove` takes a rule's number, or `all`")?;
            k.inject.rules.retain(|rule| rule.id != id);
            if k.inject.rules.len() == before {
                return Err(format!("there is no rule {id}; `inject` lists them"));
            }
        }
        ["save", file @ ..] => return save(k, &file.join(" ")),
        ["seed", seed] => k.inject.seed(seed.parse().map_err(|_| "`inject seed` takes a number")?),
        words => {
            k.inject.add(inject::parse(&words.join(" "))?);
        }
    }
    k.rules_changed();
    Ok(Output::Table(rules(k)))
}

/// Writes the rules as commands.
fn save(k: &Kernel, name: &str) -> Result<Output, String> {
    if name.is_empty() {
        return Err("`inject save` needs a file".into());
    }
    // The kernel stands still meanwhile: nothing that may make it wait.
    if std::fs::metadata(name).is_ok_and(|meta| !meta.is_file()) {
        return Err(format!("{name}: not a regular file"));
    }
    let lines: String = k.inject.rules.iter().map(|rule| format!("inject {}\n", rule.text)).collect();
    let written = llano_trace::file::write(Path::new(name), |out| out.write_all(lines.as_bytes()));
    written?;
    let count = k.inject.rules.len();
    let mut object = format!("{{\"rules\":{count},\"file\":");
    json::string(&mut object, name);
    Ok(Output::Said(format!("{count} rules saved to {name}"), object + "}"))
}

fn rules(k: &Kernel) -> Table {
    let mut table = Table::new(&COLUMNS);
    if k.inject.rules.is_empty() {
        table.note("There are no rules.");
    }
    for rule in &k.inject.rules {
        let id = Cell::Count(rule.id.into());
        table.row(vec![id, Cell::Count(rule.seen), Cell::Count(rule.hits), rule.text.as_str().into()]);
    }
    table
}
