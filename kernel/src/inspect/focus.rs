//! Which images a debugger is shown.
//!
//! gdb knows one program with one address space. Of two images at the same addresses it would find the names of the first
//! only, and of two variables with the same name the first image's. So images that overlap others are left out, and with
//! a focus on one process also those that have a namesake in it. The process of the task that stopped comes first; when that
//! changes what is to be shown the debugger is told in front of the stop.

use crate::debug::{DebugStop, Focus};
use crate::error::{Errno, Result};
use crate::kernel::Kernel;
use crate::mm::{Image, seen_by};
use crate::task::Pid;
use crate::user;
use crate::wait::Tid;
use alloc::vec::Vec;
use llano_machine::overlay;

/// What tells one image from another, for gdb as well.
pub type ImageName = (Vec<u8>, u64);

impl Kernel {
    /// The images that the debugger is shown now. It is taken to know them from now on.
    pub fn show_images(&mut self) -> Vec<Image> {
        let images = self.images_to_show();
        self.debug.shown = Some(images.iter().map(|i| (i.path.clone(), i.bias)).collect());
        self.debug.shown_for = self.debug.stopped_in;
        images
    }

    /// Changes whose images are shown.
    pub fn set_focus(&mut self, focus: Focus) {
        self.debug.focus = focus;
        self.debug.images_changed = true;
        self.stop_requested |= self.debug.attached;
    }

    fn images_to_show(&self) -> Vec<Image> {
        let all = self.images();
        let of = |pid: Pid| all.iter().filter(move |(p, _)| *p == pid).map(|(_, image)| image);
        let stopped = self.sharer(self.debug.stopped_in);
        let focus = match self.debug.focus {
            Focus::Process(pid) => self.sharer(pid),
            Focus::All | Focus::Stop => stopped,
        };
        let newcomer = self.sharer(self.debug.newcomer);
        let resident = self.tables.tasks().find(|t| t.view == overlay::current()).map(|t| t.pid);
        let mut order = Vec::new();
        // What is about to run for the first time is shown even where somebody else's program lies.
        if of(newcomer).any(|i| of(focus).any(|j| overlap(i, j))) {
            order.push(newcomer);
        }
        order.extend([focus, stopped, newcomer]);
        order.extend(resident.map(|pid| self.sharer(pid)));
        order.extend(all.iter().map(|(pid, _)| *pid));
        let mut shown: Vec<Image> = Vec::new();
        let mut seen = Vec::new();
        for pid in order {
            if seen.contains(&pid) {
                continue;
            }
            seen.push(pid);
            for image in of(pid) {
                let hidden = |other: &Image| {
                    overlap(image, other) || self.debug.focus != Focus::All && image.path == other.path
                };
                if !shown.iter().any(hidden) {
                    shown.push(image.clone());
                }
            }
        }
        shown
    }

    /// The process under whose number the images of this one's memory are listed: a vfork child has its parent's.
    fn sharer(&self, pid: Pid) -> Pid {
        let view = |t: &crate::task::Task| t.view;
        let Some(mine) = self.tables.tasks().find(|t| t.pid == pid).map(view) else { return pid };
        self.tables.tasks().find(|t| t.view == mine).map_or(pid, |t| t.pid)
    }

    /// The list changed, or may have: whether the debugger knows another than it should.
    pub(super) fn images_stale(&mut self) -> bool {
        let now: Vec<ImageName> = self.images_to_show().into_iter().map(|i| (i.path, i.bias)).collect();
        let stale = self.debug.shown.as_ref() != Some(&now);
        if !stale {
            self.debug.shown_for = self.debug.stopped_in;
        }
        stale
    }

    /// A task is about to be shown: whether the debugger must read another list first.
    pub(super) fn images_for(&mut self, stop: DebugStop) -> bool {
        let Some(pid) = self.tables.task(stop.tid()).map(|t| t.pid) else { return false };
        self.debug.stopped_in = pid;
        // A debugger that never asked does not want to know.
        self.debug.shown.is_some() && self.debug.shown_for != pid && self.images_stale()
    }

    /// A task's auxiliary vector, as its program was started with.
    pub fn auxv(&self, tid: Tid) -> Vec<u8> {
        self.tables.task(tid).map(|t| t.mm.borrow().auxv.clone()).unwrap_or_default()
    }

    /// A string in a task's memory, `max` bytes at most.
    ///
    /// # Errors
    /// `ESRCH`, `EFAULT`.
    pub fn string_of(&self, tid: Tid, addr: u64, max: usize) -> Result<Vec<u8>> {
        let view = self.tables.task(tid).ok_or(Errno::ESRCH)?.view;
        seen_by(view, || user::string(addr, max, Errno::EFAULT))
    }
}

fn overlap(a: &Image, b: &Image) -> bool {
    a.span.0 < b.span.1 && b.span.0 < a.span.1
}
