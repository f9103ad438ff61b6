//! Where layers wait that are not in place: address space of llano's own, reserved when the first one must go.

use super::layer::{At, Layer};
use super::store;
use crate::extents::Extents;
use crate::{HostError, space};

/// Moves a layer out of the way.
pub(super) fn park(
    layer: &mut Layer,
    start: u64,
    end: u64,
    parking: &mut Option<Extents>,
) -> Result<(), HostError> {
    if layer.empty {
        layer.at = At::Parked(0);
        return Ok(());
    }
    if parking.is_none() {
        let (at, len) = store::reserve(256 << 30, libc::PROT_NONE)?;
        *parking = Some(Extents::new(at, len));
    }
    layer.close_all(start, end)?;
    let to = parking.as_mut().and_then(|p| p.take(end - start)).ok_or(HostError(libc::ENOMEM))?;
    space::relocate(start, to, end - start)?;
    layer.at = At::Parked(to);
    Ok(())
}

/// Brings a layer back.
pub(super) fn unpark(
    layer: &mut Layer,
    start: u64,
    end: u64,
    parking: &mut Option<Extents>,
) -> Result<(), HostError> {
    if let At::Parked(from) = layer.at
        && !layer.empty
    {
        space::relocate(from, start, end - start)?;
        if let Some(parking) = parking {
            parking.give(from, end - start);
        }
    } else if layer.empty {
        space::vacate(start, end - start)?;
    }
    layer.at = At::Here;
    Ok(())
}

/// Unmaps a layer that nobody sees any more.
pub(super) fn discard(
    layer: &Layer,
    start: u64,
    end: u64,
    parking: &mut Option<Extents>,
) -> Result<(), HostError> {
    match layer.at {
        At::Here => space::vacate(start, end - start),
        At::Parked(_) if layer.empty => Ok(()),
        At::Parked(at) => {
            space::vacate(at, end - start)?;
            if let Some(parking) = parking {
                parking.give(at, end - start);
            }
            Ok(())
        }
    }
}
