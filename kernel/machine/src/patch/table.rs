//! The table of sites.

use super::area::Area;
use super::image::{Images, Texts};
use super::plan::{JUMP, Plan, Reason, plan_again, plans};
use super::site::{Info, Kind, Patched};
use super::stub::{build, jump};
use super::{Before, text};
use crate::fast::Site;
use core::cell::Cell;
use core::sync::atomic::AtomicU64;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How many sites that stay traps are remembered: code that is made at run time can have any number.
const MAX_TRAPS: usize = 4096;
/// After so many restored patches a page counts as one that is written again and again.
const MAX_RESTORED: u32 = 8;
/// Bytes of code read in front of a site and behind it.
const AROUND: (u64, u64) = (128, 64);
/// A patch's copies span fewer bytes than this.
const LONGEST: u64 = 128;
/// Entries of the translation cache.
const CACHE: usize = 256;

/// What is to become of the bytes of a patch that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bytes {
    /// The original ones come back.
    Restore,
    /// The page is gone.
    Gone,
}

/// All sites and areas.
#[derive(Debug)]
pub(super) struct Patches {
    areas: Vec<Area>,
    /// By where their jump is now.
    pub(super) patched: BTreeMap<u64, Rc<Patched>>,
    /// All that have a stub, by its address; those of images that are not mapped now among them.
    stubs: BTreeMap<u64, Rc<Patched>>,
    traps: BTreeMap<u64, (Reason, u64)>,
    /// Where a debugger has changed a byte.
    pub(super) kept_off: BTreeSet<u64>,
    /// By page: how often patches on it were taken back.
    restored: BTreeMap<u64, u32>,
    /// Hits of patches that are gone.
    hits: u64,
    trapped: u64,
    pub(super) texts: Texts,
    pub(super) images: Images,
    cache: [(u64, u64); CACHE],
}

impl Patches {
    pub(super) const fn new() -> Patches {
        Patches {
            areas: Vec::new(),
            patched: BTreeMap::new(),
            stubs: BTreeMap::new(),
            traps: BTreeMap::new(),
            kept_off: BTreeSet::new(),
            restored: BTreeMap::new(),
            hits: 0,
            trapped: 0,
            texts: Texts::new(),
            images: Images::new(),
            cache: [(0, 0); CACHE],
        }
    }

    pub(super) fn trapped(&mut self, addr: u64) -> bool {
        self.trapped += 1;
        match self.traps.get_mut(&addr) {
            Some((_, hits)) => {
                *hits += 1;
                false
            }
            None => true,
        }
    }

    pub(super) fn needs_area(&self, addr: u64) -> bool {
        !self.areas.iter().any(|a| a.reaches(addr))
    }

    pub(super) fn add_area(&mut self, area: Area) {
        self.areas.push(area);
    }

    pub(super) fn refuse(&mut self, addr: u64, reason: Reason) {
        if self.traps.len() < MAX_TRAPS {
            self.traps.entry(addr).or_insert((reason, 1)).0 = reason;
        }
    }

    pub(super) fn patch(&mut self, addr: u64, start: u64, end: u64, before: Before) -> Result<(), Reason> {
        if self.at_syscall(addr).is_some() {
            return Ok(());
        }
        let result = self.try_patch(addr, start, end, before);
        match result {
            Ok(()) => self.patch_relatives(addr, start, end),
            Err(reason) => self.refuse(addr, reason),
        }
        result
    }

    /// The first site of a text was patched: those that others had patched in the same file follow before they trap.
    fn patch_relatives(&mut self, addr: u64, start: u64, end: u64) {
        let (text, sites) = self.known_sites(addr);
        if self.patched.range(text).nth(1).is_some() {
            return;
        }
        let near = |at: u64| at.saturating_sub(LONGEST)..at.saturating_add(LONGEST);
        let sites: Vec<u64> =
            sites.into_iter().filter(|at| self.kept_off.range(near(*at)).next().is_none()).collect();
        for site in sites.into_iter().filter(|at| *at != addr) {
            // Where it cannot be done, it will be tried again when it traps, and the reason remembered.
            let _ = self.try_patch(site, start, end, Before::Code);
        }
    }

    /// The patch of the `syscall` at `addr`.
    fn at_syscall(&self, addr: u64) -> Option<&Rc<Patched>> {
        self.patched.range(..=addr).next_back().map(|(_, p)| p).filter(|p| p.plan.syscall == addr)
    }

    fn try_patch(&mut self, addr: u64, start: u64, end: u64, before: Before) -> Result<(), Reason> {
        if crate::overlay::divided(addr) {
            return Err(Reason::Shared);
        }
        if self.restored.get(&(addr / crate::PAGE as u64)).is_some_and(|n| *n >= MAX_RESTORED) {
            return Err(Reason::Writable);
        }
        let from = addr.saturating_sub(AROUND.0).max(start);
        let to = (addr + AROUND.1).min(end);
        let mut code = vec![0; to.saturating_sub(from) as usize];
        let n = crate::usermem::copy_in_some(from, &mut code).map_err(|_| Reason::Bytes)?;
        code.truncate(n);
        self.show_original(from, &mut code);
        let tried = self.known_plan(addr).and_then(|start| plan_again(&code, from, start, addr));
        let known = (before == Before::Unknown).then_some(addr);
        let found = match tried {
            Some(plan) => vec![plan],
            None => plans(&code, from, addr, known)?,
        };
        for plan in found {
            let end = plan.end().max(plan.start + JUMP as u64);
            if self.patched.range(..end).next_back().is_some_and(|(at, p)| at + p.len() > plan.start) {
                continue;
            }
            let start = plan.start;
            if let Some(done) = self.place(plan, &code, from) {
                if done.is_ok() {
                    self.know_plan(addr, start);
                }
                return done;
            }
        }
        Err(Reason::NoPlace)
    }

    /// Writes the stub and the jump of a plan; `None` if there is no place for it.
    fn place(&mut self, plan: Plan, code: &[u8], base: u64) -> Option<Result<(), Reason>> {
        let mut site = Box::new(Site { next: plan.syscall + 2, resume: 0, hits: AtomicU64::new(0) });
        let address = &raw const *site as u64;
        for area in self.areas.iter_mut().filter(|a| a.reaches(plan.start)) {
            let Ok(draft) = build(&plan, area.pointer(), address, area.pointer()) else { continue };
            let len = draft.code.len() as u64;
            let Some(at) = area.find(&plan, len) else { continue };
            let Ok(stub) = build(&plan, at, address, area.pointer()) else { continue };
            site.resume = if plan.end() == site.next { site.next } else { at + u64::from(stub.resume) };
            let from = (plan.start - base) as usize;
            let original = code[from..from + JUMP].try_into().unwrap_or_default();
            let jump = jump(&plan, at);
            if text::write(at, &stub.code).is_err() || text::write(plan.start, &jump).is_err() {
                return Some(Err(Reason::Host));
            }
            area.take(at, len);
            self.traps.remove(&plan.syscall);
            let start = plan.start;
            let patch = Rc::new(Patched { plan, original, jump, at, stub, site, in_image: Cell::new(false) });
            self.stubs.insert(at, patch.clone());
            self.patched.insert(start, patch);
            self.cache.fill((0, 0));
            return Some(Ok(()));
        }
        None
    }

    pub(super) fn remove(&mut self, addr: u64, len: u64, bytes: Bytes) {
        let end = addr.saturating_add(len);
        if bytes == Bytes::Gone {
            let page = crate::PAGE as u64;
            self.restored.retain(|at, _| !(addr / page..end.div_ceil(page)).contains(at));
            self.reconsider(addr, end);
        }
        self.end_texts(addr, end, bytes);
        let first = addr.saturating_sub(LONGEST);
        let reaches = |(start, p): (&u64, &Rc<Patched>)| (start + p.len() > addr).then_some(*start);
        let hit: Vec<u64> = self.patched.range(first..end).filter_map(reaches).collect();
        for start in hit {
            let Some(p) = self.patched.remove(&start) else { continue };
            if bytes == Bytes::Restore || start < addr || start + JUMP as u64 > end {
                // A page that is gone already cannot be written and need not be.
                let _ = text::write(start, &p.original);
            }
            if bytes == Bytes::Restore {
                *self.restored.entry(p.plan.syscall / crate::PAGE as u64).or_default() += 1;
            }
            self.gone(&p);
        }
    }

    /// Pages went, with the jumps in them, from one place to another.
    pub(super) fn moved(&mut self, from: u64, to: u64, len: u64) {
        // What reaches over an end of the range does not go with it as a whole.
        let mut across: Vec<u64> = Vec::new();
        let mut along = Vec::new();
        for (start, p) in self.patched.range(from.saturating_sub(LONGEST)..from + len) {
            match (*start >= from, start + p.len() <= from + len) {
                (true, true) => along.push(*start),
                (false, _) if start + p.len() <= from => {}
                _ => across.push(*start),
            }
        }
        for start in across {
            // Its pages are where they were or where they went.
            let Some(p) = self.patched.remove(&start) else { continue };
            for (at, byte) in (start..).zip(p.original) {
                let now = if (from..from + len).contains(&at) { at - from + to } else { at };
                let _ = text::write(now, &[byte]);
            }
            self.gone(&p);
        }
        self.reconsider(from, from + len);
        self.reconsider(to, to + len);
        self.move_texts(from, to, len);
        for start in along {
            if let Some(p) = self.patched.remove(&start) {
                self.patched.insert(start - from + to, p);
            }
        }
        self.cache.fill((0, 0));
    }

    /// A patch is in force no more; its stub goes with it unless an image has the jump.
    fn gone(&mut self, p: &Patched) {
        self.cache.fill((0, 0));
        crate::fast::forget();
        if p.in_image.get() {
            return;
        }
        self.hits += p.hits();
        self.stubs.remove(&p.at);
        if let Some(area) = self.areas.iter_mut().find(|a| a.contains(p.at)) {
            area.give(p.at);
        }
    }

    /// A patch whose jump is in place already.
    pub(super) fn in_force(&mut self, p: &Rc<Patched>) {
        self.patched.insert(p.plan.start, p.clone());
    }

    /// What [`Patches::entry_address`] remembers is not true any more.
    pub(super) fn forget_addresses(&mut self) {
        self.cache.fill((0, 0));
    }

    /// What stayed a trap in a range may be tried again: its pages changed.
    pub(super) fn reconsider(&mut self, addr: u64, end: u64) {
        if self.traps.range(addr..end).next().is_some() {
            self.traps.retain(|at, _| !(addr..end).contains(at));
        }
    }

    pub(super) fn show_original(&self, addr: u64, buf: &mut [u8]) {
        let end = addr.saturating_add(buf.len() as u64);
        for (start, p) in self.patched.range(addr.saturating_sub(JUMP as u64 - 1)..end) {
            for (at, byte) in (*start..).zip(p.original) {
                if (addr..end).contains(&at) {
                    buf[(at - addr) as usize] = byte;
                }
            }
        }
    }

    pub(super) fn list(&self) -> Vec<Info> {
        let patched =
            self.patched.values().map(|p| Info { addr: p.plan.syscall, kind: Kind::Patched, hits: p.hits() });
        let traps = self.traps.iter().map(|(addr, (reason, hits))| Info {
            addr: *addr,
            kind: Kind::Trap(*reason),
            hits: *hits,
        });
        let mut all: Vec<Info> = patched.chain(traps).collect();
        all.sort_by_key(|i| i.addr);
        all
    }

    pub(super) fn counts(&self) -> (u64, u64) {
        let live: u64 = self.stubs.values().map(|p| p.hits()).sum();
        (self.hits + live, self.trapped)
    }

    /// The patch whose stub holds `rip`, and the offset in it.
    pub(super) fn stub_at(&self, rip: u64) -> Option<(&Patched, u32)> {
        if !self.areas.iter().any(|a| a.contains(rip)) {
            return None;
        }
        let (at, site) = self.stubs.range(..=rip).next_back()?;
        let offset = rip - at;
        (offset < site.stub.code.len() as u64).then_some((site, offset as u32))
    }

    /// Whether `rip` is a byte of a jump, but not its first.
    pub(super) fn taken_at(&self, rip: u64) -> bool {
        self.patched
            .range(..rip)
            .next_back()
            .is_some_and(|(at, p)| rip < at + JUMP as u64 && p.copy(rip).is_some())
    }

    pub(super) fn entry_address(&mut self, rip: u64) -> u64 {
        let slot = rip as usize / 2 % CACHE;
        let (known, to) = self.cache[slot];
        if known == rip {
            return to;
        }
        let near = self.patched.range(..=rip).next_back();
        let to = near.and_then(|(_, p)| p.copy(rip)).unwrap_or(rip);
        self.cache[slot] = (rip, to);
        to
    }
}
