//! What lies at a range for some of the views: one mapping, and the pages of it that differ between them.

use super::View;
use super::store::{Frame, Store};
use crate::border::host;
use crate::{HostError, PAGE, check};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

const PAGE_BYTES: u64 = PAGE as u64;
const WRITE: i32 = libc::PROT_WRITE;

/// Some views.
pub(super) type Set = SmallVec<[View; 2]>;

/// Where the pages of a layer are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// At the addresses that the guest uses.
    Here,
    /// Displaced by another layer, waiting at this address.
    Parked(u64),
}

/// The contents of one page of a private layer, for each of its views. A page without this is the same for all of
/// them and closed for writing, so that the first store is noticed.
#[derive(Debug)]
pub(super) struct Versions {
    /// The views whose contents are in the page.
    pub(super) here: Set,
    /// What the other views see.
    pub(super) saved: SmallVec<[(Frame, Set); 1]>,
    /// The host lets the page be written now.
    pub(super) open: bool,
    /// How often it was exchanged since somebody was known to write it.
    idle: u8,
    /// At how many exchanges it is looked at whether the views' contents are alike again.
    patience: u8,
}

impl Versions {
    fn of(here: Set) -> Versions {
        Versions { here, saved: SmallVec::new(), open: false, idle: 0, patience: PATIENCE }
    }
}

/// One mapping and the views that see it.
#[derive(Debug)]
pub(super) struct Layer {
    /// Each view with the protection that it asked for.
    pub(super) members: SmallVec<[(View, i32); 2]>,
    pub(super) at: At,
    /// Nothing is mapped: a view gave its pages up while others have theirs.
    pub(super) empty: bool,
    /// Stores are each view's own.
    pub(super) private: bool,
    /// The protection that the host applies now, but for closed pages.
    pub(super) prot: i32,
    /// Some pages may be closed.
    pub(super) closed: bool,
    /// Pages that (may) differ, by guest address.
    pub(super) pages: BTreeMap<u64, Versions>,
    /// Of pages that differed once: their patience, should they again.
    patience: BTreeMap<u64, u8>,
}

impl Layer {
    /// A layer of one view.
    pub(super) fn of(view: View) -> Layer {
        Layer {
            members: SmallVec::from_slice(&[(view, 0)]),
            at: At::Here,
            empty: false,
            private: false,
            prot: 0,
            closed: false,
            pages: BTreeMap::new(),
            patience: BTreeMap::new(),
        }
    }

    /// The same, with nothing mapped or with something.
    pub(super) fn emptied(self, empty: bool) -> Layer {
        Layer { empty, ..self }
    }

    pub(super) fn has(&self, view: View) -> bool {
        self.members.iter().any(|m| m.0 == view)
    }

    /// More than one view sees these pages.
    pub(super) fn common(&self) -> bool {
        self.members.len() > 1
    }

    /// Where the page that belongs at `addr` is, in a layer that belongs at `start`.
    pub(super) fn place(&self, start: u64, addr: u64) -> u64 {
        match self.at {
            At::Here => addr,
            At::Parked(at) => at + (addr - start),
        }
    }

    /// Whether its views see different things.
    pub(super) fn differs(&self) -> bool {
        !self.pages.is_empty() || self.members.iter().any(|m| m.1 != self.prot)
    }

    fn prot_of(&self, view: View) -> i32 {
        self.members.iter().find(|m| m.0 == view).map_or(0, |m| m.1)
    }

    /// What pages that others share too are protected with.
    fn closed_prot(&self, prot: i32) -> i32 {
        if self.private { prot & !WRITE } else { prot }
    }

    /// Makes the pages in place those of `view`.
    pub(super) fn show(
        &mut self,
        start: u64,
        end: u64,
        view: View,
        store: &mut Store,
    ) -> Result<(), HostError> {
        if !self.common() {
            return Ok(());
        }
        let prot = self.prot_of(view);
        if prot != self.prot {
            self.apply(start, end, prot)?;
        }
        if !self.private {
            return Ok(());
        }
        let mut alike = Vec::new();
        for (&addr, page) in &mut self.pages {
            let mut lifted = false;
            if !page.here.contains(&view)
                && let Some(i) = page.saved.iter().position(|(_, set)| set.contains(&view))
            {
                if !page.open {
                    protect(addr, PAGE_BYTES, libc::PROT_READ | WRITE)?;
                    lifted = true;
                }
                page.idle = page.idle.saturating_add(1);
                let same = page.idle == page.patience && store.equals(page.saved[i].0, addr);
                if same {
                    let (frame, set) = page.saved.swap_remove(i);
                    store.forget(frame);
                    page.here.extend(set);
                    page.patience = page.patience.saturating_mul(2);
                } else {
                    let (frame, set) = &mut page.saved[i];
                    store.exchange(*frame, addr);
                    core::mem::swap(&mut page.here, set);
                }
            }
            let want = prot & WRITE != 0 && page.here.len() == 1;
            self.closed |= !want;
            if !want && (page.open || page.saved.is_empty()) {
                alike.push(addr);
            } else if want != page.open || lifted {
                protect(addr, PAGE_BYTES, if want { prot } else { prot & !WRITE })?;
            }
            page.open = want;
        }
        for addr in &alike {
            // The same for all again: as if it had never been written since.
            if let Entry::Occupied(page) = self.pages.entry(*addr)
                && page.get().saved.is_empty()
            {
                self.patience.insert(*addr, page.remove().patience);
            }
        }
        for run in runs(alike) {
            protect(run.0, run.1 - run.0, prot & !WRITE)?;
        }
        Ok(())
    }

    /// Protects all pages anew: those that differ and are the settled view's alone stay open.
    pub(super) fn apply(&mut self, start: u64, end: u64, prot: i32) -> Result<(), HostError> {
        let at = self.place(start, start);
        protect(at, end - start, self.closed_prot(prot))?;
        self.prot = prot;
        self.closed = true;
        let offset = at.wrapping_sub(start);
        for (addr, page) in &mut self.pages {
            if page.open {
                page.open = prot & WRITE != 0;
                if page.open {
                    protect(addr.wrapping_add(offset), PAGE_BYTES, prot)?;
                }
            }
        }
        Ok(())
    }

    /// Closes every page, so that the mapping has one protection and can be moved.
    pub(super) fn close_all(&mut self, start: u64, end: u64) -> Result<(), HostError> {
        if self.private && self.common() {
            protect(self.place(start, start), end - start, self.closed_prot(self.prot))?;
            self.closed = true;
            self.pages.values_mut().for_each(|p| p.open = false);
        }
        Ok(())
    }

    /// Gives `view` a version of the page of its own and opens it. `false`: it has one already.
    pub(super) fn split(&mut self, page: u64, view: View, store: &mut Store) -> Result<bool, HostError> {
        let all = || self.members.iter().map(|m| m.0).collect();
        let mut patience = || self.patience.remove(&page).unwrap_or(PATIENCE);
        let versions = self
            .pages
            .entry(page)
            .or_insert_with(|| Versions { patience: patience(), ..Versions::of(all()) });
        if versions.open {
            return Ok(false);
        }
        if versions.here.len() > 1 {
            if self.prot & libc::PROT_READ == 0 {
                protect(page, PAGE_BYTES, libc::PROT_READ)?;
            }
            let frame = store.save(page)?;
            if self.prot & libc::PROT_READ == 0 {
                protect(page, PAGE_BYTES, self.prot & !WRITE)?;
            }
            let others = versions.here.iter().copied().filter(|v| *v != view).collect();
            versions.saved.push((frame, others));
            versions.here = Set::from_slice(&[view]);
            versions.idle = 0;
        }
        if self.prot & WRITE != 0 {
            protect(page, PAGE_BYTES, self.prot)?;
            versions.open = true;
        }
        Ok(true)
    }

    /// `child` sees what `parent` sees.
    pub(super) fn join(&mut self, parent: View, child: View, prot: i32) {
        for page in self.pages.values_mut() {
            let sets = core::iter::once(&mut page.here).chain(page.saved.iter_mut().map(|s| &mut s.1));
            for set in sets {
                if set.contains(&parent) {
                    set.push(child);
                }
            }
        }
        self.members.push((child, prot));
    }

    /// Splits a page between parent and child of a fork at once: the child's is the one in place, and open.
    pub(super) fn copy(
        &mut self,
        page: u64,
        parent: View,
        child: View,
        store: &mut Store,
    ) -> Result<(), HostError> {
        let all = || self.members.iter().map(|m| m.0).collect();
        let versions = self.pages.entry(page).or_insert_with(|| Versions::of(all()));
        let frame = store.save(page)?;
        versions.saved.push((frame, versions.here.iter().copied().filter(|v| *v != child).collect()));
        versions.here = Set::from_slice(&[child]);
        versions.open = true;
        versions.idle = 0;
        debug_assert!(versions.saved.iter().any(|(_, set)| set.contains(&parent)));
        Ok(())
    }

    /// `view` does not see these pages any more; the others' contents stay what they are.
    pub(super) fn leave(
        &mut self,
        start: u64,
        end: u64,
        view: View,
        store: &mut Store,
    ) -> Result<(), HostError> {
        self.members.retain(|m| m.0 != view);
        let last = self.members.len() == 1;
        let (at, prot) = (self.place(start, start), self.prot);
        if last && self.private && prot & WRITE == 0 && !self.pages.is_empty() {
            // Contents may have to be put back below.
            protect(at, end - start, prot | WRITE | libc::PROT_READ)?;
            self.pages.values_mut().for_each(|p| p.open = true);
            self.closed = true;
        }
        let offset = at.wrapping_sub(start);
        for (addr, page) in &mut self.pages {
            page.here.retain(|v| *v != view);
            page.saved.retain(|(frame, set)| {
                set.retain(|v| *v != view);
                if set.is_empty() {
                    store.forget(*frame);
                }
                !set.is_empty()
            });
            let place = addr.wrapping_add(offset);
            if page.here.is_empty()
                && let Some((frame, set)) = page.saved.pop()
            {
                if !page.open {
                    protect(place, PAGE_BYTES, libc::PROT_READ | WRITE)?;
                }
                store.restore(frame, place);
                page.here = set;
                if !last && (!page.open || page.here.len() > 1) {
                    protect(place, PAGE_BYTES, prot & !WRITE)?;
                    page.open = false;
                    self.closed = true;
                }
            }
        }
        if last {
            self.prot = self.members[0].1;
            if self.closed || self.prot != prot {
                protect(at, end - start, self.prot)?;
            }
            self.closed = false;
            self.pages.clear();
            self.patience.clear();
        }
        Ok(())
    }

    /// Cuts the layer, which belongs at `start`, in two at `addr`; returns the upper part.
    pub(super) fn split_off(&mut self, start: u64, addr: u64) -> Layer {
        Layer {
            members: self.members.clone(),
            at: match self.at {
                At::Here => At::Here,
                At::Parked(at) => At::Parked(at + (addr - start)),
            },
            empty: self.empty,
            private: self.private,
            prot: self.prot,
            closed: self.closed,
            pages: self.pages.split_off(&addr),
            patience: self.patience.split_off(&addr),
        }
    }

    /// Forgets all versions: the last view is gone.
    pub(super) fn forget(&mut self, store: &mut Store) {
        for page in core::mem::take(&mut self.pages).into_values() {
            page.saved.iter().for_each(|(frame, _)| store.forget(*frame));
        }
    }
}

/// After so many exchanges of a page it is looked at: if it is the same for both views, it is one again. Each time that
/// this was done and undone by a store, it takes twice as many.
const PATIENCE: u8 = 3;

/// Ascending page addresses as ranges.
fn runs(pages: Vec<u64>) -> Vec<(u64, u64)> {
    let mut out: Vec<(u64, u64)> = Vec::new();
    for page in pages {
        match out.last_mut() {
            Some(last) if last.1 == page => last.1 += PAGE_BYTES,
            _ => out.push((page, page + PAGE_BYTES)),
        }
    }
    out
}

/// mprotect on pages that are a layer's.
pub(super) fn protect(at: u64, len: u64, prot: i32) -> Result<(), HostError> {
    // SAFETY: pages of guest space or of the place where displaced ones wait; no Rust object lies there.
    check(unsafe { host!(mprotect)(at as *mut _, len as usize, prot) }.into()).map(|_| ())
}

/// Closes pages `[from, to)` of a layer that was just joined by a child.
pub(super) fn close(layer: &mut Layer, from: u64, to: u64, fresh: bool) -> Result<(), HostError> {
    if from >= to {
        return Ok(());
    }
    layer.closed = true;
    if fresh {
        return protect(from, to - from, layer.prot & !libc::PROT_WRITE);
    }
    let prot = layer.prot & !libc::PROT_WRITE;
    for (addr, page) in layer.pages.range_mut(from..to).filter(|(_, p)| p.open) {
        protect(*addr, PAGE_BYTES, prot)?;
        page.open = false;
    }
    Ok(())
}
