//! llano's own threads beside the guest's tasks.

use std::io;

use super::{Kind, Writer};
use crate::host::{HostEvent, Told, What};
use crate::tracks::{HOST, host_track};

impl Writer<'_> {
    /// Events of llano's threads, each thread's in order of time.
    pub(super) fn host(&mut self, events: &[HostEvent]) -> io::Result<()> {
        if !events.is_empty() {
            self.process(HOST, "llano on the host")?;
        }
        for HostEvent { thread, tsc, what } in events {
            let (tid, tsc) = (host_track(*thread), *tsc);
            match what {
                What::Name(name) => self.thread(HOST, tid, name)?,
                What::Begin(told) => self.host_event(Kind::Begin, tid, tsc, told)?,
                What::Point(told) => self.host_event(Kind::Point, tid, tsc, told)?,
                What::End => self.end(tid, tsc)?,
            }
        }
        Ok(())
    }

    fn host_event(&mut self, kind: Kind, tid: u32, tsc: u64, told: &Told) -> io::Result<()> {
        for (name, value) in &told.args {
            self.annotate(name, value);
        }
        self.track_event(kind, tid, tsc, &told.category, &told.name)
    }
}
