//! The ELF files in guest memory, as shared libraries.
//!
//! gdb needs all five attributes, and `l_ld` exactly; `lm` is only a name of the entry, so it is unique.

use super::{Target, piece};
use crate::filter::xml;
use gdbstub::target::TargetResult;
use gdbstub::target::ext::libraries::LibrariesSvr4;
use llano_kernel::inspect::own::park;
use std::fmt::Write;

impl LibrariesSvr4 for Target {
    fn get_libraries_svr4(&self, offset: u64, length: usize, buf: &mut [u8]) -> TargetResult<usize, Self> {
        // A parked vCPU cannot be asked: the list is the last one then.
        if offset == 0 && (!park::parked() || self.libraries.borrow().is_empty()) {
            let images = self.ask(llano_kernel::Kernel::show_images).unwrap_or_default();
            let mut out = String::from("<library-list-svr4 version=\"1.0\">");
            for (n, image) in images.iter().enumerate() {
                let (path, bias, dynamic) = (xml(&image.path), image.bias, image.dynamic);
                let _ = write!(
                    out,
                    "<library name=\"{path}\" lm=\"{:#x}\" l_addr=\"{bias:#x}\" l_ld=\"{dynamic:#x}\" lmid=\"0x0\"/>",
                    (n + 1) * 16
                );
            }
            out.push_str("</library-list-svr4>");
            *self.libraries.borrow_mut() = out.into_bytes();
            *self.listed.borrow_mut() = images;
        }
        Ok(piece(&self.libraries.borrow(), offset, length, buf))
    }
}
