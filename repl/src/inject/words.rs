//! llano's own form: `CALLS ACTION... [CONDITION...]`, words in any order behind the calls.

use super::{duration, failure, number};
use crate::monitor::commands::signal_number;
use llano_kernel::inject::{CERTAIN, Compare, Rule, Target, Test, Who};
use std::str::SplitWhitespace;

const KNOWN: &str = "actions: count, log, trace, stop, delay TIME, fail ERROR, retval N, signal SIG; \
                     conditions: in TASK, path PATTERN, fd N, arg N =|!=|<|>|& VALUE, every N, after N, p=CHANCE";

/// Reads a rule.
pub(super) fn parse(text: &str) -> Result<Rule, String> {
    let mut words = text.split_whitespace();
    let mut rule = super::rule(text, words.next().unwrap_or_default())?;
    let (mut acts, mut after, mut every) = (false, 0, 1);
    while let Some(word) = words.next() {
        let effects = &mut rule.effects;
        let action = match word {
            "count" => true,
            "log" => set(&mut effects.log),
            "trace" => set(&mut effects.trace),
            "stop" => set(&mut effects.stop),
            "delay" => {
                effects.before_ns = duration(next(&mut words, word)?)?;
                true
            }
            "fail" => {
                effects.result = Some(failure(next(&mut words, word)?)?);
                true
            }
            "retval" => {
                effects.result = Some(number(next(&mut words, word)?)?);
                true
            }
            "signal" => {
                effects.signal = Some(signal_number(next(&mut words, word)?)?);
                true
            }
            _ => false,
        };
        acts |= action;
        match word {
            _ if action => {}
            "in" => rule.who = Some(who(next(&mut words, word)?)),
            "path" => rule.target = Some(Target::Path(next(&mut words, word)?.into())),
            "fd" => rule.target = Some(Target::Fd(number(next(&mut words, word)?)? as i32)),
            "arg" => rule.test = Some(test(&mut words)?),
            "every" => every = positive(next(&mut words, word)?, word)?,
            "after" => after = positive(next(&mut words, word)?, word)?,
            _ => match word.strip_prefix("p=") {
                Some(chance) => rule.when.chance = probability(chance)?,
                None => return Err(format!("`{}` means nothing here; {KNOWN}", word.escape_debug())),
            },
        }
    }
    if !acts {
        return Err(format!("there is no action in the rule; {KNOWN}"));
    }
    // The first of every three is the third.
    (rule.when.first, rule.when.step) = (after + every, every);
    if every == 1 {
        rule.when.first = after + 1;
    }
    Ok(rule)
}

fn set(flag: &mut bool) -> bool {
    *flag = true;
    true
}

fn next<'a>(words: &mut SplitWhitespace<'a>, before: &str) -> Result<&'a str, String> {
    words.next().ok_or_else(|| format!("`{before}` needs a word behind it; {KNOWN}"))
}

fn who(word: &str) -> Who {
    word.parse().map_or_else(|_| Who::Name(word.into()), Who::Number)
}

fn positive(word: &str, what: &str) -> Result<u64, String> {
    word.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("`{what}` takes a number from 1 on"))
}

fn probability(word: &str) -> Result<u64, String> {
    let chance = word.parse::<f64>().ok().filter(|p| (0.0..=1.0).contains(p));
    chance
        .map(|p| (p * CERTAIN as f64) as u64)
        .ok_or_else(|| "`p=` takes a chance from 0 to 1, as p=0.01".into())
}

/// `N =|!=|<|>|& VALUE`, counted from 1.
fn test(words: &mut SplitWhitespace<'_>) -> Result<Test, String> {
    let wrong = || "`arg` takes a number from 1 to 6, one of = != < > &, and a value".to_string();
    let arg: usize = next(words, "arg")?.parse().map_err(|_| wrong())?;
    let compare = match next(words, "arg")? {
        "=" | "==" => Compare::Equal,
        "!=" => Compare::Unequal,
        "<" => Compare::Less,
        ">" => Compare::More,
        "&" => Compare::Bits,
        _ => return Err(wrong()),
    };
    let value = number(next(words, "arg")?)? as u64;
    if (1..=6).contains(&arg) { Ok(Test { arg: arg - 1, compare, value }) } else { Err(wrong()) }
}
