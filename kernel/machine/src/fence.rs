//! Pages that are closed for writing while guest code runs, by the host's page protection (mprotect(2)).

use crate::overlay;
use crate::{PAGE, space};

/// Closed pages; open again, as their mappings have them, when dropped. Between the two nothing but guest code may run:
/// who changes a mapping meanwhile would find the old protection put back.
#[derive(Debug, Default)]
pub struct Fence {
    pages: Vec<(u64, i32)>,
}

impl Fence {
    /// Closes a page of guest space that is mapped with `prot`, a page once. One that the host keeps closed anyway, as
    /// several views share it, is left alone, and so is one for which the host has no room.
    pub fn close(&mut self, page: u64, prot: i32) {
        let known = self.pages.iter().any(|(at, _)| *at == page);
        if !known
            && space::contains(page, PAGE as u64)
            && !overlay::closed(page)
            && overlay::protect_page(page, prot & !space::WRITE).is_ok()
        {
            self.pages.push((page, prot));
        }
    }

    /// Whether the page of `addr` was closed by this.
    pub fn has(&self, addr: u64) -> bool {
        self.pages.iter().any(|(at, _)| *at == addr & !(PAGE as u64 - 1))
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        for (page, prot) in &self.pages {
            // It was a map of its own since `close`: the host needs no room to change it back.
            let _ = overlay::protect_page(*page, *prot);
        }
    }
}
