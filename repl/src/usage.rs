//! From the command line's words to [`Cli`]: what is wrong with them is said in one line, with status 2.

use crate::cli::{Cli, Command};
use crate::session::Failure;
use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error;
use std::ffi::OsString;

/// Status of a command line that cannot be understood.
const USAGE: i32 = 2;

/// Options that are reserved.
const OPTIONS: [&str; 3] = ["--monitor", "--guard", "--seed"];

/// Values that are reserved; what ends in `:` begins one.
const VALUES: [(&str, &[&str]); 2] =
    [("--intercept", &["zpoline"]), ("--net", &["loopback", "passt", "tap:"])];

/// Subcommands that are reserved.
const COMMANDS: [&str; 2] = ["test", "lint"];

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
            let cmd = match &cli.command {
                Some(Command::Run(options)) => &options.cmd,
                _ => &cli.run.cmd,
            };
            // A command may take words with dashes, but does not begin with one unless `--` stands before it.
            let before = args.len().checked_sub(cmd.len() + 1).and_then(|i| args.get(i));
            match cmd.first().map(|word| word.to_string_lossy()) {
                Some(word) if word.starts_with('-') && before.is_none_or(|b| b != "--") => {
                    Err(fail(no_option(word.split('=').next().unwrap_or_default())))
                }
                _ => Ok(Asked::Do(Box::new(cli))),
            }
        }
        Err(e) if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Ok(Asked::Text(e.render().to_string()))
        }
        Err(e) => Err(fail(sentence(&e))),
    }
}

fn no_option(word: &str) -> String {
    if OPTIONS.contains(&word) {
        format!("{word}: not in this build")
    } else if word.starts_with('-') {
        format!("no option {word}; `llano --help` lists them")
    } else {
        format!("a word too many: {word}; see `llano --help`")
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
        ErrorKind::UnknownArgument => no_option(option),
        // Only `trace` has commands of its own.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            "trace needs a command; `llano trace --help` lists them".into()
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(line: &str) -> String {
        let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
        match parse(&words) {
            Ok(Asked::Do(cli)) => match cli.command {
                Some(Command::Run(run)) => format!("run {:?}", run.cmd),
                Some(_) => "command".into(),
                None => format!("default {:?}", cli.run.cmd),
            },
            Ok(Asked::Text(_)) => "text".into(),
            Err(f) => format!("{} {}", f.status, f.text),
        }
    }

    #[test]
    fn words_of_the_program_are_its_own() {
        assert_eq!(answer("ls -la --color"), r#"default ["ls", "-la", "--color"]"#);
        assert_eq!(answer("--trace off ls --root"), r#"default ["ls", "--root"]"#);
        assert_eq!(answer("run -- test 1"), r#"run ["test", "1"]"#);
        assert_eq!(answer("run -- -x"), r#"run ["-x"]"#);
        assert_eq!(answer("demo"), "command");
    }

    #[test]
    fn what_is_reserved_says_so() {
        for line in ["--seed 1 true", "run --seed=1 -- true", "--net passt true", "--net tap:x true", "lint"]
        {
            assert!(
                answer(line).starts_with("2 ") && answer(line).contains("not in this build"),
                "{line}: {}",
                answer(line)
            );
        }
        let help = <Cli as clap::CommandFactory>::command().render_long_help().to_string();
        assert!(
            OPTIONS.iter().all(|o| !help.contains(&format!("{o} ")) && !help.contains(&format!("{o}\n")))
        );
    }

    #[test]
    fn mistakes_are_one_line() {
        for line in [
            "--mem lots true",
            "--nonsense",
            "-x",
            "--root",
            "--gdb-wait true",
            "demo x",
            "monitor",
            "trace",
            "trace stat x",
            "trace stats",
            "trace print x --task y",
            "--net zz true",
        ] {
            let said = answer(line);
            assert!(said.starts_with("2 ") && !said.contains('\n') && said.len() < 120, "{line}: {said}");
        }
    }
}
