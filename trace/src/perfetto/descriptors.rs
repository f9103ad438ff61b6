//! What stands at the head of the file: machine and clocks, tracks and their names; tracks of counters, which come later.
//!
//! Field numbers are those of `track_descriptor.proto`, `process_tree.proto`, `clock_snapshot.proto` and
//! `system_info.proto`.

use std::io;

use super::Writer;
use super::proto::{bytes, message, number};
use crate::tracks::{BYTES, DEBUGGER, KERNEL, Names};

/// The track of a task, or of a counter: numbers Perfetto knows them by.
pub(super) fn track(tid: u32) -> u64 {
    u64::from(if tid == 0 { KERNEL } else { tid }) * 2 + 1
}

fn process_track(tgid: u32) -> u64 {
    u64::from(tgid) * 2 + 2
}

/// Numbers of counters' tracks begin here.
const COUNTERS: u64 = 1 << 40;

impl Writer<'_> {
    /// What kind of machine this is, and its clocks: without the first, states of threads are not decoded.
    pub(super) fn head(&mut self, first: u64) -> io::Result<()> {
        let (ns, wall_ns) = (self.ns(first), self.now.clock.wall_ns(first));
        self.packets.packet(None, |packet| {
            message(packet, 45, |info| {
                message(info, 1, |utsname| {
                    bytes(utsname, 1, b"Linux");
                    bytes(utsname, 2, b"llano");
                    bytes(utsname, 3, b"6.1.0");
                    bytes(utsname, 4, b"x86_64");
                });
            });
        })?;
        self.packets.packet(Some(ns), |packet| {
            message(packet, 6, |clocks| {
                // CLOCK_BOOTTIME, MONOTONIC and REALTIME by Perfetto's own numbers.
                for (clock, ns) in [(6, ns), (3, ns), (1, wall_ns)] {
                    message(clocks, 1, |reading| {
                        number(reading, 1, clock);
                        number(reading, 2, ns);
                    });
                }
                number(clocks, 2, 6);
            });
        })
    }

    pub(super) fn names(&mut self, first: u64, names: &Names) -> io::Result<()> {
        self.process(KERNEL, "llano")?;
        self.thread(KERNEL, KERNEL, "kernel")?;
        if names.debugger {
            self.thread(KERNEL, DEBUGGER, "debugger")?;
        }
        for (&tid, task) in names.last.tasks().range(1..) {
            if tid == task.tgid {
                self.process(tid, &task.comm)?;
            }
            self.thread(task.tgid, tid, &task.comm)?;
        }
        let ns = self.ns(first);
        self.packets.packet(Some(ns), |packet| {
            message(packet, 2, |tree| {
                for (&tid, task) in names.last.tasks().range(1..) {
                    if tid == task.tgid {
                        message(tree, 1, |process| {
                            number(process, 1, tid.into());
                            number(process, 2, names.parents.get(&tid).copied().unwrap_or(0).into());
                            bytes(process, 3, task.comm.as_bytes());
                        });
                    } else {
                        message(tree, 2, |thread| {
                            number(thread, 1, tid.into());
                            bytes(thread, 2, task.comm.as_bytes());
                            number(thread, 3, task.tgid.into());
                        });
                    }
                }
            });
        })
    }

    /// Announces counter number `at`, of a process; the number of its track.
    pub(super) fn counter_track(&mut self, at: u64, process: u32, name: &str, unit: &str) -> io::Result<u64> {
        let number_of_it = COUNTERS + at;
        self.packets.packet(None, |packet| {
            message(packet, 60, |track| {
                number(track, 1, number_of_it);
                number(track, 5, process_track(process));
                bytes(track, 2, name.as_bytes());
                message(track, 8, |counter| {
                    // UNIT_SIZE_BYTES; of others the name says what is counted.
                    if unit == BYTES {
                        number(counter, 3, 3);
                    }
                });
            });
        })?;
        Ok(number_of_it)
    }

    pub(super) fn process(&mut self, tgid: u32, name: &str) -> io::Result<()> {
        self.packets.packet(None, |packet| {
            message(packet, 60, |track| {
                number(track, 1, process_track(tgid));
                message(track, 3, |process| {
                    number(process, 1, tgid.into());
                    bytes(process, 6, name.as_bytes());
                });
            });
        })
    }

    pub(super) fn thread(&mut self, tgid: u32, tid: u32, name: &str) -> io::Result<()> {
        self.packets.packet(None, |packet| {
            message(packet, 60, |descriptor| {
                number(descriptor, 1, track(tid));
                message(descriptor, 4, |thread| {
                    number(thread, 1, tgid.into());
                    number(thread, 2, tid.into());
                    bytes(thread, 5, name.as_bytes());
                });
            });
        })
    }
}
