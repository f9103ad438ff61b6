//! Which pages a core has: those that are in memory, by the host's page map (proc_pid_pagemap(5)).

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

const PAGE: u64 = 4096;
/// The most segments: an ELF file counts them in 16 bits.
pub const MOST: usize = 60_000;
/// Pages between two runs that become part of one.
const NEAR: u64 = 16 * PAGE;

/// A part of memory that may go into a core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Area {
    /// First byte; of a page.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// Protection as `PF_R` 4, `PF_W` 2, `PF_X` 1.
    pub flags: u32,
    /// All of it, not only what is in memory.
    pub whole: bool,
    /// What is not in memory is left out altogether, not told to be zeroes or a file's.
    pub bare: bool,
}

/// A segment of a core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// First byte.
    pub start: u64,
    /// Bytes of memory.
    pub len: u64,
    /// How many of them, from the first, are in the core.
    pub stored: u64,
    /// As [`Area::flags`].
    pub flags: u32,
}

/// The host's page map of llano.
pub struct PageMap(File);

impl PageMap {
    /// Opens it.
    ///
    /// # Errors
    /// As opening `/proc/self/pagemap` fails.
    pub fn open() -> io::Result<PageMap> {
        File::open("/proc/self/pagemap").map(PageMap)
    }

    /// The pages of a range that are in memory (or swapped out), as ranges.
    pub fn present(&self, start: u64, end: u64) -> Vec<Range<u64>> {
        const PRESENT_OR_SWAPPED: u64 = 3 << 62;
        let mut out: Vec<Range<u64>> = Vec::new();
        let mut push = |start: u64, end: u64| match out.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => out.push(start..end),
        };
        let mut entries = [0u8; 32 << 10];
        let mut at = start;
        while at < end {
            let wanted = (((end - at) / PAGE * 8) as usize).min(entries.len());
            let n = self.0.read_at(&mut entries[..wanted], at / PAGE * 8).unwrap_or(0) / 8;
            if n == 0 {
                // Unknown: all of it may be.
                push(at, end);
                break;
            }
            for (i, entry) in (0..).zip(entries[..n * 8].chunks_exact(8)) {
                if u64::from_le_bytes(entry.try_into().expect("eight bytes")) & PRESENT_OR_SWAPPED != 0 {
                    push(at + i * PAGE, at + (i + 1) * PAGE);
                }
            }
            at += n as u64 * PAGE;
        }
        out
    }
}

/// What a core has of these areas (ascending, apart from each other).
pub fn segments(map: &PageMap, areas: &[Area]) -> Vec<Segment> {
    let present: Vec<Vec<Range<u64>>> = areas
        .iter()
        .map(
            |a| if a.whole { std::iter::once(a.start..a.end).collect() } else { map.present(a.start, a.end) },
        )
        .collect();
    let mut near = NEAR;
    loop {
        let all: Vec<Segment> =
            areas.iter().zip(&present).flat_map(|(a, runs)| of_area(a, runs, near)).collect();
        if all.len() <= MOST {
            return all;
        }
        near *= 8;
    }
}

/// The segments of an area in which `runs` are in memory; such as are nearer than `near` become one.
fn of_area(area: &Area, runs: &[Range<u64>], near: u64) -> Vec<Segment> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for run in runs {
        match joined.last_mut() {
            Some(last) if run.start - last.end < near => last.end = run.end,
            _ => joined.push(run.clone()),
        }
    }
    let segment =
        |start: u64, end: u64, stored: u64| Segment { start, len: end - start, stored, flags: area.flags };
    let mut out = Vec::new();
    let first = joined.first().map_or(area.end, |r| r.start);
    if first > area.start && !area.bare {
        out.push(segment(area.start, first, 0));
    }
    for (i, run) in joined.iter().enumerate() {
        let next = joined.get(i + 1).map_or(area.end, |r| r.start);
        let end = if area.bare { run.end } else { next };
        out.push(segment(run.start, end, run.end - run.start));
    }
    out
}

/// A line of `/proc/self/maps`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// First byte and one past the last.
    pub range: Range<u64>,
    /// As [`Area::flags`].
    pub flags: u32,
    /// Stores are seen by others.
    pub shared: bool,
    /// Where it begins in its file.
    pub offset: u64,
    /// The file, or what else the host calls it.
    pub name: String,
}

/// What llano's process has mapped, by address.
///
/// # Errors
/// As reading `/proc/self/maps` fails.
pub fn mappings() -> io::Result<Vec<Mapping>> {
    let text = std::fs::read("/proc/self/maps")?;
    Ok(String::from_utf8_lossy(&text).lines().filter_map(mapping).collect())
}

fn mapping(line: &str) -> Option<Mapping> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let mut fields = rest.splitn(5, ' ');
    let (perms, offset) = (fields.next()?, hex(fields.next()?)?);
    let name = fields.nth(2).unwrap_or_default().trim_start().to_string();
    let flags =
        [('r', 4), ('w', 2), ('x', 1)].iter().filter(|(c, _)| perms.contains(*c)).map(|(_, bit)| bit).sum();
    Some(Mapping { range: hex(start)?..hex(end)?, flags, shared: perms.ends_with('s'), offset, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(bare: bool) -> Area {
        Area { start: 0x10_0000, end: 0x80_0000, flags: 6, whole: false, bare }
    }

    #[test]
    fn what_is_near_is_one_and_what_is_not_there_takes_no_room() {
        let runs = [0x10_2000..0x10_3000, 0x10_8000..0x10_9000, 0x40_0000..0x40_1000];
        let got: Vec<_> =
            of_area(&area(false), &runs, NEAR).iter().map(|s| (s.start, s.len, s.stored)).collect();
        assert_eq!(
            got,
            [(0x10_0000, 0x2000, 0), (0x10_2000, 0x2f_e000, 0x7000), (0x40_0000, 0x40_0000, 0x1000)]
        );
        let bare: Vec<_> =
            of_area(&area(true), &runs, NEAR).iter().map(|s| (s.start, s.len, s.stored)).collect();
        assert_eq!(bare, [(0x10_2000, 0x7000, 0x7000), (0x40_0000, 0x1000, 0x1000)]);
        assert_eq!(of_area(&area(false), &[], NEAR).len(), 1);
    }

    #[test]
    fn the_hosts_maps_are_understood() {
        let m = mapping("7f00-7f10 r-xp 00001000 08:01 42                 /a b (deleted)").unwrap();
        assert_eq!((m.range, m.flags, m.shared, m.offset), (0x7f00..0x7f10, 5, false, 0x1000));
        assert_eq!(m.name, "/a b (deleted)");
        assert!(mappings().unwrap().iter().any(|m| m.name == "[stack]"));
    }

    #[test]
    fn touched_pages_are_present() {
        let memory = vec![1u8; 1 << 20];
        let start = (memory.as_ptr() as u64).next_multiple_of(PAGE);
        let found = PageMap::open().unwrap().present(start, start + (1 << 19));
        assert_eq!((found.len(), found[0].clone()), (1, start..start + (1 << 19)));
    }
}
