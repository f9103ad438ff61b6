//! llano's own threads beside the guest's tasks.

use std::io;

use super::Writer;
use crate::host::{HostEvent, Told, What};
use crate::json;
use crate::tracks::{HOST, host_track};

impl Writer<'_> {
    /// Events of llano's threads, each thread's in order of time.
    pub(super) fn host(&mut self, events: &[HostEvent]) -> io::Result<()> {
        if !events.is_empty() {
            self.name("process_name", HOST, HOST, "llano on the host")?;
        }
        for HostEvent { thread, tsc, what } in events {
            let (tid, tsc) = (host_track(*thread), *tsc);
            match what {
                What::Name(name) => self.name("thread_name", HOST, tid, name)?,
                What::Begin(told) => self.host_event('B', tid, tsc, told)?,
                What::Point(told) => self.host_event('i', tid, tsc, told)?,
                What::End => {
                    self.begin('E', tid, "");
                    self.ts(tsc);
                    self.end()?;
                }
            }
        }
        Ok(())
    }

    fn host_event(&mut self, ph: char, tid: u32, tsc: u64, told: &Told) -> io::Result<()> {
        self.begin(ph, tid, &told.name);
        self.ts(tsc);
        self.field("cat", &told.category);
        if ph == 'i' {
            self.field("s", "t");
        }
        self.line.push_str(",\"args\":{");
        for (at, (name, value)) in told.args.iter().enumerate() {
            self.line.push_str(if at == 0 { "" } else { "," });
            json::string(&mut self.line, name);
            self.line.push(':');
            json::string(&mut self.line, value);
        }
        self.line.push('}');
        self.end()
    }
}
