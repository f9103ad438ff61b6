//! The form of strace(1): `SET[:error=E|:retval=N][:signal=S][:delay_enter=T][:delay_exit=T][:when=EXPR]`.

use super::{duration, failure, number};
use crate::monitor::commands::signal_number;
use llano_kernel::inject::{Effects, Rule, When};

const KNOWN: &str = "error=, retval=, signal=, delay_enter=, delay_exit=, when=FIRST[..LAST][+[STEP]]";

/// Reads a rule; with `fault`, calls fail with ENOSYS if it says nothing else.
pub(super) fn parse(text: &str, fault: bool) -> Result<Rule, String> {
    let mut parts = text.split(':');
    let mut rule = super::rule(text, parts.next().unwrap_or_default())?;
    for part in parts {
        let Some((key, value)) = part.split_once('=') else { return Err(wrong(part)) };
        let effects = &mut rule.effects;
        match key {
            "error" | "retval" if effects.result.is_some() => {
                return Err("a rule takes one of error and retval, once".into());
            }
            "error" => effects.result = Some(failure(value)?),
            "retval" => effects.result = Some(number(value)?),
            "signal" => effects.signal = Some(signal_number(value)?),
            "delay_enter" => effects.before_ns = duration(value)?,
            "delay_exit" => effects.after_ns = duration(value)?,
            "when" => {
                rule.when = when(value).ok_or("`when=` takes FIRST[..LAST][+[STEP]], numbers from 1 on")?
            }
            _ => return Err(wrong(part)),
        }
    }
    if rule.effects == Effects::default() {
        if !fault {
            return Err(format!(
                "the rule says nothing of what happens; behind the calls: {KNOWN}, or words: `read fail EIO`"
            ));
        }
        rule.effects.result = Some(failure("ENOSYS")?);
    }
    Ok(rule)
}

fn wrong(part: &str) -> String {
    format!("`{}` means nothing here; known are {KNOWN}", part.escape_debug())
}

fn when(text: &str) -> Option<When> {
    let (range, step) = match text.split_once('+') {
        Some((range, "")) => (range, Some(1)),
        Some((range, step)) => (range, Some(step.parse().ok()?)),
        None => (text, None),
    };
    let (first, last) = match range.split_once("..") {
        Some((first, last)) => (first.parse().ok()?, last.parse().ok()?),
        None => {
            let first = range.parse().ok()?;
            (first, if step.is_some() { u64::MAX } else { first })
        }
    };
    let step = step.unwrap_or(1);
    (first > 0 && last >= first && step > 0).then_some(When { first, last, step, ..When::default() })
}
