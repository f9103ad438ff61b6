//! Addresses as names, and who called whom: by unwind tables, else by frame pointers, else by guessing.

use framehop::x86_64::{CacheX86_64, UnwindRegsX86_64, UnwinderX86_64};
use framehop::{ExplicitModuleSectionInfo, FrameAddress, Module as Tables, Unwinder};
use iced_x86::{Decoder, DecoderOptions, FastFormatter};
use llano_debug::arch::General;
use llano_kernel::Kernel;
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSegment, ObjectSymbol, SymbolKind};
use std::fs;
use std::ops::Range;
use std::path::Path;

/// Files larger than this are not read for their symbols.
const LARGEST: u64 = 512 << 20;
/// Bytes of a guest's file that are read at a time.
const PIECE: usize = 1 << 20;
/// The longest backtrace.
const FRAMES: usize = 40;
/// Words of the stack that are looked at when nothing else helps, and the most that is taken from them.
const WORDS: u64 = 1024;
const GUESSES: usize = 8;

/// An instruction as words and bytes: `mov eax,[rdi]    [8b 07]`.
pub fn instruction(ip: u64, code: &[u8]) -> String {
    let (text, len) = decoded(ip, code);
    let bytes: Vec<String> = code.iter().take(len.max(1)).map(|b| format!("{b:02x}")).collect();
    format!("{text}    [{}]", bytes.join(" "))
}

/// An instruction as words, and its bytes; 0 if there is none.
pub fn decoded(ip: u64, code: &[u8]) -> (String, usize) {
    let instruction = Decoder::with_ip(64, code, ip, DecoderOptions::NONE).decode();
    let mut text = String::new();
    let mut formatter = FastFormatter::new();
    formatter.options_mut().set_use_hex_prefix(true);
    formatter.options_mut().set_uppercase_hex(false);
    formatter.format(&instruction, &mut text);
    (text, if instruction.is_invalid() { 0 } else { instruction.len() })
}

/// An ELF file in memory.
struct Module {
    name: String,
    bias: u64,
    range: Range<u64>,
    /// Where code is.
    code: Vec<Range<u64>>,
    /// Functions by address: address, size, name.
    functions: Vec<(u64, u64, String)>,
}

/// Known files in one address space.
#[derive(Default)]
pub struct Book {
    modules: Vec<Module>,
    unwinder: UnwinderX86_64<Vec<u8>>,
}

/// A frame of a backtrace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// The instruction; of a caller that behind its call.
    pub ip: u64,
    /// It is a caller.
    pub caller: bool,
    /// It was found on the stack and may be left over from before.
    pub guess: bool,
}

impl Book {
    /// Reads a file that is loaded at `bias`; one that cannot be read is left out.
    pub fn add(&mut self, name: &str, file: &Path, bias: u64) {
        if fs::metadata(file).is_ok_and(|m| m.len() <= LARGEST)
            && let Ok(bytes) = fs::read(file)
        {
            let _ = self.parse(name, &bytes, bias);
        }
    }

    /// Reads a file of the guest's root that is loaded at `bias`; one that cannot be read is left out.
    pub fn add_of_guest(&mut self, k: &mut Kernel, path: &[u8], bias: u64) {
        let Ok((number, attr)) = k.tool_open(path) else { return };
        let mut bytes = Vec::new();
        while attr.size <= LARGEST
            && let Ok(piece) = k.tool_read(number, bytes.len() as u64, PIECE)
            && !piece.is_empty()
        {
            bytes.extend(piece);
        }
        let _ = k.tool_close(number);
        let _ = self.parse(&String::from_utf8_lossy(path), &bytes, bias);
    }

    fn parse(&mut self, name: &str, bytes: &[u8], bias: u64) -> object::Result<()> {
        let elf: ElfFile64<'_> = ElfFile64::parse(bytes)?;
        let at = |start: u64, len: u64| bias.wrapping_add(start)..bias.wrapping_add(start).wrapping_add(len);
        let segments: Vec<Range<u64>> = elf.segments().map(|s| at(s.address(), s.size())).collect();
        let start = segments.iter().map(|s| s.start).min().unwrap_or(0);
        let end = segments.iter().map(|s| s.end).max().unwrap_or(0);
        let code = elf
            .sections()
            .filter(|s| s.kind() == object::SectionKind::Text)
            .map(|s| at(s.address(), s.size()))
            .collect();
        let mut functions: Vec<(u64, u64, String)> = elf
            .dynamic_symbols()
            .chain(elf.symbols())
            .filter(|s| s.kind() == SymbolKind::Text && s.address() != 0 && !s.is_undefined())
            .filter_map(|s| Some((bias.wrapping_add(s.address()), s.size(), s.name().ok()?.to_string())))
            .collect();
        functions.sort();
        functions.dedup_by_key(|f| f.0);
        let section = |name: &str| elf.section_by_name(name);
        let range = |name: &str| section(name).map(|s| s.address()..s.address() + s.size());
        let data = |name: &str| section(name).and_then(|s| s.data().ok()).map(<[u8]>::to_vec);
        let info = ExplicitModuleSectionInfo {
            base_svma: 0,
            text_svma: range(".text"),
            got_svma: range(".got"),
            eh_frame_svma: range(".eh_frame"),
            eh_frame: data(".eh_frame"),
            eh_frame_hdr_svma: range(".eh_frame_hdr"),
            eh_frame_hdr: data(".eh_frame_hdr"),
            ..Default::default()
        };
        if start < end {
            self.unwinder.add_module(Tables::new(name.into(), start..end, bias, info));
        }
        self.modules.push(Module { name: name.into(), bias, range: start..end, code, functions });
        Ok(())
    }

    fn module(&self, addr: u64) -> Option<&Module> {
        self.modules.iter().find(|m| m.range.contains(&addr))
    }

    fn is_code(&self, addr: u64) -> bool {
        self.module(addr).is_some_and(|m| m.code.iter().any(|c| c.contains(&addr)))
    }

    /// `strlen+0x12 (/lib/libc.so.6+0x1234)`: the function if its file names it, and the place in the file's addresses.
    pub fn name(&self, frame: &Frame) -> String {
        // A call may be the last instruction of its function.
        let addr = frame.ip.wrapping_sub(frame.caller.into());
        let Some(m) = self.module(addr) else { return "no known file".into() };
        let place = format!("{}+{:#x}", m.name, frame.ip.wrapping_sub(m.bias));
        let before = m.functions.partition_point(|f| f.0 <= addr).checked_sub(1).map(|i| &m.functions[i]);
        match before.filter(|(start, size, _)| *size == 0 || addr < start + size) {
            Some((start, _, name)) => {
                format!("{:#}+{:#x} ({place})", rustc_demangle::demangle(name), frame.ip - start)
            }
            None => format!("({place})"),
        }
    }

    /// The function that has the address in it: `main+0x12`.
    pub fn function(&self, addr: u64) -> Option<String> {
        let m = self.module(addr)?;
        let before = m.functions.partition_point(|f| f.0 <= addr).checked_sub(1)?;
        let (start, size, name) = &m.functions[before];
        let inside = *size == 0 || addr < start + size;
        inside.then(|| format!("{:#}+{:#x}", rustc_demangle::demangle(name), addr - start))
    }

    /// Who called whom, from the registers. `read`: the 8 bytes at an address.
    pub fn frames(&self, registers: &General, read: &mut dyn FnMut(u64) -> Option<u64>) -> Vec<Frame> {
        let (ip, sp, bp) = (registers.rip, registers.regs[7], registers.regs[6]);
        let mut out = vec![Frame { ip, caller: false, guess: false }];
        let mut cache: CacheX86_64 = CacheX86_64::new();
        let mut regs = UnwindRegsX86_64::new(ip, sp, bp);
        let mut at = FrameAddress::from_instruction_pointer(ip);
        if !self.is_code(ip) {
            // A call to nowhere: who made it stands on top of the stack.
            let Some(caller) = read(sp).filter(|caller| self.is_code(caller.wrapping_sub(1))) else {
                return self.guesses(out, sp, read);
            };
            out.push(Frame { ip: caller, caller: true, guess: true });
            regs = UnwindRegsX86_64::new(caller, sp + 8, bp);
            let Some(next) = FrameAddress::from_return_address(caller) else { return out };
            at = next;
        }
        while out.len() < FRAMES {
            let mut word = |addr: u64| read(addr).ok_or(());
            match self.unwinder.unwind_frame(at, &mut regs, &mut cache, &mut word) {
                Ok(Some(caller)) if self.is_code(caller.wrapping_sub(1)) => {
                    out.push(Frame { ip: caller, caller: true, guess: false });
                    let Some(next) = FrameAddress::from_return_address(caller) else { break };
                    at = next;
                }
                // The stack's end.
                Ok(None) | Ok(Some(0)) => break,
                _ => return self.guesses(out, regs.sp(), read),
            }
        }
        out
    }

    /// Adds what looks like return addresses: code, behind a call instruction.
    fn guesses(
        &self,
        mut frames: Vec<Frame>,
        sp: u64,
        read: &mut dyn FnMut(u64) -> Option<u64>,
    ) -> Vec<Frame> {
        let before = frames.len();
        for at in (0..WORDS).map(|i| (sp & !7).wrapping_add(8 * i)) {
            let Some(word) = read(at) else { break };
            if !self.is_code(word.wrapping_sub(1)) || frames.last().is_some_and(|f| f.ip == word) {
                continue;
            }
            // The 8 bytes that end where the call would.
            if read(word.wrapping_sub(8)).is_some_and(|b| ends_in_call(&b.to_le_bytes())) {
                frames.push(Frame { ip: word, caller: true, guess: true });
            }
            if frames.len() - before == GUESSES {
                break;
            }
        }
        frames
    }
}

/// Whether a call instruction may end here: `e8 rel32`, or `ff /2` in its lengths.
fn ends_in_call(bytes: &[u8; 8]) -> bool {
    let indirect = |len: usize| bytes[8 - len] == 0xff && bytes[8 - len + 1] >> 3 & 7 == 2;
    bytes[3] == 0xe8 || [2, 3, 4, 6, 7].into_iter().any(indirect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_have_words_and_bytes() {
        assert!(instruction(0x1000, &[0x8b, 0x07, 0x90]).starts_with("mov eax,[rdi]    [8b 07]"));
    }

    #[test]
    fn calls_are_recognized() {
        assert!(ends_in_call(&[0, 0, 0, 0xe8, 1, 2, 3, 4]));
        assert!(ends_in_call(&[0, 0, 0, 0, 0, 0, 0xff, 0xd0]));
        assert!(!ends_in_call(&[0x90; 8]));
    }

    #[test]
    fn own_functions_have_names() {
        let mut book = Book::default();
        let exe = std::env::current_exe().unwrap();
        book.add("own", &exe, 0);
        let (start, _, name) =
            book.modules[0].functions.iter().find(|f| f.1 > 16 && f.2.contains("unwind")).unwrap();
        let frame = Frame { ip: start + 4, caller: false, guess: false };
        assert!(book.name(&frame).contains("+0x4 (own+0x"), "{}", book.name(&frame));
        assert!(book.name(&frame).starts_with(&format!("{:#}", rustc_demangle::demangle(name))));
    }
}
