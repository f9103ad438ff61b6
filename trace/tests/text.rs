//! The recording as text.

mod common;

use llano_trace::filter::Filter;
use llano_trace::text::{self, Options};

fn print(options: Options) -> String {
    let (recorder, now) = common::pipeline(1 << 20);
    let mut out = Vec::new();
    text::write(&mut out, recorder.iter(), &now, options).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn calls_signals_and_ends_have_lines() {
    let text = print(Options::default());
    let has = |end: &str| text.lines().any(|line| line.ends_with(end));
    assert_eq!(text.lines().next().unwrap(), "    0 22:13:20.123457 kernel: llano booted: 1 GiB of RAM");
    assert!(
        has(r#"openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 5</etc/passwd> <0.000002>"#),
        "{text}"
    );
    assert!(
        has("   10 22:13:20.123505 brk(NULL) = 0x55550000 <0.000000>")
            || has("brk(NULL) = 0x55550000 <0.000000>")
    );
    for end in ["--- SIGCHLD ---", "+++ exited with 0 +++", "+++ killed by SIGSEGV +++"] {
        assert!(has(end), "no {end} in\n{text}");
    }
    let last: Vec<&str> = text.lines().rev().take(2).collect();
    assert!(last[1].ends_with("read(0</dev/tty>, 0x7ffe2000, 1 <unfinished ...>"), "{last:?}");
    assert!(last[0].starts_with("   12 ") && last[0].contains("write(1"), "{last:?}");
    assert!(!text.contains("wakes"));
}

#[test]
fn less_and_more_can_be_asked_for() {
    let errors = print(Options { errors_only: true, ..Options::default() });
    assert!(errors.lines().filter(|line| line.contains("openat")).all(|line| line.contains("ENOENT")));
    assert_eq!(
        errors.lines().filter(|line| line.contains("(") && !line.contains("kernel:")).count(),
        6,
        "{errors}"
    );
    let one = print(Options { task: Some(12), ..Options::default() });
    assert!(one.lines().all(|line| line.starts_with("   12 ")) && one.lines().count() > 3, "{one}");
    // What is filtered away is followed: a call names the file that another one opened.
    let closes = print(Options { filter: Filter::parse("read").unwrap(), ..Options::default() });
    let calls = |line: &&str| line.contains('(');
    assert!(closes.lines().filter(calls).all(|line| line.contains(" read(")), "{closes}");
    assert!(closes.contains("read(5</etc/passwd>"), "{closes}");
    let all = print(Options { all_events: true, ..Options::default() });
    for text in [
        "... waits for pipe 0x0 in read",
        "... wakes 12",
        "... leaves the CPU to 0, state X",
        "... makes task 11 of process 11",
        "--- program \"/bin/cat\" ---",
    ] {
        assert!(all.lines().any(|line| line.ends_with(text)), "no {text} in\n{all}");
    }
}
