//! The rules about the shape of the source that no other tool checks: which crate may know which, which
//! module of the kernel may import which, how long a file may be, where `unsafe` may stand.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each crate's manifest and the llano crates it may depend on. A crate that is not listed is an error.
const ARROWS: &[(&str, &[&str])] = &[
    ("kernel/abi", &[]),
    ("kernel/machine", &[]),
    ("trace", &["llano-abi"]),
    ("kernel", &["llano-abi", "llano-machine", "llano-trace"]),
    ("debug", &["llano-abi", "llano-kernel"]),
    // The session hands the machine's parts (address space, RAM pool, bell) to the kernel it boots.
    ("repl", &["llano-abi", "llano-machine", "llano-kernel", "llano-debug", "llano-trace"]),
    (".", &["llano-abi", "llano-machine", "llano-kernel", "llano-trace", "llano-debug", "llano-repl"]),
];

/// The modules at the top of `kernel/src`, lowest tier first: a module imports from its own tier and below.
///
/// 0 nouns that know no task, 1 the task that owns some of them, 2 verbs over the whole kernel, 3 the loop
/// and the views for tools.
const TIERS: &[&[&str]] = &[
    &[
        "error", "user", "wait", "env", "log", "time", "cred", "mm", "fs", "ipc", "tty", "net", "sigstate",
        "random",
    ],
    &["task", "sched", "timers", "debug", "inject"],
    &["kernel", "syscall", "exec", "signal", "procfs", "dev", "oom", "patching"],
    &["run", "traced", "boot", "inspect", "view"],
];

/// Longest file that a newcomer still reads.
const MAX_LINES: usize = 600;

/// Files that may be longer, each with a reason. Meant to stay empty.
const LONG_FILES: &[(&str, &str)] = &[];

/// The crate that may say `unsafe`.
const UNSAFE_CRATE: &str = "kernel/machine";

/// Where the project's Rust files are.
const SOURCES: &[&str] = &["kernel", "trace", "debug", "repl", "examples", "tests"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `dir` whose name ends in one of `endings`, relative to the project, sorted.
fn files(dir: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else { return found };
    for entry in entries {
        let path = entry.expect("a readable directory").path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                found.extend(files(&path, endings));
            }
        } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn rust_files() -> Vec<(String, String)> {
    let found: Vec<_> = SOURCES.iter().flat_map(|dir| files(&root().join(dir), &[".rs"])).collect();
    assert!(found.len() > 5, "the sources have moved");
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a readable source file"))
        })
        .collect()
}

/// `source` with comments and the insides of strings and characters blanked; line breaks stay.
fn code_only(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &source[at..];
        let end = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = string(rest) {
            length
        } else {
            let c = rest.chars().next().expect("not at the end");
            out.push(c);
            at += c.len_utf8();
            continue;
        };
        out.extend(rest[..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        at += end;
    }
    out
}

/// Length of the (nested) block comment that `rest` starts with.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of the string or character literal that `rest` starts with, if it does.
fn string(rest: &str) -> Option<usize> {
    if rest.starts_with("r\"") || rest.starts_with("r#") {
        let hashes = rest[1..].bytes().take_while(|&b| b == b'#').count();
        let close = format!("\"{}", "#".repeat(hashes));
        let body = rest[1 + hashes..].strip_prefix('"')?;
        return body.find(&close).map(|end| 2 + hashes + end + close.len());
    }
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    if quote == '\'' && !rest[1..].starts_with('\\') {
        // A lifetime has no closing quote after its first character.
        let first = rest[1..].chars().next()?;
        return rest[1 + first.len_utf8()..].starts_with('\'').then_some(2 + first.len_utf8());
    }
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// Byte offsets in `code` where `word` stands alone.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        (at == 0 || !part(code.as_bytes()[at - 1]))
            && code.as_bytes().get(at + word.len()).is_none_or(|&b| !part(b))
    })
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// Fails with every complaint at once.
fn report(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The llano crates in the `[dependencies]` of a manifest.
fn llano_dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside =
                line == "[dependencies]" || line.ends_with(".dependencies]") && !line.contains("workspace");
        } else if inside && line.starts_with("llano-") {
            let name = line.split(['.', '=', ' ']).next().expect("split gives one");
            found.push(name.to_owned());
        }
    }
    found
}

#[test]
fn crates_depend_downwards() {
    let mut complaints = Vec::new();
    let mut seen = BTreeSet::new();
    for manifest in files(root(), &["Cargo.toml"]) {
        let dir = manifest.parent().expect("a directory").strip_prefix(root()).expect("below the root");
        let dir =
            if dir.as_os_str().is_empty() { ".".to_owned() } else { dir.to_string_lossy().into_owned() };
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == dir) else {
            complaints.push(format!("{dir}: a crate that ARROWS does not list"));
            continue;
        };
        for dependency in llano_dependencies(&fs::read_to_string(&manifest).expect("a readable manifest")) {
            if !allowed.contains(&dependency.as_str()) {
                complaints.push(format!("{dir}/Cargo.toml: may not depend on {dependency}"));
            }
        }
        seen.insert(dir);
    }
    for (name, _) in ARROWS.iter().filter(|(name, _)| !seen.contains(*name)) {
        complaints.push(format!("{name}: listed in ARROWS but gone"));
    }
    report(&complaints);
}

/// The tier of a name at the crate's root. `Kernel`, which the root re-exports, stands for its module.
fn tier(name: &str) -> Option<usize> {
    let module = if name == "Kernel" { "kernel" } else { name };
    TIERS.iter().position(|modules| modules.contains(&module))
}

/// The kernel's top-level modules that `code` names as `crate::module`, each with its offset.
fn imports(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for at in words(code, "crate") {
        let Some(path) = code[at + "crate".len()..].strip_prefix("::") else { continue };
        if let Some(group) = path.strip_prefix('{') {
            // `crate::{a, b::{c, d}}`: the names at depth one.
            let mut depth = 1;
            let mut start = true;
            for (i, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 1 => break,
                    '}' => depth -= 1,
                    ',' if depth == 1 => start = true,
                    c if start && depth == 1 && !c.is_whitespace() => {
                        found.push((at, identifier(&group[i..])));
                        start = false;
                    }
                    _ => {}
                }
            }
        } else {
            found.push((at, identifier(path)));
        }
    }
    found
}

fn identifier(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len())]
}

#[test]
fn kernel_tiers_import_downwards() {
    let mut complaints = Vec::new();
    for (name, source) in rust_files() {
        let Some(inside) = name.strip_prefix("kernel/src/") else { continue };
        let module = inside.split('/').next().expect("split gives one").trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let Some(own) = tier(module) else {
            complaints.push(format!("{name}: TIERS in tests/tidy.rs gives `{module}` no tier"));
            continue;
        };
        let code = code_only(&source);
        for (at, import) in imports(&code) {
            if tier(import).is_some_and(|other| other > own) {
                let line = line_of(&code, at);
                complaints
                    .push(format!("{name}:{line}: `{module}` (tier {own}) imports `{import}` from above"));
            }
        }
    }
    report(&complaints);
}

#[test]
fn files_stay_readable() {
    let mut complaints = Vec::new();
    for (name, source) in rust_files() {
        let lines = source.lines().count();
        if lines > MAX_LINES && !LONG_FILES.iter().any(|(long, _)| *long == name) {
            complaints.push(format!("{name}: {lines} lines, more than {MAX_LINES}: split it by aspect"));
        }
    }
    report(&complaints);
}

#[test]
fn only_the_machine_is_unsafe() {
    let mut complaints = Vec::new();
    for (name, source) in rust_files() {
        if !name.starts_with(UNSAFE_CRATE) && !name.starts_with("tests/") {
            let code = code_only(&source);
            let uses = words(&code, "unsafe").map(|at| line_of(&code, at));
            complaints.extend(uses.map(|line| format!("{name}:{line}: unsafe outside {UNSAFE_CRATE}")));
        }
    }
    for (dir, _) in ARROWS.iter().filter(|(dir, _)| *dir != UNSAFE_CRATE) {
        let file = if *dir == "." { "repl/main.rs".to_owned() } else { format!("{dir}/src/lib.rs") };
        let source = fs::read_to_string(root().join(&file)).expect("a crate root");
        if !code_only(&source).contains("#![forbid(unsafe_code)]") {
            complaints.push(format!("{file}: no #![forbid(unsafe_code)]"));
        }
    }
    report(&complaints);
}

/// Functions of libc that set no errno and use no thread-local storage, or ask for the host's side in their own way.
const HARMLESS: [&str; 7] =
    ["sigemptyset", "sigaddset", "getauxval", "makedev", "cfmakeraw", "clock_gettime", "__errno_location"];

/// Kernel code may run on a guest's FS: libc's functions are called as `host!(name)`, which asks for the host's.
#[test]
fn libc_is_called_across_the_border() {
    let mut complaints = Vec::new();
    for (name, source) in rust_files() {
        let border = name.ends_with("/border.rs");
        if !name.starts_with("kernel/machine/src/") || border {
            continue;
        }
        let code = code_only(&source);
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        for (at, _) in code.match_indices("libc::") {
            let rest = &code[at + "libc::".len()..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            let function = &rest[..end];
            let called = rest[end..].starts_with('(')
                && function.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
            if called && !HARMLESS.contains(&function) {
                complaints.push(format!("{name}:{}: libc::{function} without host!", line_of(code, at)));
            }
        }
    }
    report(&complaints);
}

#[test]
fn unsafe_blocks_argue() {
    let mut complaints = Vec::new();
    for (name, source) in rust_files() {
        if !name.starts_with(UNSAFE_CRATE) {
            continue;
        }
        let code = code_only(&source);
        let lines: Vec<&str> = source.lines().collect();
        for at in words(&code, "unsafe") {
            let after = code[at + "unsafe".len()..].trim_start();
            if !after.starts_with('{') && !after.starts_with("impl") {
                continue;
            }
            let line = line_of(&code, at);
            // Above it, past the beginning of its own statement at most.
            let argued = lines[line.saturating_sub(12)..line].iter().any(|text| text.contains("SAFETY:"));
            if !argued {
                complaints.push(format!("{name}:{line}: an unsafe block without a SAFETY comment"));
            }
        }
    }
    report(&complaints);
}

#[test]
fn the_lexer_of_this_test_works() {
    let source = "let a = \"unsafe \\\" {\"; // unsafe\nlet b: &'a str = r#\"unsafe \"\"#; /* /* */ unsafe */ let c = '\"';\nunsafe {}";
    let code = code_only(source);
    assert_eq!(words(&code, "unsafe").map(|at| line_of(&code, at)).collect::<Vec<_>>(), [3]);
    assert!(code.contains("&'a str"));
    let grouped = imports("use crate::{mm::Mm, fs::{self, file}, run}; fn f(x: crate::task::Task) {}");
    assert_eq!(grouped.iter().map(|(_, name)| *name).collect::<Vec<_>>(), ["mm", "fs", "run", "task"]);
    let manifest = "[package]\nname = \"llano-x\"\n[dependencies]\nllano-abi.workspace = true\nllano-trace = { path = \"..\" }\n[dev-dependencies]\nllano-repl = \"1\"\n";
    assert_eq!(llano_dependencies(manifest), ["llano-abi", "llano-trace"]);
}
