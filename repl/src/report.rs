//! What llano says when a session is over: calls it does not know, processes it had to kill.

use crate::cli::Run;
use llano_kernel::Kernel;
use std::io::Write;

/// One line of llano's own on standard error. If that is closed there is nobody to tell.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "llano: {text}");
}

/// Prints it on standard error, nothing if there is nothing to say.
pub fn at_exit(k: &Kernel, options: &Run) {
    for report in &k.reports {
        say(report);
    }
    if options.quiet {
        return;
    }
    if k.refused_forks > 0 {
        say(&format!(
            "fork was refused with EINVAL ({}): there is no MMU to copy memory with; vfork and posix_spawn work",
            k.refused_forks
        ));
    }
    if let Some(strict) = &k.space.strict {
        if strict.refused_fixed > 0 {
            say(&format!(
                "mmap with MAP_FIXED was refused with EINVAL ({}): without an MMU nobody chooses addresses. ld.so loads libraries with it; static-PIE programs do without",
                strict.refused_fixed
            ));
        }
        // musl goes on without; glibc's start-up does not.
        if k.exit_status == Some(127 << 8) && k.call_counts[llano_abi::syscalls::nr::MPROTECT] > 0 {
            say(
                "mprotect is ENOSYS without an MMU: glibc's static-PIE programs start only if linked with -Wl,-z,norelro",
            );
        }
        if strict.refused_programs > 0 {
            say(&format!(
                "programs linked to fixed addresses were refused with ENOEXEC ({}): without an MMU only position-independent ones can be loaded (-static-pie)",
                strict.refused_programs
            ));
        }
    }
    let mut unknown: Vec<String> = k
        .unknown_calls
        .iter()
        .enumerate()
        .filter(|(_, n)| **n > 0)
        .map(|(nr, n)| format!("{} ({n})", llano_trace::format::name(nr)))
        .collect();
    if k.foreign_calls > 0 {
        unknown.push(format!("32-bit calls by int 0x80 ({})", k.foreign_calls));
    }
    if !unknown.is_empty() {
        say(&format!("system calls that are not implemented (ENOSYS): {}", unknown.join(", ")));
    }
}
