//! Rules of `--inject` and the monitor's `inject`, from their text: in words, or as strace writes them.
//!
//! ```text
//! openat fail ENOSPC path /tmp/* every 3          openat:error=ENOSPC:when=3+3
//! ```
//!
//! - `words`: llano's own form
//! - `strace`: that of `strace -e inject=`

mod strace;
mod words;

use llano_abi::errno::Errno;
use llano_abi::syscalls::NR_LIMIT;
use llano_kernel::inject::{Effects, Rule, When};
use llano_trace::filter::{CallSet, Filter};

/// Reads a rule.
///
/// # Errors
/// One line that says which word is wrong, and what may stand there.
pub fn parse(text: &str) -> Result<Rule, String> {
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("fault=") {
        return strace::parse(rest, true);
    }
    let text = text.strip_prefix("inject=").unwrap_or(text);
    let first = text.split_whitespace().next().ok_or("a rule begins with calls: `openat fail ENOENT`")?;
    if first.contains(':') || !text.contains(char::is_whitespace) {
        strace::parse(text, false)
    } else {
        words::parse(text)
    }
}

/// A rule without effects for these calls.
fn rule(text: &str, calls: &str) -> Result<Rule, String> {
    Ok(Rule {
        id: 0,
        text: text.into(),
        calls: calls_of(calls)?,
        who: None,
        target: None,
        test: None,
        when: When::default(),
        effects: Effects::default(),
        seen: 0,
        hits: 0,
    })
}

/// The calls that a list names, as `openat,%network`, `!write`, `all`.
fn calls_of(list: &str) -> Result<CallSet, String> {
    let filter = Filter::parse(list).map_err(|_| {
        let known = "names of system calls, and classes as %file, with commas between; `!` before it means all others";
        format!("`{}` names no calls: {known}", list.escape_debug())
    })?;
    let mut calls = CallSet::NONE;
    (0..NR_LIMIT).filter(|nr| filter.keeps_call(*nr)).for_each(|nr| calls.insert(nr));
    if calls == CallSet::NONE { Err(format!("`{}` names no calls", list.escape_debug())) } else { Ok(calls) }
}

/// The result of a call that fails so: by name or number.
fn failure(word: &str) -> Result<i64, String> {
    let named = || (1..4096).map(|raw| Errno(raw as u16)).find(|e| e.name() == word.to_ascii_uppercase());
    let number = word.parse::<u16>().ok().filter(|n| (1..4096).contains(n)).map(Errno).or_else(named);
    let error = number
        .ok_or_else(|| format!("`{}` is no error: ENOSPC, or a number to 4095", word.escape_debug()))?;
    Ok(-i64::from(error.0))
}

/// A number, decimal or with 0x.
fn number(word: &str) -> Result<i64, String> {
    let parsed = match word.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(|n| n as i64),
        None => word.parse().ok(),
    };
    parsed.ok_or_else(|| format!("`{}` is no number", word.escape_debug()))
}

/// A time in nanoseconds: `20ms`, `1s`, `500us`, `800ns`; a number alone is microseconds, as in strace. At most an hour.
fn duration(word: &str) -> Result<u64, String> {
    let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let (value, unit) = word.split_at(digits);
    let unit = match unit {
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" | "" => 1000,
        "ns" => 1,
        _ => 0,
    };
    let ns = value.parse::<u64>().ok().and_then(|n| n.checked_mul(unit)).filter(|ns| *ns > 0);
    ns.filter(|ns| *ns <= 3_600_000_000_000)
        .ok_or_else(|| format!("`{}` is no time: 20ms, 1s, 500us; at most an hour", word.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use llano_kernel::inject::{CERTAIN, Compare, Target, Test, Who};

    #[test]
    fn both_forms_say_the_same() {
        let ours = parse("openat fail ENOSPC every 3").unwrap();
        let theirs = parse("openat:error=ENOSPC:when=3+3").unwrap();
        assert_eq!(
            (ours.calls, ours.when, ours.effects.clone()),
            (theirs.calls, theirs.when, theirs.effects)
        );
        assert_eq!(ours.effects.result, Some(-28));
        assert!(ours.calls.contains(257) && !ours.calls.contains(0));
    }

    #[test]
    fn words() {
        let rule = parse("%network,read delay 20ms in httpd path /a* arg 2 > 0x10 p=0.5").unwrap();
        assert!(rule.calls.contains(0) && rule.calls.contains(41));
        assert_eq!(rule.effects.before_ns, 20_000_000);
        assert_eq!(rule.who, Some(Who::Name("httpd".into())));
        assert_eq!(rule.target, Some(Target::Path("/a*".into())));
        assert_eq!(rule.test, Some(Test { arg: 1, compare: Compare::More, value: 16 }));
        assert_eq!(rule.when.chance, CERTAIN / 2);
        let rule = parse("write count fd 1 in 12 every 10").unwrap();
        assert_eq!((rule.target, rule.who), (Some(Target::Fd(1)), Some(Who::Number(12))));
        assert_eq!((rule.when.first, rule.when.step), (10, 10));
        assert_eq!(parse("read signal SIGUSR1 log trace").unwrap().effects.signal, Some(10));
        assert_eq!(parse("read retval 0").unwrap().effects.result, Some(0));
    }

    #[test]
    fn strace_s_form() {
        let all =
            parse("inject=read,write:retval=0:signal=KILL:delay_enter=10:delay_exit=1s:when=2..9+2").unwrap();
        assert_eq!(all.effects.result, Some(0));
        assert_eq!(all.effects.signal, Some(9));
        assert_eq!((all.effects.before_ns, all.effects.after_ns), (10_000, 1_000_000_000));
        assert_eq!((all.when.first, all.when.last, all.when.step), (2, 9, 2));
        let once = parse("close:error=EIO:when=3").unwrap();
        assert_eq!((once.when.first, once.when.last), (3, 3));
        assert_eq!(parse("read:error=5:when=4+").unwrap().when, When { first: 4, ..When::default() });
        assert_eq!(parse("fault=dup2").unwrap().effects.result, Some(-38));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, says) in [
            ("", "begins with calls"),
            ("nosuch fail EIO", "`nosuch` names no calls"),
            ("sched count", "names no calls"),
            ("read fail EFOO", "`EFOO` is no error"),
            ("read fail", "`fail` needs"),
            ("read frobnicate", "`frobnicate`"),
            ("read", "says nothing"),
            ("read path /x", "no action"),
            ("read delay 5parsec", "is no time"),
            ("read count p=2", "p="),
            ("read count every 0", "every"),
            ("read count arg 7 = 1", "arg"),
            ("read:error=EIO:retval=1", "error and retval"),
            ("read:error=EIO:when=0", "when"),
            ("read:error=EIO:when=5..2", "when"),
            ("read:poke_exit=@arg1=00", "poke_exit"),
            ("read:signal=FOO", "no signal"),
        ] {
            let error = parse(text).err().unwrap_or_default();
            assert!(error.contains(says), "{text}: {error}");
            assert!(!error.contains('\n'));
        }
    }
}
