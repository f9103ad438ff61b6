//! Several address spaces at the same addresses, on a machine that has one: what `fork` needs, and two programs linked
//! to the same fixed addresses.
//!
//! A *view* is the memory as one mm sees it; one is current. Most of the address space belongs to one view alone and
//! is not known here. Where several views claim the same addresses there is a *span*: a range with one *layer* for each
//! mapping that claims it. One layer is in place; the others wait, moved away page tables and all (`mremap`), so that
//! nothing is copied and no page is touched twice.
//!
//! After `fork` parent and child share a layer. Of a private layer they share the very pages as long as neither writes:
//! those are *closed* (write-protected), and the first store, by the guest or by a copy on its behalf, gives the writer
//! a version of its own ([`open`]). Of a page with versions one is in place and the others are saved; making a view
//! current exchanges those pages that it sees differently, and no others. Small footprints are split at once at fork,
//! which costs less than the faults would. The host's page protection is what tracks the writes.
//!
//! - `layer`: one mapping, its views, its pages' versions
//! - `parking`: where layers wait that are not in place
//! - `seen`: where a view's bytes are, for tools
//! - `store`: saved pages
//! - `touched`: which pages were written at all
//!
//! One vCPU, so one state; only its thread may call in here.

mod layer;
mod parking;
mod seen;
mod store;
mod touched;

use crate::extents::Extents;
use crate::{HostError, PAGE};
use core::cell::UnsafeCell;
use core::ops::Range;
use layer::{At, Layer, close, protect};
use parking::{discard, park, unpark};
pub use seen::{Place, locate, own, related};
pub(crate) use seen::{closed, protect_page};
use std::collections::{BTreeMap, BTreeSet};
use store::Store;
use touched::{PageMap, join_near};

const PAGE_BYTES: u64 = PAGE as u64;
/// Up to so many written pages are copied at fork, whatever will be written.
const COPY_AT_FORK: u64 = 768;
/// So many pages around the stack pointer are, however many were written.
const STACK_PAGES: u64 = 8;

/// An address space: what one mm sees. 0 is nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct View(pub u64);

/// A range of a view at fork.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    /// First byte.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// Protection bits of mmap(2).
    pub prot: i32,
    /// Stores are each view's own.
    pub private: bool,
}

#[derive(Debug)]
struct Span {
    end: u64,
    layers: Vec<Layer>,
    /// The view for which everything here is in place.
    settled: View,
}

#[derive(Debug)]
struct Overlay {
    current: View,
    last: u64,
    spans: BTreeMap<u64, Span>,
    /// Where each view has a layer: (view, start of the span).
    index: BTreeSet<(View, u64)>,
    store: Store,
    parking: Option<Extents>,
    page_map: PageMap,
    /// Of each view: the spans that it does not see as all others do, as of the epoch.
    lively: BTreeMap<View, (u64, Vec<u64>)>,
    /// Counts changes to who sees what where.
    epoch: u64,
    /// Spans ever moved into place.
    moved: u64,
}

struct OverlayCell(UnsafeCell<Option<Overlay>>);

// SAFETY: only the vCPU's thread calls in here (see the module's text); `with` hands out one reference at a time, since
// nothing that runs inside calls back.
unsafe impl Sync for OverlayCell {}

static OVERLAY: OverlayCell = OverlayCell(UnsafeCell::new(None));

fn with<R>(f: impl FnOnce(&mut Overlay) -> R) -> R {
    // SAFETY: see `OverlayCell`: one thread, no call back from inside.
    let cell = unsafe { &mut *OVERLAY.0.get() };
    f(cell.get_or_insert_with(|| Overlay {
        current: View(0),
        last: 0,
        spans: BTreeMap::new(),
        index: BTreeSet::new(),
        store: Store::default(),
        parking: None,
        page_map: PageMap::default(),
        lively: BTreeMap::new(),
        epoch: 0,
        moved: 0,
    }))
}

/// A view that sees nothing yet.
pub fn new_view() -> View {
    with(|o| {
        o.last += 1;
        View(o.last)
    })
}

/// The current view.
#[inline]
pub fn current() -> View {
    with(|o| o.current)
}

/// Makes `view` the current one; returns the one before.
///
/// # Errors
/// What the host said to `mprotect` or `mremap`.
pub fn activate(view: View) -> Result<View, HostError> {
    with(|o| o.activate(view))
}

/// The current view forks: `areas` are seen by `child` too from now on. The child is current afterwards. `sp` is where
/// its stack pointer is.
///
/// # Errors
/// No room to save pages in, or the host's word. The fork must be undone by [`drop_view`] of the child then.
pub fn fork(child: View, areas: &[Area], sp: u64) -> Result<(), HostError> {
    with(|o| o.fork(child, areas, sp))
}

/// `view` is gone: what it shared stays with the others, what was displaced for it comes back. The ranges that were its
/// alone must have been unmapped (see [`alone`]).
///
/// # Errors
/// The host's word.
pub fn drop_view(view: View) -> Result<(), HostError> {
    with(|o| o.drop_view(view))
}

/// `[start, end)` belongs to `owner` and is about to be claimed by another view.
pub fn contest(owner: View, start: u64, end: u64) {
    with(|o| {
        o.epoch += 1;
        for gap in o.gaps(start, end) {
            o.index.insert((owner, gap.start));
            let span = Span { end: gap.end, layers: vec![Layer::of(owner)], settled: owner };
            o.spans.insert(gap.start, span);
        }
    });
}

/// The parts of `[start, end)` that no more than one view claims.
pub fn alone(start: u64, end: u64) -> Vec<Range<u64>> {
    with(|o| o.gaps(start, end))
}

/// Whether more than one view sees the pages of `[start, end)`, or a part of them.
pub fn common(start: u64, end: u64) -> bool {
    with(|o| o.overlapping(start, end).any(|(_, s)| s.layers.iter().any(|l| l.at == At::Here && l.common())))
}

/// Whether views see different contents in the page of `addr`.
pub fn divided(addr: u64) -> bool {
    let page = addr & !(PAGE_BYTES - 1);
    with(|o| {
        o.overlapping(page, page + PAGE_BYTES)
            .any(|(_, s)| s.layers.iter().any(|l| l.at == At::Here && l.pages.contains_key(&page)))
    })
}

/// A store of the current view to `len` bytes at `addr` was refused: if it was only that others share the page, the view
/// gets its own and may try again. Looks at no more than one page border.
pub fn open(addr: u64, len: usize) -> bool {
    with(|o| {
        if o.spans.is_empty() {
            return false;
        }
        let (first, last) =
            (addr & !(PAGE_BYTES - 1), (addr + len.clamp(1, 8) as u64 - 1) & !(PAGE_BYTES - 1));
        let opened = o.open(first);
        opened | (last != first && o.open(last))
    })
}

/// Opens a whole range for a store by the host on the current view's behalf, which would fail instead of faulting.
pub fn open_range(addr: u64, len: usize) {
    with(|o| {
        let mut page = addr & !(PAGE_BYTES - 1);
        while !o.spans.is_empty() && page < addr + len as u64 {
            o.open(page);
            page += PAGE_BYTES;
        }
    });
}

/// The pages of `[start, end)` that were written since they were mapped, as ranges.
pub fn written(start: u64, end: u64) -> Vec<Range<u64>> {
    with(|o| o.page_map.written(start, end))
}

/// Bytes of `ranges` (ascending) that have memory.
pub fn resident(ranges: impl Iterator<Item = Range<u64>>) -> u64 {
    /// Ranges closer than this are asked for at once: holes cost the host little.
    const NEAR: u64 = 64 << 20;
    with(|o| {
        let mut bytes = 0;
        let mut ranges = ranges.peekable();
        while let Some(first) = ranges.next() {
            let mut group = vec![first];
            while let Some(next) = ranges.next_if(|r| r.start - group[group.len() - 1].end < NEAR) {
                group.push(next);
            }
            let present = o.page_map.present(group[0].start, group[group.len() - 1].end);
            let mut wanted = group.iter().peekable();
            for part in present {
                while wanted.next_if(|w| w.end <= part.start).is_some() {}
                let overlap = |w: &&Range<u64>| w.end.min(part.end).saturating_sub(w.start.max(part.start));
                bytes += wanted.clone().take_while(|w| w.start < part.end).map(|w| overlap(&w)).sum::<u64>();
            }
        }
        bytes
    })
}

/// How many maps of the host open pages between closed ones may take.
pub fn fragments() -> usize {
    with(|o| o.spans.values().flat_map(|s| &s.layers).filter(|l| l.closed).map(|l| l.pages.len()).sum())
}

/// Pages that are saved because another view's are in place.
pub fn saved_pages() -> usize {
    with(|o| o.store.used())
}

/// What was ever done to put views in place: pages exchanged, and ranges moved.
pub fn work_done() -> (u64, u64) {
    with(|o| (o.store.exchanged(), o.moved))
}

/// The current view maps something over `[start, start + len)`, or nothing (`empty`).
pub(crate) fn replace(start: u64, len: u64, empty: bool) -> Result<(), HostError> {
    with(|o| if o.spans.is_empty() { Ok(()) } else { o.replace(start, start + len, empty) })
}

/// The current view changes the protection of a range. `false`: nobody else has to do with it.
pub(crate) fn reprotect(start: u64, len: u64, prot: i32) -> Result<bool, HostError> {
    with(|o| if o.spans.is_empty() { Ok(false) } else { o.reprotect(start, start + len, prot) })
}

/// The current view is about to drop the contents of a range: the others keep theirs.
pub(crate) fn part(start: u64, len: u64) -> Result<(), HostError> {
    with(|o| if o.spans.is_empty() { Ok(()) } else { o.part(start, start + len) })
}

impl Overlay {
    fn overlapping(&self, start: u64, end: u64) -> impl Iterator<Item = (u64, &Span)> {
        let first = self.spans.range(..=start).next_back().map_or(start, |(s, _)| *s);
        self.spans
            .range(first..end.max(first))
            .map(|(s, span)| (*s, span))
            .filter(move |(_, s)| s.end > start)
    }

    /// The parts of a range that lie in no span.
    fn gaps(&self, start: u64, end: u64) -> Vec<Range<u64>> {
        let mut out = Vec::new();
        let mut at = start;
        for (s, span) in self.overlapping(start, end) {
            if s > at {
                out.push(at..s);
            }
            at = at.max(span.end);
        }
        if at < end {
            out.push(at..end);
        }
        out
    }

    /// Makes `addr` a border between spans.
    fn cut(&mut self, addr: u64) {
        let Some((&start, span)) = self.spans.range_mut(..addr).next_back() else { return };
        if span.end <= addr {
            return;
        }
        let layers: Vec<Layer> = span.layers.iter_mut().map(|l| l.split_off(start, addr)).collect();
        self.epoch += 1;
        let upper = Span { end: span.end, layers, settled: span.settled };
        span.end = addr;
        for (view, _) in upper.layers.iter().flat_map(|l| &l.members) {
            self.index.insert((*view, addr));
        }
        self.spans.insert(addr, upper);
    }

    /// The spans of a range, cut at its ends.
    fn spans_in(&mut self, start: u64, end: u64) -> Vec<u64> {
        self.cut(start);
        self.cut(end);
        self.spans.range(start..end).map(|(s, _)| *s).collect()
    }

    fn activate(&mut self, view: View) -> Result<View, HostError> {
        let before = core::mem::replace(&mut self.current, view);
        if before == view || self.spans.is_empty() {
            return Ok(before);
        }
        let (epoch, mut keys) = self.lively.remove(&view).unwrap_or((u64::MAX, Vec::new()));
        if epoch != self.epoch {
            keys.clear();
            let own = self.index.range((view, 0)..=(view, u64::MAX)).map(|(_, start)| *start);
            keys.extend(own.filter(|key| {
                let layers = self.spans.get(key).map_or(&[][..], |s| &s.layers);
                layers.len() > 1 || layers.iter().any(|l| l.at != At::Here || l.differs())
            }));
        }
        let result = keys.iter().try_for_each(|key| self.settle(*key, view));
        self.lively.insert(view, (self.epoch, keys));
        result.map(|()| before)
    }

    fn settle(&mut self, key: u64, view: View) -> Result<(), HostError> {
        let Some(span) = self.spans.get_mut(&key) else { return Ok(()) };
        if span.settled == view {
            return Ok(());
        }
        let Some(mine) = span.layers.iter().position(|l| l.has(view)) else { return Ok(()) };
        if span.layers[mine].at != At::Here {
            if let Some(other) = span.layers.iter().position(|l| l.at == At::Here) {
                park(&mut span.layers[other], key, span.end, &mut self.parking)?;
            }
            self.moved += 1;
            unpark(&mut span.layers[mine], key, span.end, &mut self.parking)?;
        }
        span.layers[mine].show(key, span.end, view, &mut self.store)?;
        span.settled = view;
        Ok(())
    }

    fn open(&mut self, page: u64) -> bool {
        let view = self.current;
        let epoch = &mut self.epoch;
        let Some((&key, span)) = self.spans.range_mut(..=page).next_back() else { return false };
        if page >= span.end {
            return false;
        }
        let Some(layer) = span.layers.iter_mut().find(|l| l.at == At::Here && l.has(view)) else {
            return false;
        };
        let tracked = layer.common() && layer.private && layer.prot & libc::PROT_WRITE != 0;
        let alike = !layer.differs();
        if !tracked || !layer.split(page, view, &mut self.store).unwrap_or(false) {
            return false;
        }
        if alike {
            // Who was current before did not matter until now.
            span.settled = view;
            *epoch += 1;
        }
        // Stores come in runs: the more pages before this one were opened already, the more behind it are.
        let before = layer.pages.range(..page).rev().take(16).zip(1..);
        let run = before.take_while(|((a, p), i)| p.open && **a == page.wrapping_sub(i * PAGE_BYTES)).count()
            as u64;
        let block = block(layer.pages.len()) * PAGE_BYTES;
        let first = (page & !(block - 1)).max(key);
        let last = ((page | (block - 1)) + 1).max(page + (run + 1) * PAGE_BYTES).min(span.end);
        for next in (first..last).step_by(PAGE).filter(|p| *p != page) {
            if layer.split(next, view, &mut self.store).is_err() {
                break;
            }
        }
        true
    }

    fn fork(&mut self, child: View, areas: &[Area], sp: u64) -> Result<(), HostError> {
        let parent = self.current;
        self.epoch += 1;
        let mut written: Vec<Range<u64>> = Vec::new();
        for area in areas {
            for gap in self.gaps(area.start, area.end) {
                self.index.insert((parent, gap.start));
                let span = Span { end: gap.end, layers: vec![Layer::of(parent)], settled: parent };
                self.spans.insert(gap.start, span);
            }
            for key in self.spans_in(area.start, area.end) {
                let Some(span) = self.spans.get_mut(&key) else { continue };
                let Some(layer) = span.layers.iter_mut().find(|l| l.has(parent)) else { continue };
                if !layer.common() {
                    (layer.private, layer.prot) = (area.private, area.prot);
                    layer.members[0].1 = area.prot;
                }
                layer.join(parent, child, area.prot);
                self.index.insert((child, key));
            }
            if area.private && area.prot & libc::PROT_WRITE != 0 {
                written.extend(join_near(self.page_map.written(area.start, area.end), area));
            }
        }
        let pages: u64 = written.iter().map(|r| (r.end - r.start) / PAGE_BYTES).sum();
        let near_sp = sp.saturating_sub(STACK_PAGES / 2 * PAGE_BYTES)..sp + STACK_PAGES * PAGE_BYTES;
        if pages > COPY_AT_FORK {
            written.retain_mut(|r| {
                *r = r.start.max(near_sp.start & !(PAGE_BYTES - 1))
                    ..r.end.min(near_sp.end & !(PAGE_BYTES - 1));
                r.start < r.end
            });
        }
        self.divide(parent, child, areas, &written)?;
        for key in self.index.range((parent, 0)..=(parent, u64::MAX)).map(|(_, k)| *k) {
            if let Some(span) = self.spans.get_mut(&key)
                && span.layers.iter().any(|l| l.has(child))
            {
                span.settled = child;
            }
        }
        // What the child does not see is still the parent's; the rest is the child's from here on.
        self.current = child;
        Ok(())
    }

    /// Copies the pages of `eager` for the parent and closes the others.
    fn divide(
        &mut self,
        parent: View,
        child: View,
        areas: &[Area],
        eager: &[Range<u64>],
    ) -> Result<(), HostError> {
        let mut eager = eager.iter().peekable();
        for area in areas.iter().filter(|a| a.private && a.prot & libc::PROT_WRITE != 0) {
            for key in self.spans.range(area.start..area.end).map(|(s, _)| *s).collect::<Vec<_>>() {
                let Some(span) = self.spans.get_mut(&key) else { continue };
                let end = span.end;
                let Some(layer) = span.layers.iter_mut().find(|l| l.has(child)) else { continue };
                let fresh = layer.members.len() == 2;
                let mut at = key;
                while at < end {
                    while eager.next_if(|r| r.end <= at).is_some() {}
                    let next =
                        eager.peek().map_or(end..end, |r| r.start.clamp(at, end)..r.end.clamp(at, end));
                    close(layer, at, next.start, fresh)?;
                    for page in (next.start..next.end).step_by(PAGE) {
                        // Pages that others share already are closed and stay so.
                        if fresh || layer.pages.get(&page).is_some_and(|p| p.open) {
                            layer.copy(page, parent, child, &mut self.store)?;
                        }
                    }
                    at = next.end;
                }
            }
        }
        Ok(())
    }

    /// The current view gives up what it sees in a range; a layer of its own is in place there afterwards.
    fn replace(&mut self, start: u64, end: u64, empty: bool) -> Result<(), HostError> {
        let view = self.current;
        self.epoch += 1;
        for key in self.spans_in(start, end) {
            let Some(span) = self.spans.get_mut(&key) else { continue };
            let (mine, end) = (span.layers.iter().position(|l| l.has(view)), span.end);
            if let Some(i) = mine
                && !span.layers[i].common()
            {
                span.layers[i].empty = empty;
                continue;
            }
            if let Some(i) = mine {
                span.layers[i].leave(key, end, view, &mut self.store)?;
            }
            if let Some(other) = span.layers.iter_mut().find(|l| l.at == At::Here) {
                park(other, key, end, &mut self.parking)?;
            }
            span.layers.push(Layer::of(view).emptied(empty));
            span.settled = view;
            self.index.insert((view, key));
        }
        Ok(())
    }

    fn reprotect(&mut self, start: u64, end: u64, prot: i32) -> Result<bool, HostError> {
        let view = self.current;
        if self.overlapping(start, end).next().is_none() {
            return Ok(false);
        }
        self.epoch += 1;
        for gap in self.gaps(start, end) {
            protect(gap.start, gap.end - gap.start, prot)?;
        }
        for key in self.spans_in(start, end) {
            let Some(span) = self.spans.get_mut(&key) else { continue };
            let end = span.end;
            let Some(layer) = span.layers.iter_mut().find(|l| l.at == At::Here && l.has(view)) else {
                continue;
            };
            for member in layer.members.iter_mut().filter(|m| m.0 == view) {
                member.1 = prot;
            }
            if layer.common() {
                span.settled = view;
                let had = core::mem::replace(&mut layer.prot, prot);
                // What is the view's alone may be written again, even if it could not before.
                if layer.private && had & libc::PROT_WRITE == 0 {
                    layer.pages.values_mut().for_each(|p| p.open = p.here.len() == 1);
                }
                layer.apply(key, end, prot)?;
            } else {
                protect(key, end - key, prot)?;
            }
        }
        Ok(true)
    }

    /// Gives the current view its own version of every page of a range that was written.
    fn part(&mut self, start: u64, end: u64) -> Result<(), HostError> {
        let view = self.current;
        self.epoch += 1;
        for key in self.spans_in(start, end) {
            let Some(span) = self.spans.get_mut(&key) else { continue };
            let end = span.end;
            let Some(layer) = span.layers.iter_mut().find(|l| l.at == At::Here && l.has(view)) else {
                continue;
            };
            if layer.common() && layer.private {
                span.settled = view;
                for page in self.page_map.written(key, end).into_iter().flat_map(|r| r.step_by(PAGE)) {
                    layer.split(page, view, &mut self.store)?;
                }
            }
        }
        Ok(())
    }

    fn drop_view(&mut self, view: View) -> Result<(), HostError> {
        self.epoch += 1;
        self.lively.remove(&view);
        let keys: Vec<u64> = self.index.range((view, 0)..=(view, u64::MAX)).map(|(_, k)| *k).collect();
        for key in keys {
            self.index.remove(&(view, key));
            let Some(span) = self.spans.get_mut(&key) else { continue };
            let end = span.end;
            let Some(i) = span.layers.iter().position(|l| l.has(view)) else { continue };
            if span.layers[i].common() {
                span.layers[i].leave(key, end, view, &mut self.store)?;
            } else {
                let mut gone = span.layers.swap_remove(i);
                gone.forget(&mut self.store);
                discard(&gone, key, end, &mut self.parking)?;
            }
            if span.settled == view {
                span.settled = View(0);
            }
            match span.layers.as_mut_slice() {
                [] => {
                    self.spans.remove(&key);
                }
                [one] if !one.common() => {
                    // Nobody disputes it any more.
                    if one.at != At::Here {
                        unpark(one, key, end, &mut self.parking)?;
                    }
                    let owner = one.members[0].0;
                    self.index.remove(&(owner, key));
                    self.spans.remove(&key);
                }
                _ => {}
            }
        }
        if self.current == view {
            self.current = View(0);
        }
        Ok(())
    }
}

/// How many pages are opened at once. Every border between open and closed pages is one of the host's maps, whose number
/// is limited (`vm.max_map_count`, 65530 by default), so the blocks grow with the pages that were opened one by one.
fn block(opened: usize) -> u64 {
    match opened {
        0..2048 => 1,
        2048..16384 => 16,
        16384..65536 => 64,
        _ => 256,
    }
}
