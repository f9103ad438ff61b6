//! How one `syscall` instruction can be reached by a jump: which bytes the jump takes, and which instructions move.
//!
//! The jump is five bytes, the instruction two, so neighbours move to the stub. Nothing proves that no other jump
//! leads *between* the bytes that are taken, so nothing relies on it: every place in them where an instruction began must
//! *trap* from then on, and whoever arrives there is sent to its copy. Which byte stands at such a place depends on the
//! distance to the stub, so the stub is put where those bytes are [`TRAPPING`]. Where no instruction began inside the
//! five bytes (`mov eax, imm32` in front of `syscall` is five long) any distance will do.

use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic};

/// Length of `jmp rel32`.
pub(super) const JUMP: usize = 5;
/// Length of `syscall`.
pub(super) const SYSCALL: usize = 2;
const SYSCALL_BYTES: [u8; SYSCALL] = [0x0f, 0x05];

/// First bytes that fault by themselves in 64-bit user code, with rip on them: opcodes that are gone (06 07 0e 16 17 1e 1f
/// 27 2f 37 3f 60 61 82 9a ce d4 d6 ea) and those that are the kernel's (6c-6f e4-e7 ec-ef f4 fa fb).
const TRAPPING: [u8; 34] = [
    0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x6c, 0x6d, 0x6e, 0x6f,
    0x82, 0x9a, 0xce, 0xd4, 0xd6, 0xe4, 0xe5, 0xe6, 0xe7, 0xea, 0xec, 0xed, 0xee, 0xef, 0xf4, 0xfa, 0xfb,
];

/// Whether an instruction that begins with `byte` faults.
pub(super) fn traps(byte: u8) -> bool {
    TRAPPING.contains(&byte)
}

/// Why a site stays a trap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A neighbour cannot be moved: a call, a loop, another `syscall`.
    Neighbour,
    /// The bytes around it are no code that can be read.
    Bytes,
    /// No place for the stub makes the jump safe.
    NoPlace,
    /// The page is writable, or becomes so again and again.
    Writable,
    /// The page is shared with others.
    Shared,
    /// The return of signal handlers, which unwinders know by its bytes where no table describes it.
    Unwinder,
    /// A debugger's breakpoint lies on it.
    Breakpoint,
    /// The host refused to write.
    Host,
}

impl Reason {
    /// For people.
    pub fn text(self) -> &'static str {
        match self {
            Reason::Neighbour => "a neighbour cannot be moved",
            Reason::Bytes => "the bytes around it cannot be read as code",
            Reason::NoPlace => "no place for a stub in reach",
            Reason::Writable => "on a writable page",
            Reason::Shared => "on a shared page",
            Reason::Unwinder => "unwinders know it by its bytes",
            Reason::Breakpoint => "a breakpoint lies on it",
            Reason::Host => "the host does not let its text be written",
        }
    }
}

/// A way to patch a site.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Where the jump goes.
    pub(super) start: u64,
    /// The address of the `syscall`.
    pub(super) syscall: u64,
    /// The instructions that have copies in the stub, in order, the `syscall` among them.
    pub(super) moved: Vec<Instruction>,
    /// Offsets in the jump at which an instruction began, but for its own first byte.
    pub(super) inside: Vec<u8>,
}

impl Plan {
    /// One past the last moved instruction.
    pub(super) fn end(&self) -> u64 {
        self.moved.last().map_or(self.start, Instruction::next_ip)
    }

    /// Whether a jump by `distance` (from its own end) leaves no place where somebody could arrive unnoticed.
    pub(super) fn safe(&self, distance: i32) -> bool {
        let bytes = distance.to_le_bytes();
        self.inside.iter().all(|at| traps(bytes[usize::from(*at) - 1]))
    }
}

/// Whether an instruction means the same somewhere else.
fn movable(i: &Instruction) -> bool {
    let plain = match i.flow_control() {
        FlowControl::Next => true,
        FlowControl::Return => i.code() == Code::Retnq || i.code() == Code::Retnq_imm16,
        FlowControl::UnconditionalBranch => i.is_jmp_short_or_near(),
        FlowControl::ConditionalBranch => i.is_jcc_short_or_near(),
        _ => false,
    };
    plain && !i.is_invalid()
}

/// Instructions from `syscall` on, as far as a jump could take them, and why they end before that.
fn forward(code: &[u8], base: u64, syscall: u64) -> (Vec<Instruction>, Option<Reason>) {
    let mut decoder = Decoder::with_ip(64, &code[(syscall - base) as usize..], syscall, DecoderOptions::NONE);
    let mut out = vec![decoder.decode()];
    while !covered(&out) {
        let next = decoder.decode();
        if next.is_invalid() {
            return (out, Some(Reason::Bytes));
        }
        if !movable(&next) {
            return (out, Some(Reason::Neighbour));
        }
        // What follows a jump or return is nobody's until it is reached, so it need not move: but its bytes are taken.
        out.push(next);
    }
    (out, None)
}

/// Whether a jump in place of the first of these instructions takes bytes of theirs only.
fn covered(moved: &[Instruction]) -> bool {
    let ends = moved.first().zip(moved.last());
    ends.is_some_and(|(first, last)| last.next_ip() >= first.ip() + JUMP as u64)
}

/// How far back reading starts where the function's beginning is not known.
const LEAD: usize = 96;
/// How near a start counts as evidence: instruction streams read from a wrong byte fall into step within a few.
const NEAR: usize = 64;

/// The instructions in front of `syscall`, nearest last: those that everyone who reads from some byte far enough ahead
/// and arrives at the `syscall` agrees on. With `from`, the known beginning of the function, there is one reader.
fn before(code: &[u8], base: u64, syscall: u64, from: Option<u64>) -> Vec<Instruction> {
    let starts: Vec<u64> = match from {
        Some(from) if from >= base && from <= syscall => vec![from],
        _ => {
            let first = syscall.saturating_sub(LEAD as u64).max(base);
            (first..syscall.saturating_sub(NEAR as u64).max(first)).collect()
        }
    };
    let mut agreed: Option<Vec<Instruction>> = None;
    for start in starts {
        let bytes = &code[(start - base) as usize..(syscall - base) as usize];
        let chain: Vec<Instruction> =
            Decoder::with_ip(64, bytes, start, DecoderOptions::NONE).into_iter().collect();
        let arrives = chain.last().is_some_and(|i| !i.is_invalid() && i.next_ip() == syscall);
        if !arrives {
            continue;
        }
        agreed = Some(match agreed {
            None => chain,
            Some(old) => {
                let common =
                    old.iter().rev().zip(chain.iter().rev()).take_while(|(a, b)| a.ip() == b.ip()).count();
                chain[chain.len() - common..].to_vec()
            }
        });
    }
    agreed.unwrap_or_default()
}

/// All ways to patch the `syscall` at `syscall`, best first. `code` are the bytes at `base`, all of one map; `from` is the
/// beginning of the function if it is known.
///
/// # Errors
/// Why there is none.
pub(super) fn plans(code: &[u8], base: u64, syscall: u64, from: Option<u64>) -> Result<Vec<Plan>, Reason> {
    let at = syscall.checked_sub(base).map(|n| n as usize).ok_or(Reason::Bytes)?;
    if code.get(at..at + SYSCALL) != Some(&SYSCALL_BYTES) {
        return Err(Reason::Bytes);
    }
    let mut found = Vec::new();
    let ahead = before(code, base, syscall, from);
    let (behind, end) = forward(code, base, syscall);
    // From the nearest instruction in front on back: the jump takes the place of the first ones of `moved`.
    for n in 1..=ahead.len().min(4) {
        let front = &ahead[ahead.len() - n..];
        // Padding between functions is nobody's way to the `syscall`.
        let padding = matches!(front[0].mnemonic(), Mnemonic::Nop | Mnemonic::Int3);
        if padding || !movable(&front[0]) || front[0].flow_control() != FlowControl::Next {
            break;
        }
        let moved = [front, &behind].concat();
        if covered(&moved) {
            found.push(plan(syscall, moved));
        }
    }
    match end {
        None => found.push(plan(syscall, behind)),
        Some(reason) if found.is_empty() => return Err(reason),
        Some(_) => {}
    }
    found.retain(|p| !jumps_into(p));
    found.sort_by_key(|p| (p.inside.len(), p.moved.len()));
    if found.is_empty() { Err(Reason::Neighbour) } else { Ok(found) }
}

/// The plan that begins at `start`, found to be good at another time for the same bytes.
pub(super) fn plan_again(code: &[u8], base: u64, start: u64, syscall: u64) -> Option<Plan> {
    let bytes = code.get(usize::try_from(start.checked_sub(base)?).ok()?..)?;
    let mut moved: Vec<Instruction> = Vec::new();
    for i in &mut Decoder::with_ip(64, bytes, start, DecoderOptions::NONE) {
        let own = i.ip() == syscall && bytes[(syscall - start) as usize..].starts_with(&SYSCALL_BYTES);
        if !own && !movable(&i) {
            return None;
        }
        let end = i.next_ip();
        moved.push(i);
        if end >= start + JUMP as u64 && end > syscall {
            break;
        }
    }
    let plan = moved.iter().any(|i| i.ip() == syscall).then(|| plan(syscall, moved))?;
    (plan.end() >= start + JUMP as u64 && !jumps_into(&plan)).then_some(plan)
}

/// A moved branch that leads into the bytes taken.
fn jumps_into(plan: &Plan) -> bool {
    let taken = plan.start..plan.end();
    let near = |i: &Instruction| i.is_jcc_short_or_near() || i.is_jmp_short_or_near();
    plan.moved.iter().any(|i| near(i) && taken.contains(&i.near_branch_target()))
}

/// The plan for these instructions; what the jump does not touch behind the `syscall` stays where it is.
fn plan(syscall: u64, mut moved: Vec<Instruction>) -> Plan {
    let start = moved[0].ip();
    let taken = start + JUMP as u64;
    moved.retain(|i| i.ip() < taken || i.ip() <= syscall);
    let inside = moved
        .iter()
        .map(|i| i.ip())
        .filter(|ip| *ip > start && *ip < taken)
        .map(|ip| (ip - start) as u8)
        .collect();
    Plan { start, syscall, moved, inside }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x40_0000;

    /// Plans for the first `0f 05` behind `front` bytes.
    fn of(front: &[u8], behind: &[u8]) -> Result<Vec<Plan>, Reason> {
        // A hundred bytes of what compilers make, so that reading backwards has where to begin.
        let mut code = [0x48, 0x89, 0xe5, 0x83, 0xc0, 0x01, 0x90, 0x48, 0x8d, 0x45, 0xf8].repeat(12);
        code.extend(front);
        let syscall = BASE + code.len() as u64;
        code.extend(SYSCALL_BYTES);
        code.extend(behind);
        plans(&code, BASE, syscall, None)
    }

    const NUMBER: [u8; 5] = [0xb8, 0x27, 0, 0, 0]; // mov eax, 39
    const CHECK: [u8; 6] = [0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff]; // cmp rax, -4095
    const RET: u8 = 0xc3;
    const CALL: [u8; 5] = [0xe8, 0, 0, 0, 0];

    #[test]
    fn a_long_instruction_in_front_leaves_the_syscall_where_it_is() {
        let best = &of(&NUMBER, &CHECK).unwrap()[0];
        assert_eq!((best.start, best.end()), (best.syscall - 5, best.syscall + 2));
        assert!(best.inside.is_empty() && best.safe(0) && best.safe(-1));
    }

    #[test]
    fn a_function_that_begins_right_before_is_not_patched_in_its_padding() {
        // ret; cs nop word [rax + rax]; xor eax, eax; syscall; cmp: read() of ld.so
        let front = [RET, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0, 0x31, 0xc0];
        let all = of(&front, &CHECK).unwrap();
        assert!(all.iter().all(|p| p.start >= p.syscall - 2), "{all:?}");
        assert_eq!(all[0].start, all[0].syscall);
    }

    #[test]
    fn behind_a_call_only_what_follows_moves() {
        let all = of(&CALL, &CHECK).unwrap();
        assert!(all.iter().all(|p| p.start == p.syscall), "a call was taken");
        assert_eq!(all[0].end(), all[0].syscall + 8);
        assert_eq!(all[0].inside, [2]);
    }

    #[test]
    fn between_calls_there_is_no_way() {
        assert_eq!(of(&CALL, &CALL).unwrap_err(), Reason::Neighbour);
        assert_eq!(of(&[RET], &[0x0f, 0x05, RET]).unwrap_err(), Reason::Neighbour);
    }

    #[test]
    fn what_stands_behind_the_jump_does_not_matter() {
        // mov r10, r8; syscall; then what cannot be moved, at once or behind a return; a wrapper that ends right there.
        const FRONT: [u8; 4] = [RET, 0x4d, 0x89, 0xc2];
        for behind in [&[0xe8, 0, 0, 0, 0][..], &[RET, 0xcc, 0xcc, 0xcc], &[RET, 0x06, 0x06, 0x06], &[RET]] {
            let all = of(&FRONT, behind).unwrap();
            assert_eq!((all.len(), all[0].start, all[0].end()), (1, all[0].syscall - 3, all[0].syscall + 2));
            assert_eq!(all[0].inside, [3]);
        }
        // xor eax, eax: two bytes, and one is missing.
        assert_eq!(of(&[RET, 0x31, 0xc0], &CALL).unwrap_err(), Reason::Neighbour);
        assert_eq!(of(&[RET, 0x31, 0xc0], &[RET, 0xcc]).unwrap()[0].end(), BASE + 12 * 11 + 6);
    }

    #[test]
    fn short_neighbours_constrain_the_distance() {
        // xor edi, edi; xor eax, eax; syscall; call
        let all = of(&[0x31, 0xff, 0x31, 0xc0], &CALL).unwrap();
        for p in &all {
            assert!(p.start < p.syscall && !p.inside.is_empty(), "{p:?}");
            assert!(!p.safe(0), "zero bytes do not trap");
            let bad = p.inside.iter().fold(0, |d, at| d | 0x06 << (8 * (u32::from(*at) - 1)));
            assert!(p.safe(bad));
        }
    }

    #[test]
    fn every_byte_that_counts_as_trapping_faults() {
        // Those that are gone do not decode; the others are privileged.
        for byte in TRAPPING {
            let i = Decoder::with_ip(64, &[byte, 0, 0, 0, 0, 0, 0, 0], 0, DecoderOptions::NONE).decode();
            assert!(i.is_invalid() || i.is_privileged() || matches!(byte, 0x6c..=0x6f), "{byte:#x}");
        }
    }

    #[test]
    fn a_branch_into_the_bytes_taken_stays() {
        // syscall; jne back to the syscall's second neighbour: dec edx; jnz -2
        let back = [0x75, 0xfe, 0x90, 0x90];
        assert!(of(&CALL, &back).is_err());
    }

    #[test]
    fn a_syscall_at_the_very_end_has_no_plan() {
        assert_eq!(of(&CALL, &[]).unwrap_err(), Reason::Bytes);
        assert_eq!(plans(&[0x0f, 0x06], BASE, BASE, None).unwrap_err(), Reason::Bytes);
    }

    #[test]
    fn unknown_bytes_in_front_are_left_alone() {
        let mut code = NUMBER.repeat(20);
        let syscall = BASE + code.len() as u64;
        code.extend(SYSCALL_BYTES);
        code.extend(CHECK);
        let all = plans(&code, BASE, syscall, Some(syscall)).unwrap();
        assert!(all.iter().all(|p| p.start == syscall));
    }
}
