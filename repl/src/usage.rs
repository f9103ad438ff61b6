//! From the command line's words to [`Cli`]: what is wrong with them is said in one line, with status 2.

use crate::cli::Cli;
use crate::session::Failure;
use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error;
use std::ffi::OsString;

/// Status of a command line that cannot be understood.
const USAGE: i32 = 2;

/// Options that are reserved.
const OPTIONS: [&str; 8] = [
    "--strict-nommu",
    "--monitor",
    "--post-mortem",
    "--inject",
    "--guard",
    "--seed",
    "--trace-self",
    "--trace-detail",
];

/// Values that are reserved; what ends in `:` begins one.
const VALUES: [(&str, &[&str]); 2] =
    [("--intercept", &["patch", "zpoline"]), ("--net", &["loopback", "passt", "tap:"])];

/// Subcommands that are reserved.
const COMMANDS: [&str; 3] = ["trace", "test", "lint"];

/// What the words ask for.
pub enum Asked {
    /// This.
    Do(Box<Cli>),
    /// Help or the version: this text.
    Text(String),
}

/// Parses the words after the program's name.
///
/// # Errors
/// One line, status 2.
pub fn parse(args: &[OsString]) -> Result<Asked, Failure> {
    let fail = |text: String| Failure { text, status: USAGE };
    let words = std::iter::once(OsString::from("llano")).chain(args.iter().cloned());
    match Cli::try_parse_from(words) {
        Ok(cli) => {
            let first = args.first().and_then(|a| a.to_str()).unwrap_or_default();
            if COMMANDS.contains(&first) {
                return Err(fail(format!(
                    "{first}: not in this build (`llano run -- {first}` runs the program)"
                )));
            }
            Ok(Asked::Do(Box::new(cli)))
        }
        Err(e) if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Ok(Asked::Text(e.render().to_string()))
        }
        Err(e) => Err(fail(sentence(&e))),
    }
}

/// What clap found wrong, in one line.
fn sentence(e: &clap::Error) -> String {
    let text = |kind| match e.get(kind) {
        Some(ContextValue::String(s)) => s.as_str(),
        _ => "",
    };
    // "--mem <SIZE>": the placeholder is of no use here.
    let option = text(ContextKind::InvalidArg).split([' ', '=']).next().unwrap_or_default();
    let value = text(ContextKind::InvalidValue);
    let reserved = VALUES.iter().filter(|(o, _)| *o == option).flat_map(|(_, v)| *v);
    let mut reserved = reserved.map(|r| if r.ends_with(':') { value.starts_with(r) } else { value == *r });
    match e.kind() {
        ErrorKind::UnknownArgument if OPTIONS.contains(&option) => format!("{option}: not in this build"),
        ErrorKind::UnknownArgument => format!("no option {option}; `llano --help` lists them"),
        ErrorKind::InvalidValue if value.is_empty() => format!("{option} needs a value; see `llano --help`"),
        ErrorKind::InvalidValue if reserved.any(|r| r) => format!("{option} {value}: not in this build"),
        ErrorKind::InvalidValue => match e.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(valid)) => {
                format!("{option} {value}: expected {}", valid.join(" or "))
            }
            _ => format!("{option} {value}: not a value it takes"),
        },
        ErrorKind::ValueValidation => {
            format!("{option} {value}: {}", e.source().map(ToString::to_string).unwrap_or_default())
        }
        _ => {
            let rendered = e.render().to_string();
            // The missing argument's name stands on a line of its own.
            let lines = rendered.lines().map(str::trim).take_while(|l| !l.is_empty()).collect::<Vec<_>>();
            lines.join(" ").trim_start_matches("error: ").to_string()
        }
    }
}
