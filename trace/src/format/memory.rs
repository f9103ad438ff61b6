//! What addresses lead to: structures, arrays, buffers, as far as they were recorded.

use core::cell::Cell;
use core::fmt::{Result, Write};
use std::string::String;

use llano_abi::layout::{Count, Dir, Field, Layout, MAX_ITEMS, POSITION, Shape, Style, u32_at, u64_at};
use llano_abi::syscalls::{ArgKind, Ret, Syscall, nr};

use super::{Context, fields, value};
use crate::record::BytesKind;

/// A call's arguments with the memory behind them.
pub(super) struct Memory<'a> {
    call: &'static Syscall,
    args: &'a [u64; 6],
    pub(super) context: Context<'a>,
    /// Bytes the call has written to buffers and that were not shown yet.
    left: Cell<usize>,
}

/// Memory as the call found it or left it, around an address that stands in the structure `within`.
#[derive(Copy, Clone)]
pub(super) struct Place<'a> {
    pub(super) side: BytesKind,
    within: &'a [u8],
}

const BEFORE: Place<'static> = Place { side: BytesKind::Data, within: &[] };
const AFTER: Place<'static> = Place { side: BytesKind::Out, within: &[] };

impl<'a> Memory<'a> {
    pub(super) fn new(call: &'static Syscall, args: &'a [u64; 6], context: Context<'a>) -> Memory<'a> {
        let written = match context.returned {
            Some(result @ 0..) if call.ret == Ret::Size => result as usize,
            _ => usize::MAX,
        };
        Memory { call, args, context, left: Cell::new(written) }
    }

    /// The argument at this place.
    pub(super) fn arg(&self, out: &mut String, at: usize) -> Result {
        let (kind, address) = (self.call.kind(at, self.args), self.args[at]);
        match kind {
            ArgKind::Path | ArgKind::Str if address != 0 => {
                match self.context.piece(BytesKind::Path, address) {
                    Some(path) if matches!(kind, ArgKind::Path) => {
                        value::quoted(out, path);
                        Ok(())
                    }
                    Some(text) => {
                        value::head(out, text, text.len());
                        Ok(())
                    }
                    None => value::address(out, address),
                }
            }
            ArgKind::Mem(dir, shape) if address != 0 => self.directed(out, dir, shape, address),
            _ => value::arg(out, kind, address, self.context),
        }
    }

    fn directed(&self, out: &mut String, dir: Dir, shape: Shape, address: u64) -> Result {
        match dir {
            Dir::In | Dir::Told => self.shape(out, shape, address, BEFORE),
            Dir::Out if self.wrote_nothing() => value::address(out, address),
            Dir::Out | Dir::Rest => self.shape(out, shape, address, AFTER),
            Dir::InOut => {
                let after = self.context.piece(BytesKind::Out, address);
                match (shape, self.context.piece(BytesKind::Data, address), after) {
                    (Shape::Changed(first, _), Some(_), None) => {
                        self.shape(out, Shape::One(first), address, BEFORE)
                    }
                    (Shape::Changed(first, second), Some(_), Some(_)) => {
                        self.shape(out, Shape::One(first), address, BEFORE)?;
                        let mut answer = String::new();
                        self.shape(&mut answer, Shape::One(second), address, AFTER)?;
                        if answer == "{}" { Ok(()) } else { write!(out, " => {answer}") }
                    }
                    (Shape::Many(layout, _), Some(_), Some(_))
                        if core::ptr::eq(layout, &raw const POSITION) =>
                    {
                        self.shape(out, shape, address, BEFORE)?;
                        out.write_str(" => ")?;
                        self.shape(out, shape, address, AFTER)
                    }
                    (_, Some(before), Some(after)) if before != after => {
                        write!(out, "[{} => {}]", u32_at(before, 0), u32_at(after, 0))
                    }
                    _ => self.shape(out, shape, address, BEFORE),
                }
            }
        }
    }

    /// A `wait4(2)` that found no child leaves everything as it was.
    fn wrote_nothing(&self) -> bool {
        usize::from(self.call.nr) == nr::WAIT4 && self.context.returned == Some(0)
    }

    /// What stands at `address`, or the address if that was not recorded.
    pub(super) fn shape(&self, out: &mut String, shape: Shape, address: u64, place: Place<'_>) -> Result {
        let count = |count| self.count(count, place);
        let empty = place.side == BytesKind::Data || self.context.returned.is_some_and(|result| result >= 0);
        match shape {
            Shape::Bytes(many) | Shape::Binary(many) => {
                let length =
                    count(many).min(if place.side == BytesKind::Out { self.left.get() } else { usize::MAX });
                if place.side == BytesKind::Out {
                    self.left.set(self.left.get() - length);
                }
                return match self.context.piece(place.side, address) {
                    _ if length == 0 && empty => out.write_str("\"\""),
                    Some(bytes) => {
                        let bytes = &bytes[..bytes.len().min(length)];
                        let write =
                            if matches!(shape, Shape::Binary(_)) { value::binary } else { value::head };
                        write(out, bytes, length);
                        Ok(())
                    }
                    None => value::address(out, address),
                };
            }
            Shape::Many(_, many) if count(many) == 0 && empty => return out.write_str("[]"),
            _ => {}
        }
        let Some(bytes) = self.context.piece(place.side, address) else {
            return value::address(out, address);
        };
        match shape {
            Shape::One(layout) | Shape::Changed(layout, _) => self.structure(out, layout, bytes, place.side),
            Shape::Many(layout, many) => {
                self.list(out, count(many), bytes.chunks_exact(layout.size), |out, item| {
                    self.structure(out, layout, item, place.side)
                })
            }
            Shape::Text => {
                value::head(out, bytes, bytes.len());
                Ok(())
            }
            Shape::WholeText => {
                value::quoted(out, bytes);
                Ok(())
            }
            Shape::Strings => {
                let addresses =
                    bytes.chunks_exact(8).map(|word| u64_at(word, 0)).take_while(|word| *word != 0);
                self.list(out, addresses.clone().count(), addresses, |out, address| {
                    self.shape(out, Shape::Text, address, place)
                })
            }
            Shape::Environment => {
                let count = u32_at(bytes, 0);
                write!(out, "{address:#x} /* {count} var{} */", if count == 1 { "" } else { "s" })
            }
            Shape::Dirents => {
                let count = u32_at(bytes, 0);
                write!(out, "{address:#x} /* {count} entr{} */", if count == 1 { "y" } else { "ies" })
            }
            Shape::Sockaddr(many) => fields::sockaddr(out, &bytes[..bytes.len().min(count(many))]),
            Shape::Control(many) => {
                let context = if place.side == BytesKind::Out { self.context.after() } else { self.context };
                fields::control(out, &bytes[..bytes.len().min(count(many))], context)
            }
            Shape::FdSet => {
                let context = if place.side == BytesKind::Out { Context::default() } else { self.context };
                fields::set(out, bytes, |out, fd| value::arg(out, ArgKind::Fd, fd, context))
            }
            Shape::Cpus(_) => fields::set(out, bytes, |out, cpu| write!(out, "{cpu}")),
            Shape::Bytes(_) | Shape::Binary(_) => Ok(()),
        }
    }

    /// `[a, b, c...]` of `count` items.
    fn list<T>(
        &self,
        out: &mut String,
        count: usize,
        items: impl Iterator<Item = T>,
        mut each: impl FnMut(&mut String, T) -> Result,
    ) -> Result {
        out.write_char('[')?;
        for (at, item) in items.take(count.min(MAX_ITEMS)).enumerate() {
            out.write_str(if at == 0 { "" } else { ", " })?;
            each(out, item)?;
        }
        out.write_str(if count > MAX_ITEMS { ", ...]" } else { "]" })
    }

    fn structure(&self, out: &mut String, layout: &Layout, bytes: &[u8], side: BytesKind) -> Result {
        if layout.style == Style::Bare {
            return self.field(out, &layout.fields[0], bytes, side);
        }
        let mut separator = "{";
        for field in layout.fields.iter().filter(|field| (field.when)(bytes)) {
            write!(out, "{separator}{}=", field.name)?;
            self.field(out, field, bytes, side)?;
            separator = ", ";
        }
        let open = if separator == "{" { "{" } else { "" };
        out.write_str(open)?;
        out.write_str(if layout.style == Style::Part { ", ...}" } else { "}" })
    }

    fn field(&self, out: &mut String, field: &Field, bytes: &[u8], side: BytesKind) -> Result {
        let Some(own) = bytes.get(field.at..field.at + field.size) else { return out.write_str("...") };
        let mut word = [0; 8];
        let low = own.len().min(8);
        word[..low].copy_from_slice(&own[..low]);
        let number = u64::from_le_bytes(word);
        match field.kind {
            ArgKind::Inner(layout) => self.structure(out, layout, own, side),
            ArgKind::Mem(dir, shape) if number != 0 && dir.is_read() == (side == BytesKind::Data) => {
                self.shape(out, shape, number, Place { side, within: bytes })
            }
            ArgKind::List(size, kind) => {
                let values = own.chunks(size).map(|item| {
                    let mut word = [0; 8];
                    word[..item.len()].copy_from_slice(item);
                    u64::from_le_bytes(word)
                });
                self.list(out, own.len() / size, values, |out, value| {
                    value::arg(out, *kind, value, self.context)
                })
            }
            ArgKind::SigSet => fields::signals(out, number),
            ArgKind::WaitStatus => fields::wait_status(out, number as u32),
            ArgKind::Stamp(unit) => fields::stamp(out, unit, number as i64, u64_at(own, 8) as i64),
            ArgKind::Chars => {
                let end = own.iter().position(|&byte| byte == 0).unwrap_or(own.len());
                value::quoted(out, &own[..end]);
                Ok(())
            }
            ArgKind::Fd if side == BytesKind::Out => {
                value::arg(out, ArgKind::Fd, number, self.context.after())
            }
            kind => value::arg(out, kind, number, self.context),
        }
    }

    fn count(&self, count: Count, place: Place<'_>) -> usize {
        let length = |side, at: usize| Some(u32_at(self.context.piece(side, self.args[at])?, 0) as usize);
        match count {
            Count::Fixed(number) => number,
            Count::Arg(at) => self.args[at] as usize,
            // What was left is no more than there was room for.
            Count::At(at) => {
                let room = length(BytesKind::Data, at).unwrap_or(usize::MAX);
                length(BytesKind::Out, at).map_or(0, |length| length.min(room))
            }
            Count::Result => self.context.returned.unwrap_or(0).max(0) as usize,
            Count::Field(at) => u64_at(place.within, at) as usize,
            Count::Field32(at) => u32_at(place.within, at) as usize,
        }
    }

    /// What a [`Dir::Told`] argument was left as; nothing if that was not recorded.
    pub(super) fn told(&self, out: &mut String, at: usize) -> Result {
        match self.call.kind(at, self.args) {
            ArgKind::Mem(Dir::Told, shape) if self.context.piece(BytesKind::Out, self.args[at]).is_some() => {
                self.shape(out, shape, self.args[at], AFTER)
            }
            _ => Ok(()),
        }
    }
}
