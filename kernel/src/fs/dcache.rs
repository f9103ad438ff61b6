//! Which names are remembered although nobody stands on them: nodes of late, so that a walk need not make them anew.
//!
//! The cache only keeps nodes alive. Whether one still says the truth is asked of its filesystem at each walk
//! ([`Inode::still`](super::inode::Inode::still)), and a name that the guest removes is let go at once, with what it pins.

use super::inode::Keep;
use super::path::Node;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use llano_machine::host::descriptor_limit;

/// Nodes of filesystems in RAM: some hundred bytes each.
const RAM: usize = 16384;
/// Directories and links of the host: a descriptor of the host each.
const HOST: usize = 768;

/// A node's slot, for nodes that have none.
pub(super) const NO_SLOT: u32 = u32::MAX;

/// A hash of a name, eight bytes at a time: what collides is compared, and names come from those who pay for it.
pub(super) fn hash(name: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, b| word << 8 | u64::from(*b));
    let chunks = name.chunks_exact(8);
    let rest = word(chunks.remainder()) ^ name.len() as u64;
    let mix = |h: u64, word: u64| (h ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let whole = chunks.fold(0, |h, c| mix(h, c.try_into().map_or(0, u64::from_le_bytes)));
    let h = mix(whole, rest).wrapping_mul(FACTOR);
    h ^ h >> 32
}

/// The remembered nodes of all mounts.
pub struct Dcache {
    ram: Ring,
    host: Ring,
}

/// Slots that a clock hand goes round: what was not used since it last came by makes room.
#[derive(Default)]
struct Ring {
    slots: RefCell<Vec<Option<Rc<Node>>>>,
    hand: Cell<usize>,
    size: usize,
}

impl Default for Dcache {
    fn default() -> Dcache {
        // Most descriptors are the guest's.
        let host = HOST.min(descriptor_limit() as usize / 8).max(1);
        Dcache { ram: Ring { size: RAM, ..Ring::default() }, host: Ring { size: host, ..Ring::default() } }
    }
}

impl Dcache {
    fn ring(&self, keep: Keep) -> Option<&Ring> {
        match keep {
            Keep::Not => None,
            Keep::Ram => Some(&self.ram),
            Keep::Host => Some(&self.host),
        }
    }

    /// Remembers a node that has just been made, if its filesystem thinks it worth that.
    pub(super) fn keep(&self, node: &Rc<Node>) {
        if let Some(ring) = self.ring(node.keep) {
            let evicted = ring.put(node);
            // Outside, as dropping it may run through half a tree.
            drop(evicted);
        }
    }

    /// Lets go of a node.
    pub(super) fn release(&self, node: &Node) {
        let slot = node.slot.replace(NO_SLOT);
        if slot != NO_SLOT
            && let Some(ring) = self.ring(node.keep)
        {
            let released = ring.slots.borrow_mut().get_mut(slot as usize).and_then(Option::take);
            drop(released);
        }
    }

    /// Lets go of all nodes below `top`, which is mounted no more.
    pub(super) fn release_tree(&self, top: &Rc<Node>) {
        self.release_if(|node| top.is_above(node));
    }

    /// Lets go of all nodes.
    pub(super) fn release_all(&self) {
        self.release_if(|_| true);
    }

    fn release_if(&self, which: impl Fn(&Rc<Node>) -> bool) {
        for ring in [&self.ram, &self.host] {
            let nodes: Vec<Rc<Node>> = ring.slots.borrow().iter().flatten().cloned().collect();
            for node in nodes.iter().filter(|node| which(node)) {
                self.release(node);
            }
        }
    }
}

impl Ring {
    /// Puts a node into a slot, and returns what was there.
    fn put(&self, node: &Rc<Node>) -> Option<Rc<Node>> {
        let mut slots = self.slots.borrow_mut();
        if slots.len() < self.size {
            node.slot.set(slots.len() as u32);
            slots.push(Some(node.clone()));
            return None;
        }
        let mut at = self.hand.get();
        while let Some(old) = &slots[at]
            && old.used.replace(false)
        {
            at = (at + 1) % self.size;
        }
        self.hand.set((at + 1) % self.size);
        node.slot.set(at as u32);
        let old = slots[at].replace(node.clone());
        if let Some(old) = &old {
            old.slot.set(NO_SLOT);
        }
        old
    }
}
