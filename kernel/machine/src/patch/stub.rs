//! The code of a stub: copies of the moved instructions around the way into the kernel.
//!
//! ```text
//! start:   moved instructions in front of the `syscall`
//! enter:   mov rcx, SITE             stands for the `syscall`; rcx is the call's to change
//! jump:    jmp [rip + entry]         the call is made: there is no way back from here
//! resume:  moved instructions behind it
//!          jmp back
//! ```
//!
//! No instruction here touches the stack or flags but those that were moved. Each moved instruction has exactly one copy.

use super::plan::{JUMP, Plan, Reason};
use iced_x86::{Encoder, Instruction};

/// A stub's bytes and where what stands.
#[derive(Debug, Default)]
pub(super) struct Stub {
    pub(super) code: Vec<u8>,
    /// Pairs of an original address and the offset of its copy, in order of both. The last is the way back.
    pub(super) copies: Vec<(u64, u32)>,
    /// Offset of the jump to the entry.
    pub(super) jump: u32,
    /// Offset behind it.
    pub(super) resume: u32,
}

/// Appends the copy of one instruction.
fn copy(stub: &mut Stub, at: u64, instruction: &Instruction) -> Result<(), Reason> {
    let mut instruction = *instruction;
    if instruction.is_jcc_short() || instruction.is_jmp_short() {
        instruction.as_near_branch();
    }
    let mut encoder = Encoder::new(64);
    stub.copies.push((instruction.ip(), stub.code.len() as u32));
    encoder.encode(&instruction, at + stub.code.len() as u64).map_err(|_| Reason::NoPlace)?;
    stub.code.extend(encoder.take_buffer());
    Ok(())
}

/// `to` as seen from the end of an instruction at `end`.
fn relative(to: u64, end: u64) -> [u8; 4] {
    (to.wrapping_sub(end) as i32).to_le_bytes()
}

/// Builds the stub for `plan` at address `at`. `site` is what rcx shall hold, `pointer` where the entry's address stands.
pub(super) fn build(plan: &Plan, at: u64, site: u64, pointer: u64) -> Result<Stub, Reason> {
    let mut stub = Stub::default();
    for instruction in &plan.moved {
        if instruction.ip() == plan.syscall {
            stub.copies.push((plan.syscall, stub.code.len() as u32));
            stub.code.extend([0x48, 0xb9]);
            stub.code.extend(site.to_le_bytes());
            stub.jump = stub.code.len() as u32;
            stub.code.extend([0xff, 0x25]);
            let end = at + stub.code.len() as u64 + 4;
            stub.code.extend(relative(pointer, end));
            stub.resume = stub.code.len() as u32;
        } else {
            copy(&mut stub, at, instruction)?;
        }
    }
    stub.copies.push((plan.end(), stub.code.len() as u32));
    stub.code.push(0xe9);
    let end = at + stub.code.len() as u64 + 4;
    stub.code.extend(relative(plan.end(), end));
    Ok(stub)
}

/// The jump from the plan's place to a stub.
pub(super) fn jump(plan: &Plan, stub: u64) -> [u8; JUMP] {
    let [a, b, c, d] = relative(stub, plan.start + JUMP as u64);
    [0xe9, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::super::plan::plans;
    use super::*;
    use iced_x86::{Decoder, DecoderOptions};

    #[test]
    fn copies_mean_the_same_at_another_place() {
        // syscall; mov rdx, [rip + 0x100]; js +0x10
        let code = [0x0f, 0x05, 0x48, 0x8b, 0x15, 0x00, 0x01, 0x00, 0x00, 0x78, 0x10];
        let plan = plans(&code, 0x1000, 0x1000, None).unwrap().remove(0);
        let stub = build(&plan, 0x7000_0000, 0x1234, 0x7000_4000).unwrap();
        let at = |offset: u32| {
            let bytes = &stub.code[offset as usize..];
            Decoder::with_ip(64, bytes, 0x7000_0000 + u64::from(offset), DecoderOptions::NONE).decode()
        };
        assert_eq!(at(0).immediate64(), 0x1234);
        assert_eq!(at(stub.jump).ip_rel_memory_address(), 0x7000_4000);
        assert_eq!(at(stub.resume).ip_rel_memory_address(), 0x1109);
        let back = at(stub.copies.last().unwrap().1);
        assert_eq!(back.near_branch_target(), plan.end());
        let originals: Vec<u64> = stub.copies.iter().map(|c| c.0).collect();
        assert_eq!(originals, [0x1000, 0x1002, 0x1009]);
        assert_eq!(jump(&plan, 0x7000_0000), [0xe9, 0xfb, 0xef, 0xff, 0x6f]);
    }
}
