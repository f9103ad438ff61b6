//! Patched text kept for the next time: what a file's code looks like at an address with its sites patched, as a memfd.
//!
//! A *text* is a file's executable private map while nothing but patches changed it. When one goes and it is not the first
//! of its file, an *image* of it is made: its pages with the jumps in them. The next map of
//! that text is a map of the image, and every site in it is patched before it ran once, without a write or a trap. The
//! stubs of an image stay. Guests see the file in all they ask for: `read`, `/proc/PID/maps` and [`super::show_original`]
//! know of no image.

use super::plan::JUMP;
use super::site::Patched;
use super::table::{Bytes, Patches};
use crate::border::host;
use crate::host::HostFd;
use crate::{HostError, PAGE, check, peek};
use core::ops::Range;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A file's contents at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct File {
    /// Device and inode number.
    pub id: (u64, u64),
    /// Bytes.
    pub size: u64,
    /// Time of the last change of any kind, ns; long enough ago that another change would have got another.
    pub ctime: i64,
}

/// Which part of a file lies where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text {
    /// The file.
    pub file: File,
    /// Where in the file it begins.
    pub offset: u64,
    /// Where in memory.
    pub start: u64,
    /// Bytes, whole pages.
    pub len: u64,
}

/// Bytes of images in all, and of one; larger texts are patched anew each time.
const MAX_TOTAL: u64 = 256 << 20;
const MAX_ONE: u64 = 16 << 20;
/// Texts whose going was seen once, and sites of files of which the plan is known.
const MAX_KNOWN: usize = 16384;

/// What is mapped now, by where it is.
pub(super) type Texts = BTreeMap<u64, Mapped>;

/// A text in memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mapped {
    text: Text,
    /// Nothing but patches changed it.
    clean: bool,
}

/// What is kept of texts.
#[derive(Debug)]
pub(super) struct Images {
    made: BTreeMap<Text, Image>,
    bytes: u64,
    /// Files of which a text went, by the part that it was.
    seen: BTreeSet<(File, u64)>,
    /// Where the jump of a site begins: by file and offset of the `syscall`, an offset too.
    plans: BTreeMap<(File, u64), u64>,
}

#[derive(Debug)]
struct Image {
    fd: HostFd,
    sites: Vec<Rc<Patched>>,
    /// How many times it is mapped now.
    mapped: u32,
}

impl Images {
    pub(super) const fn new() -> Images {
        Images { made: BTreeMap::new(), bytes: 0, seen: BTreeSet::new(), plans: BTreeMap::new() }
    }
}

impl Patches {
    /// The descriptor of the image of a text.
    pub(super) fn image(&self, text: &Text) -> Option<i32> {
        self.images.made.get(text).map(|image| image.fd.raw())
    }

    /// A text was mapped: from its image, whose sites are patched then, or from the file.
    pub(super) fn text_mapped(&mut self, text: Text, from_image: bool) {
        self.texts.insert(text.start, Mapped { text, clean: true });
        if from_image && let Some(image) = self.images.made.get_mut(&text) {
            image.mapped += 1;
            let sites = image.sites.clone();
            sites.iter().for_each(|p| self.in_force(p));
            self.forget_addresses();
        }
    }

    /// Pages of texts were made anew from what is behind them: an image's jumps are in force again.
    pub(super) fn refreshed(&mut self, addr: u64, end: u64) {
        for image in self.images.made.values().filter(|i| i.mapped > 0) {
            for p in image.sites.iter().filter(|p| p.plan.start < end && p.plan.start + JUMP as u64 > addr) {
                let mut bytes = [0; JUMP];
                if peek::read(p.plan.start, &mut bytes) == Ok(JUMP) && bytes == p.jump {
                    self.patched.insert(p.plan.start, p.clone());
                }
            }
        }
        self.forget_addresses();
    }

    /// Where the texts are that have a part in `[addr, end)`.
    fn texts_in(&self, addr: u64, end: u64) -> Vec<u64> {
        self.texts.range(..end).filter(|(at, m)| **at + m.text.len > addr).map(|(at, _)| *at).collect()
    }

    /// Whether there is a text in `[addr, end)`.
    pub(super) fn has_text(&self, addr: u64, end: u64) -> bool {
        !self.texts_in(addr, end).is_empty()
    }

    pub(super) fn pristine(&self, start: u64, len: u64) -> bool {
        self.texts.get(&start).is_some_and(|m| m.clean && m.text.start == start && m.text.len == len)
    }

    /// Pages at `[addr, end)` change or go: what happens to the texts there. To be called while sites are known.
    pub(super) fn end_texts(&mut self, addr: u64, end: u64, bytes: Bytes) {
        for at in self.texts_in(addr, end) {
            match (bytes, self.texts.get_mut(&at)) {
                (Bytes::Restore, Some(mapped)) => mapped.clean = false,
                (Bytes::Gone, Some(mapped)) => {
                    let Mapped { text, clean } = *mapped;
                    self.texts.remove(&at);
                    // An image that was mapped in part, or changed, may still be in use, so it is never written again.
                    if clean && addr <= at && at + text.len <= end {
                        self.keep(at, text);
                    }
                }
                (_, None) => {}
            }
        }
    }

    /// Pages moved: so did the texts in them.
    pub(super) fn move_texts(&mut self, from: u64, to: u64, len: u64) {
        for at in self.texts_in(from, from + len) {
            if let Some(mapped) = self.texts.remove(&at)
                && at >= from
                && at + mapped.text.len <= from + len
            {
                self.texts.insert(at - from + to, mapped);
            }
        }
    }

    /// A text goes, whole and unchanged: its image learns what is new, or is made.
    fn keep(&mut self, at: u64, text: Text) {
        let new: Vec<Rc<Patched>> = self
            .patched
            .range(at..at + text.len)
            .map(|(_, p)| p)
            .filter(|p| !p.in_image.get())
            .cloned()
            .collect();
        if let Some(image) = self.images.made.get_mut(&text) {
            image.mapped = image.mapped.saturating_sub(1);
            if image.mapped == 0 {
                for p in new {
                    if image.fd.write_at(&p.jump, p.plan.start - text.start) == Ok(JUMP) {
                        p.in_image.set(true);
                        image.sites.push(p);
                    }
                }
            }
            return;
        }
        if new.is_empty() || text.len > MAX_ONE || self.images.bytes + text.len > MAX_TOTAL {
            return;
        }
        let again = self.images.seen.contains(&(text.file, text.offset));
        if !again {
            if self.images.seen.len() < MAX_KNOWN {
                self.images.seen.insert((text.file, text.offset));
            }
            return;
        }
        if let Ok(fd) = copy(at, text.len) {
            new.iter().for_each(|p| p.in_image.set(true));
            self.images.bytes += text.len;
            self.images.made.insert(text, Image { fd, sites: new, mapped: 0 });
        }
    }

    /// The text that is mapped around `addr`, at home.
    fn text_at(&self, addr: u64) -> Option<&Text> {
        let (at, Mapped { text, .. }) = self.texts.range(..=addr).next_back()?;
        (*at == text.start && addr - at < text.len).then_some(text)
    }

    /// Where the jump of the site at `addr` began when it was patched before.
    pub(super) fn known_plan(&self, addr: u64) -> Option<u64> {
        let text = self.text_at(addr)?;
        let start = self.images.plans.get(&(text.file, addr - text.start + text.offset))?;
        (start + text.start).checked_sub(text.offset)
    }

    /// The text around `addr`, and the addresses in it at which the file is known to have sites.
    pub(super) fn known_sites(&self, addr: u64) -> (Range<u64>, Vec<u64>) {
        let Some(text) = self.text_at(addr) else { return (addr..addr, Vec::new()) };
        let (file, first) = (text.file, text.offset);
        let known = self.images.plans.range((file, first)..(file, first + text.len));
        let sites = known.map(|((_, offset), _)| offset - first + text.start).collect();
        (text.start..text.start + text.len, sites)
    }

    /// The site at `addr` was patched by a jump at `start`.
    pub(super) fn know_plan(&mut self, addr: u64, start: u64) {
        let Some(text) = self.text_at(addr).copied() else { return };
        if self.images.plans.len() < MAX_KNOWN {
            let offset = |at: u64| at - text.start + text.offset;
            self.images.plans.insert((text.file, offset(addr)), offset(start));
        }
    }
}

/// A memfd with what lies at a range now.
fn copy(at: u64, len: u64) -> Result<HostFd, HostError> {
    crate::on_host();
    // SAFETY: the name is a C string; the new descriptor is nobody else's.
    let fd = unsafe {
        HostFd::from_raw(check(host!(memfd_create)(c"llano-text".as_ptr(), libc::MFD_CLOEXEC).into())? as i32)
    };
    let mut buf = vec![0; 16 * PAGE];
    let mut done = 0;
    while done < len {
        let want = (len - done).min(buf.len() as u64) as usize;
        if peek::read(at + done, &mut buf[..want])? != want || fd.write_at(&buf[..want], done)? != want {
            return Err(HostError(libc::EIO));
        }
        done += want as u64;
    }
    Ok(fd)
}
