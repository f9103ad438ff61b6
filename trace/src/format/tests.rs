//! Golden lines: what strace prints of the same calls.

use super::*;
use crate::record::BytesKind;
use std::vec::Vec;

fn line(nr: usize, values: &[u64], result: i64) -> String {
    let mut args = [0; 6];
    args[..values.len()].copy_from_slice(values);
    let path = |key, text: &str| Text { kind: BytesKind::Path, key, bytes: text.as_bytes().to_vec() };
    let mut strings: Vec<Text> = Vec::from([path(0x10, "/etc/passwd"), path(0x20, "a \"b\"\n\u{e9}1")]);
    strings.push(Text {
        kind: BytesKind::Data,
        key: 0x30,
        bytes: b"0123456789012345678901234567890123".to_vec(),
    });
    let fds = FdNames::from([(3, "/etc/passwd".into()), (4, "pipe:[7]".into())]);
    let mut out = String::new();
    let made: Vec<_> =
        fds.get(&(result as i32)).map(|name| (result as i32, name.clone())).into_iter().collect();
    let context = Context { memory: &strings, fds: Some(&fds), made: &made, returned: Some(result) };
    call(&mut out, nr, &args, context);
    out
}

const CWD: u64 = -100i64 as u64;

#[test]
fn golden_lines() {
    for (got, want) in [
        (
            line(nr::OPENAT, &[CWD, 0x10, 0o2000000, 0], 3),
            r#"openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3</etc/passwd>"#,
        ),
        (
            line(nr::OPENAT, &[3, 0x20, 0o101, 0o644], -2),
            r#"openat(3</etc/passwd>, "a \"b\"\n\303\2511", O_WRONLY|O_CREAT, 0644) = -1 ENOENT (No such file or directory)"#,
        ),
        (line(nr::CLOSE, &[4], 0), "close(4<pipe:[7]>) = 0"),
        (line(nr::CLOSE, &[u64::MAX], -9), "close(-1) = -1 EBADF (Bad file descriptor)"),
        (line(nr::WRITE, &[1, 0x30, 34], 34), r#"write(1, "01234567890123456789012345678901"..., 34) = 34"#),
        (line(nr::READ, &[0, 0, 8], -14), "read(0, NULL, 8) = -1 EFAULT (Bad address)"),
        (
            line(nr::MMAP, &[0, 8192, 3, 0x22, u64::MAX, 0], 0x7f00_0000_0000),
            "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000",
        ),
        (
            line(nr::CLONE, &[0x0120_0011, 0, 0, 0x7f00, 0], 12),
            "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f00) = 12",
        ),
        (line(nr::FUTEX, &[0x5000, 129, 1], 1), "futex(0x5000, FUTEX_WAKE_PRIVATE, 1) = 1"),
        (line(nr::FUTEX, &[0x5000, 128, 2, 0], 0), "futex(0x5000, FUTEX_WAIT_PRIVATE, 2, NULL) = 0"),
        (line(nr::FCNTL, &[3, 2, 1], 0), "fcntl(3</etc/passwd>, F_SETFD, FD_CLOEXEC) = 0"),
        (
            line(nr::FCNTL, &[3, 3], 0x8000),
            "fcntl(3</etc/passwd>, F_GETFL) = 0x8000 (flags O_RDONLY|O_LARGEFILE)",
        ),
        (line(nr::FCNTL, &[3, 0, 10], 10), "fcntl(3</etc/passwd>, F_DUPFD, 10) = 10"),
        (line(nr::IOCTL, &[1, 0x5413, 0x99], -25), {
            "ioctl(1, TIOCGWINSZ, 0x99) = -1 ENOTTY (Inappropriate ioctl for device)"
        }),
        (line(nr::KILL, &[-1i64 as u64, 15], 0), "kill(-1, SIGTERM) = 0"),
        (line(nr::TGKILL, &[7, 8, 34], 0), "tgkill(7, 8, SIGRT_2) = 0"),
        (line(nr::SOCKET, &[1, 0o2000001, 0], 5), "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 5"),
        (
            line(nr::SETSOCKOPT, &[5, 1, 2, 0x40, 4], 0),
            "setsockopt(5, SOL_SOCKET, SO_REUSEADDR, 0x40, 4) = 0",
        ),
        (line(nr::ACCESS, &[0x10, 4], 0), r#"access("/etc/passwd", R_OK) = 0"#),
        (line(nr::LSEEK, &[3, -5i64 as u64, 2], 0), "lseek(3</etc/passwd>, -5, SEEK_END) = 0"),
        (line(nr::FCHOWN, &[3, 1000, u64::MAX], 0), "fchown(3</etc/passwd>, 1000, -1) = 0"),
        (line(nr::MKNOD, &[0x99, 0o20666, 0x103], 0), "mknod(0x99, S_IFCHR|0666, makedev(0x1, 0x3)) = 0"),
        (line(nr::PRCTL, &[38, 1], 0), "prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) = 0"),
        (line(nr::UMASK, &[0o22], 0o77), "umask(022) = 077"),
        (line(nr::EXIT_GROUP, &[3], 0), "exit_group(3) = ?"),
        (line(nr::GETPID, &[], 9), "getpid() = 9"),
        (
            line(nr::READ, &[4, 0x99, 1], -512),
            "read(4<pipe:[7]>, 0x99, 1) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)",
        ),
        (
            line(423, &[1], -38),
            "syscall_0x1a7(0x1, 0x0, 0x0, 0x0, 0x0, 0x0) = -1 ENOSYS (Function not implemented)",
        ),
    ] {
        assert_eq!(got, want);
    }
}

#[test]
fn a_call_in_progress() {
    let mut out = String::new();
    call(&mut out, nr::READ, &[0, 16, 1, 0, 0, 0], Context::default());
    assert_eq!(out, "read(0, 0x10, 1 <unfinished ...>");
}

/// Words as they stand in memory.
fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// The line of a call with what it read and what it left.
fn with_memory(
    nr: usize,
    values: &[u64],
    result: i64,
    read: &[(u64, Vec<u8>)],
    left: &[(u64, Vec<u8>)],
) -> String {
    let mut args = [0; 6];
    args[..values.len()].copy_from_slice(values);
    let piece = |kind| move |(key, bytes): &(u64, Vec<u8>)| Text { kind, key: *key, bytes: bytes.clone() };
    let memory: Vec<Text> =
        read.iter().map(piece(BytesKind::Data)).chain(left.iter().map(piece(BytesKind::Out))).collect();
    let fds = FdNames::from([(3, "pipe:[7]".into()), (-100, "/root".into())]);
    let mut out = String::new();
    let made = [(3, "new".into())];
    let context = Context { memory: &memory, fds: Some(&fds), made: &made, returned: Some(result) };
    call(&mut out, nr, &args, context);
    out
}

#[test]
fn memory_reads_as_strace_shows_it() {
    let at = 0x7f00_0000u64;
    for (got, want) in [
        (
            with_memory(nr::NANOSLEEP, &[at, at], -4, &[(at, words(&[1, 5]))], &[(at, words(&[0, 9]))]),
            "nanosleep({tv_sec=1, tv_nsec=5}, {tv_sec=0, tv_nsec=9}) = -1 EINTR (Interrupted system call)",
        ),
        (
            with_memory(
                nr::POLL,
                &[at, 1, 5],
                1,
                &[(at, words(&[0x1_0000_0003]))],
                &[(at, words(&[0x1_0001_0000_0003]))],
            ),
            "poll([{fd=3<pipe:[7]>, events=POLLIN}], 1, 5) = 1 ([{fd=3, revents=POLLIN}])",
        ),
        (with_memory(nr::POLL, &[at, 1, 5], 0, &[], &[]), "poll(0x7f000000, 1, 5) = 0 (Timeout)"),
        (
            with_memory(nr::PIPE2, &[at, 0], 0, &[], &[(at, words(&[0x9_0000_0003]))]),
            "pipe2([3<new>, 9], 0) = 0",
        ),
        (
            with_memory(nr::WAIT4, &[5, at, 0, 0], 5, &[], &[(at, words(&[0x8b]))]),
            "wait4(5, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}], 0, NULL) = 5",
        ),
        (
            with_memory(nr::RT_SIGPROCMASK, &[0, at, 0, 8], 0, &[(at, words(&[!0x1_8000_0000]))], &[]),
            "rt_sigprocmask(SIG_BLOCK, ~[RTMIN RT_1], NULL, 8) = 0",
        ),
        (
            with_memory(
                nr::WRITEV,
                &[3, at, 2],
                37,
                &[(at, words(&[0x100, 33, 0x200, 4])), (0x100, b"0123456789abcdef0123456789abcdef".to_vec())],
                &[],
            ),
            concat!(
                r#"writev(3<pipe:[7]>, [{iov_base="0123456789abcdef0123456789abcdef"..., iov_len=33}, "#,
                "{iov_base=0x200, iov_len=4}], 2) = 37"
            ),
        ),
        (
            with_memory(
                nr::ACCEPT,
                &[3, at, 0x10],
                9,
                &[(0x10, words(&[16]))],
                &[(at, b"\x02\0\x1f\x90\x7f\0\0\x01".to_vec()), (0x10, words(&[8]))],
            ),
            concat!(
                r#"accept(3<pipe:[7]>, {sa_family=AF_INET, sin_port=htons(8080), "#,
                r#"sin_addr=inet_addr("127.0.0.1")}, [16 => 8]) = 9"#
            ),
        ),
        (
            with_memory(
                nr::EXECVE,
                &[0x9, at, at + 8],
                0,
                &[(at, words(&[0x100, 0])), (0x100, b"sh".to_vec()), (at + 8, 1u32.to_le_bytes().to_vec())],
                &[],
            ),
            r#"execve(0x9, ["sh"], 0x7f000008 /* 1 var */) = 0"#,
        ),
        (
            with_memory(
                nr::UTIMENSAT,
                &[-100i64 as u64, 0, at, 0],
                0,
                &[(at, words(&[951_782_400, 0, 0, 0x3fff_ffff]))],
                &[],
            ),
            "utimensat(AT_FDCWD</root>, NULL, [{tv_sec=951782400, tv_nsec=0} /* 2000-02-29T00:00:00+0000 */, UTIME_NOW], 0) = 0",
        ),
        (
            with_memory(nr::READ, &[3, at, 64], 2, &[], &[(at, b"ab".to_vec())]),
            r#"read(3<pipe:[7]>, "ab", 64) = 2"#,
        ),
        // A piece that was cut off, as damage would.
        (
            with_memory(nr::FSTAT, &[3, at], 0, &[], &[(at, words(&[1]))]),
            "fstat(3<pipe:[7]>, {st_mode=..., ...}) = 0",
        ),
    ] {
        assert_eq!(got, want);
    }
}

/// Any memory behind any arguments of any call, as a damaged recording may hold: a line that ends.
#[test]
fn damage_is_no_harm() {
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    // Few addresses, so that arguments and words of structures lead to pieces.
    let address = |random: u64| [0, 8, 0x100, 0x200, 1, random][(random >> 32) as usize % 6];
    for row in syscalls::SYSCALLS {
        for _ in 0..40 {
            let args = core::array::from_fn(|_| address(random()));
            let mut memory = Vec::new();
            for kind in [BytesKind::Path, BytesKind::Data, BytesKind::Out] {
                for key in [8, 0x100, 0x200] {
                    let length = random() as usize % 150;
                    let mut bytes: Vec<u8> = core::iter::from_fn(|| Some(words(&[address(random())])))
                        .take(20)
                        .flatten()
                        .collect();
                    bytes.truncate(length);
                    memory.push(Text { kind, key, bytes });
                }
            }
            let result = [0, 1, 40, -4, i64::MAX, random() as i64][random() as usize % 6];
            let context = Context { memory: &memory, returned: Some(result), ..Context::default() };
            let mut out = String::new();
            call(&mut out, row.nr.into(), &args, context);
            assert!(out.contains(") = ") && out.len() < 1 << 18, "{}: {} bytes", row.name, out.len());
        }
    }
}
