//! Full detail: copies of the memory that calls read and write, as the shapes of their arguments describe it.
//!
//! A piece is recorded under its address, as `Data` before the call and as `Out` after it. Addresses are the guest's
//! allegations as everywhere: what cannot be read is not recorded, and the formatter shows the address.

use crate::kernel::Kernel;
use crate::task::Call;
use crate::user;
use crate::wait::Tid;
use alloc::vec::Vec;
use llano_abi::layout::{Count, Layout, MAX_DATA, MAX_ITEMS, Shape, u32_at, u64_at};
use llano_abi::syscalls::{ArgKind, Ret, Syscall};
use llano_machine::{PAGE, clock, usermem};
use llano_trace::record::BytesKind;

/// Variables of an environment that are counted at most.
const MAX_VARIABLES: u64 = 1 << 16;

/// Records what a call is about to read.
pub(super) fn read(k: &mut Kernel, tid: Tid, row: &Syscall, call: &Call) {
    let mut copy = Copy { k, tid, call, kind: BytesKind::Data, result: 0, left: usize::MAX };
    copy.arguments(row);
}

/// Records what a call that returned `result` has left.
pub(super) fn left(k: &mut Kernel, tid: Tid, row: &Syscall, call: &Call, result: i64) {
    let left = if row.ret == Ret::Size { result.max(0) as usize } else { usize::MAX };
    let mut copy = Copy { k, tid, call, kind: BytesKind::Out, result, left };
    copy.arguments(row);
}

struct Copy<'a> {
    k: &'a mut Kernel,
    tid: Tid,
    call: &'a Call,
    kind: BytesKind,
    result: i64,
    /// Bytes that the call has written to buffers and that were not seen yet.
    left: usize,
}

impl Copy<'_> {
    fn arguments(&mut self, row: &Syscall) {
        for (at, &addr) in self.call.args.iter().enumerate().take(row.args.len()) {
            self.memory(row.kind(at, &self.call.args), addr, &[]);
        }
    }

    /// What `kind` says of `addr`, which stands in the structure `within` or is an argument.
    fn memory(&mut self, kind: ArgKind, addr: u64, within: &[u8]) {
        let ArgKind::Mem(dir, shape) = kind else { return };
        let wanted = match self.kind {
            BytesKind::Data => dir.is_read(),
            _ => dir.is_written(self.result),
        };
        if addr != 0 && wanted {
            self.shape(shape, addr, within);
        }
    }

    fn shape(&mut self, shape: Shape, addr: u64, within: &[u8]) {
        match shape {
            Shape::Text => self.text(addr),
            Shape::WholeText => {
                if let Ok(path) = user::path(addr) {
                    self.piece(addr, &path);
                }
            }
            Shape::Strings => self.strings(addr),
            Shape::Environment => self.environment(addr),
            Shape::Dirents => self.entries(addr),
            _ => {
                let mut length = shape.extent(&self.call.args, |count| self.count(count, within));
                if let Shape::Bytes(count) | Shape::Binary(count) = shape {
                    let written = self.count(count, within).min(self.left);
                    length = length.min(written);
                    self.left -= written;
                }
                let Ok(bytes) = user::bytes(addr, length) else { return };
                self.piece(addr, &bytes);
                match shape {
                    Shape::One(layout) | Shape::Many(layout, _) => self.items(layout, &bytes),
                    Shape::Changed(before, after) => {
                        self.items(if self.kind == BytesKind::Data { before } else { after }, &bytes);
                    }
                    _ => {}
                }
            }
        }
    }

    /// What the addresses in structures lead to.
    fn items(&mut self, layout: &Layout, bytes: &[u8]) {
        for item in bytes.chunks_exact(layout.size) {
            for field in layout.fields.iter().filter(|field| (field.when)(item)) {
                match field.kind {
                    ArgKind::Inner(inner) => self.items(inner, &item[field.at..]),
                    kind => self.memory(kind, u64_at(item, field.at), item),
                }
            }
        }
    }

    fn count(&self, count: Count, within: &[u8]) -> usize {
        match count {
            Count::Fixed(number) => number,
            Count::Arg(at) => self.call.args[at] as usize,
            Count::At(at) => user::get::<u32>(self.call.args[at]).unwrap_or(0) as usize,
            Count::Result => self.result.max(0) as usize,
            Count::Field(at) => u64_at(within, at) as usize,
            Count::Field32(at) => u32_at(within, at) as usize,
        }
    }

    fn piece(&mut self, addr: u64, bytes: &[u8]) {
        self.k.trace.call_bytes(clock::tsc(), self.tid as u32, self.call.nr, self.kind, addr, bytes);
    }

    /// The head of a string; a byte more than is shown tells that it goes on.
    fn text(&mut self, addr: u64) {
        let mut buf = [0; MAX_DATA + 1];
        // It may end before a page that is not there.
        let first = (PAGE - addr as usize % PAGE).min(buf.len());
        let mut read = usermem::copy_in_some(addr, &mut buf[..first]).unwrap_or(0);
        if read == first && first < buf.len() && !buf[..first].contains(&0) {
            read += usermem::copy_in_some(addr + first as u64, &mut buf[first..]).unwrap_or(0);
        }
        match buf[..read].iter().position(|&byte| byte == 0) {
            Some(end) => self.piece(addr, &buf[..end]),
            None if read == buf.len() => self.piece(addr, &buf),
            None => {}
        }
    }

    fn strings(&mut self, addr: u64) {
        let mut pointers = Vec::new();
        for at in 0..=MAX_ITEMS as u64 {
            let Ok(pointer) = user::get::<u64>(addr.wrapping_add(at * 8)) else { break };
            pointers.extend(pointer.to_le_bytes());
            if pointer == 0 {
                break;
            }
            self.text(pointer);
        }
        if !pointers.is_empty() {
            self.piece(addr, &pointers);
        }
    }

    fn environment(&mut self, addr: u64) {
        let more = |at: &u64| user::get::<u64>(addr.wrapping_add(at * 8)).is_ok_and(|pointer| pointer != 0);
        let count = (0..MAX_VARIABLES).take_while(more).count();
        self.piece(addr, &(count as u32).to_le_bytes());
    }

    /// How many entries a directory has given: `d_reclen` leads from one to the next (`getdents(2)`).
    fn entries(&mut self, addr: u64) {
        const RECLEN: u64 = 16;
        let (mut count, mut at) = (0u32, 0);
        while at < self.result as u64 {
            let Ok(length @ 1..) = user::get::<u16>(addr.wrapping_add(at + RECLEN)) else { return };
            at += u64::from(length);
            count += 1;
        }
        self.piece(addr, &count.to_le_bytes());
    }
}
