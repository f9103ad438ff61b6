//! Where the bytes are that a view sees, for tools: any view's, whether it is in place or not, and nothing moves.

use super::layer::{At, Layer, protect};
use super::{PAGE_BYTES, View, with};
use crate::{HostError, patch};

/// Where what a view sees at an address is, and how far that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The address at which it is now; `None`: the view sees nothing there.
    pub at: Option<u64>,
    /// So many bytes are in one piece.
    pub len: u64,
}

/// Finds what `view` sees at `addr`. Where it sees nothing of its own among what others dispute, that is what lies there.
pub fn locate(view: View, addr: u64) -> Place {
    with(|o| {
        let Some((start, span)) = o.overlapping(addr, addr + 1).next() else {
            let next = o.spans.range(addr..).next().map_or(u64::MAX, |(s, _)| *s);
            return Place { at: Some(addr), len: next - addr };
        };
        let whole = |at| Place { at, len: span.end - addr };
        let Some(layer) = span.layers.iter().find(|l| l.has(view)) else { return whole(Some(addr)) };
        if layer.empty {
            return whole(None);
        }
        let page = addr & !(PAGE_BYTES - 1);
        let mut saved = layer.pages.range(page..).filter(|(_, v)| !v.here.contains(&view)).peekable();
        match saved.peek() {
            Some((at, versions)) if **at == page => {
                let frame = versions.saved.iter().find(|(_, set)| set.contains(&view));
                let at = frame.map(|(frame, _)| o.store.address(*frame) + (addr - page));
                Place { at, len: page + PAGE_BYTES - addr }
            }
            next => Place {
                at: Some(layer.place(start, addr)),
                len: next.map_or(span.end, |(at, _)| **at) - addr,
            },
        }
    })
}

/// Whether two views see one and the same mapping at `addr`, which they inherited.
pub fn related(one: View, other: View, addr: u64) -> bool {
    with(|o| {
        let Some((_, span)) = o.overlapping(addr, addr + 1).next() else { return false };
        span.layers.iter().any(|l| l.has(one) && l.has(other))
    })
}

/// Whether the host keeps the page of `addr` closed for writing since several views share it.
pub(crate) fn closed(addr: u64) -> bool {
    let page = addr & !(PAGE_BYTES - 1);
    let closed = |l: &Layer| l.common() && l.private && !l.pages.get(&page).is_some_and(|p| p.open);
    with(|o| {
        o.overlapping(page, page + PAGE_BYTES)
            .any(|(_, s)| s.layers.iter().any(|l| l.at == At::Here && closed(l)))
    })
}

/// Changes the host's protection of one page of guest space, whatever its mapping says.
///
/// # Errors
/// The host's word.
pub(crate) fn protect_page(page: u64, prot: i32) -> Result<(), HostError> {
    protect(page, PAGE_BYTES, prot)
}

/// Gives the current view versions of its own of the pages in a range, whatever their protection: what is written there
/// next, past the protection, is seen by nobody else. Shared memory stays shared.
///
/// # Errors
/// The host's word, or no room to save pages in.
pub fn own(addr: u64, len: u64) -> Result<(), HostError> {
    let first = addr & !(PAGE_BYTES - 1);
    let mut page = first;
    while page < addr.saturating_add(len) {
        let divide = with(|o| {
            let view = o.current;
            o.overlapping(page, page + 1).any(|(_, s)| {
                s.layers.iter().any(|l| l.at == At::Here && l.has(view) && l.common() && l.private)
            })
        });
        if divide {
            // Of pages with several versions none is patched.
            patch::restore(page, PAGE_BYTES);
            with(|o| o.divide_page(page))?;
        }
        page += PAGE_BYTES;
    }
    Ok(())
}

impl super::Overlay {
    fn divide_page(&mut self, page: u64) -> Result<(), HostError> {
        let view = self.current;
        let Some((_, span)) = self.spans.range_mut(..=page).next_back() else { return Ok(()) };
        if let Some(layer) = span.layers.iter_mut().find(|l| l.at == At::Here && l.has(view)) {
            layer.split(page, view, &mut self.store)?;
            span.settled = view;
            self.epoch += 1;
        }
        Ok(())
    }
}
