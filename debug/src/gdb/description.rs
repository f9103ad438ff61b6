//! What registers there are.

use super::{Target, piece};
use gdbstub::target::TargetResult;
use gdbstub::target::ext::target_description_xml_override::TargetDescriptionXmlOverride;

impl TargetDescriptionXmlOverride for Target {
    fn target_description_xml(
        &self,
        _annex: &[u8],
        offset: u64,
        length: usize,
        buf: &mut [u8],
    ) -> TargetResult<usize, Self> {
        Ok(piece(crate::arch::description().as_bytes(), offset, length, buf))
    }
}
