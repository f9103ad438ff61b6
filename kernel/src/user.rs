//! Guest memory, as allegations: typed pointers, slices and I/O vectors that are checked when used.

use crate::error::{Errno, Result, fault};
use alloc::vec;
use alloc::vec::Vec;
use llano_machine::{PAGE, usermem};
use smallvec::SmallVec;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Reads a plain value from guest memory.
pub fn get<T: FromBytes + IntoBytes>(addr: u64) -> Result<T> {
    let mut value = T::new_zeroed();
    usermem::copy_in(addr, value.as_mut_bytes()).map_err(fault)?;
    Ok(value)
}

/// Writes a plain value to guest memory.
pub fn put<T: IntoBytes + Immutable>(addr: u64, value: &T) -> Result<()> {
    usermem::copy_out(addr, value.as_bytes()).map_err(fault)
}

/// Writes a plain value unless the pointer is null.
pub fn put_opt<T: IntoBytes + Immutable>(addr: u64, value: &T) -> Result<()> {
    if addr == 0 { Ok(()) } else { put(addr, value) }
}

/// Reads a plain value unless the pointer is null.
pub fn get_opt<T: FromBytes + IntoBytes>(addr: u64) -> Result<Option<T>> {
    if addr == 0 { Ok(None) } else { get(addr).map(Some) }
}

/// Reads bytes.
pub fn bytes(addr: u64, len: usize) -> Result<Vec<u8>> {
    usermem::check(addr, len).map_err(fault)?;
    let mut buf = vec![0; len];
    usermem::copy_in(addr, &mut buf).map_err(fault)?;
    Ok(buf)
}

/// Reads bytes into a buffer; after an error its contents are anything.
pub fn get_bytes(addr: u64, buf: &mut [u8]) -> Result<()> {
    usermem::copy_in(addr, buf).map_err(fault)
}

/// Writes bytes.
pub fn put_bytes(addr: u64, bytes: &[u8]) -> Result<()> {
    usermem::copy_out(addr, bytes).map_err(fault)
}

/// Reads an array of plain values.
pub fn array<T: FromBytes + IntoBytes>(addr: u64, count: usize) -> Result<Vec<T>> {
    let size = size_of::<T>();
    let total = count.checked_mul(size).ok_or(Errno::EFAULT)?;
    usermem::check(addr, total).map_err(fault)?;
    (0..count).map(|i| get(addr + (i * size) as u64)).collect()
}

/// Reads a NUL-terminated string of at most `max` bytes (without the NUL).
///
/// # Errors
/// `EFAULT`; `too_long` if there is no NUL within `max + 1` bytes.
pub fn string(addr: u64, max: usize, too_long: Errno) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    pieces(addr, max, too_long, |piece| out.extend_from_slice(piece))?;
    Ok(out)
}

/// Hands the bytes of a string to `take`, piece by piece.
fn pieces(addr: u64, max: usize, too_long: Errno, mut take: impl FnMut(&[u8])) -> Result<()> {
    let mut buf = [0u8; 256];
    let (mut done, mut at) = (0, addr);
    // Most strings are short.
    let mut most = 64;
    while done <= max {
        // Never read past a page that may be the last one: the string may end before it does.
        let room = (PAGE - at as usize % PAGE).min(most);
        let n = usermem::copy_in_some(at, &mut buf[..room]).map_err(fault)?;
        let piece = buf[..n].iter().position(|b| *b == 0);
        done += piece.unwrap_or(n);
        if done > max {
            break;
        }
        take(&buf[..piece.unwrap_or(n)]);
        if piece.is_some() {
            return Ok(());
        }
        if n < room {
            return Err(Errno::EFAULT);
        }
        at += n as u64;
        most = buf.len();
    }
    Err(too_long)
}

/// The longest path the kernel accepts, with its NUL (PATH_MAX).
pub const PATH_MAX: usize = 4096;

/// Reads a path.
pub fn path(addr: u64) -> Result<Vec<u8>> {
    string(addr, PATH_MAX - 1, Errno::ENAMETOOLONG)
}

/// A path; a usual one needs no memory of the heap.
pub type ShortPath = SmallVec<[u8; 128]>;

/// Reads a path that is probably short.
pub fn short_path(addr: u64) -> Result<ShortPath> {
    let mut out = ShortPath::new();
    pieces(addr, PATH_MAX - 1, Errno::ENAMETOOLONG, |piece| out.extend_from_slice(piece))?;
    Ok(out)
}

/// Scattered guest memory: a cursor over segments of (address, length).
#[derive(Debug, Clone, Default)]
pub struct UserIov {
    segments: SmallVec<[(u64, usize); 2]>,
    /// Index of the current segment and bytes of it consumed.
    at: (usize, usize),
    left: usize,
}

impl UserIov {
    /// One buffer.
    pub fn single(addr: u64, len: usize) -> Result<UserIov> {
        // Linux caps one transfer at MAX_RW_COUNT.
        let len = len.min(0x7fff_f000);
        usermem::check(addr, len).map_err(fault)?;
        Ok(UserIov { segments: SmallVec::from_slice(&[(addr, len)]), at: (0, 0), left: len })
    }

    /// An array of `struct iovec` (readv(2)): at most 1024, lengths summing to less than 2^63.
    pub fn from_iovecs(addr: u64, count: usize) -> Result<UserIov> {
        if count > 1024 {
            return Err(Errno::EINVAL);
        }
        let mut iov = UserIov::default();
        for [base, len] in array::<[u64; 2]>(addr, count)? {
            if len as i64 >= 0 {
                let len = (len as usize).min(0x7fff_f000 - iov.left);
                usermem::check(base, len).map_err(fault)?;
                iov.left += len;
                iov.segments.push((base, len));
            } else {
                return Err(Errno::EINVAL);
            }
        }
        Ok(iov)
    }

    /// Bytes left.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Leaves at most `n` bytes.
    pub fn truncate(&mut self, n: usize) {
        let mut excess = self.left.saturating_sub(n);
        self.left -= excess;
        while excess > 0
            && let Some(last) = self.segments.last_mut()
        {
            let cut = excess.min(last.1);
            last.1 -= cut;
            excess -= cut;
            if last.1 == 0 {
                self.segments.pop();
            }
        }
    }

    /// The contiguous piece at the cursor.
    pub fn segment(&self) -> Option<(u64, usize)> {
        let (mut i, mut off) = self.at;
        while let Some(&(addr, len)) = self.segments.get(i) {
            if off < len {
                return Some((addr + off as u64, len - off));
            }
            (i, off) = (i + 1, 0);
        }
        None
    }

    /// Moves the cursor forward.
    pub fn advance(&mut self, mut n: usize) {
        n = n.min(self.left);
        self.left -= n;
        while n > 0 {
            let len = self.segments[self.at.0].1;
            let step = n.min(len - self.at.1);
            self.at.1 += step;
            n -= step;
            if self.at.1 == len {
                self.at = (self.at.0 + 1, 0);
            }
        }
    }
}

/// Where a read puts its bytes: guest memory, or a buffer of the kernel's (exec, sendfile, splice).
#[derive(Debug)]
pub enum Dst<'a> {
    /// Guest memory.
    User(&'a mut UserIov),
    /// A kernel buffer and how much of it is filled.
    Kernel(&'a mut [u8], usize),
}

impl Dst<'_> {
    /// Bytes that still fit.
    pub fn left(&self) -> usize {
        match self {
            Dst::User(iov) => iov.left(),
            Dst::Kernel(buf, at) => buf.len() - at,
        }
    }

    /// Stores as much of `bytes` as fits; returns the count. `EFAULT` only if nothing could be stored.
    pub fn put(&mut self, bytes: &[u8]) -> Result<usize> {
        let mut done = 0;
        match self {
            Dst::Kernel(buf, at) => {
                done = bytes.len().min(buf.len() - *at);
                buf[*at..*at + done].copy_from_slice(&bytes[..done]);
                *at += done;
            }
            Dst::User(iov) => {
                while done < bytes.len()
                    && let Some((addr, len)) = iov.segment()
                {
                    let want = len.min(bytes.len() - done);
                    let n = usermem::copy_out_some(addr, &bytes[done..done + want]).unwrap_or(0);
                    iov.advance(n);
                    done += n;
                    if n < want {
                        return if done > 0 { Ok(done) } else { Err(Errno::EFAULT) };
                    }
                }
            }
        }
        Ok(done)
    }

    /// Stores zeroes; returns the count. `EFAULT` only if nothing could be stored.
    pub fn put_zeros(&mut self, len: usize) -> Result<usize> {
        let mut done = 0;
        match self {
            Dst::Kernel(buf, at) => {
                done = len.min(buf.len() - *at);
                buf[*at..*at + done].fill(0);
                *at += done;
            }
            Dst::User(iov) => {
                while done < len
                    && let Some((addr, room)) = iov.segment()
                {
                    let want = room.min(len - done);
                    if usermem::zero(addr, want).is_err() {
                        return if done > 0 { Ok(done) } else { Err(Errno::EFAULT) };
                    }
                    iov.advance(want);
                    done += want;
                }
            }
        }
        Ok(done)
    }
}

/// Where a write takes its bytes from: guest memory, or a buffer of the kernel's.
#[derive(Debug)]
pub enum Src<'a> {
    /// Guest memory.
    User(&'a mut UserIov),
    /// A kernel buffer: what is left of it.
    Kernel(&'a [u8]),
}

impl Src<'_> {
    /// Bytes left.
    pub fn left(&self) -> usize {
        match self {
            Src::User(iov) => iov.left(),
            Src::Kernel(buf) => buf.len(),
        }
    }

    /// Fills `buf` from what is left; returns the count. `EFAULT` only if nothing could be read.
    pub fn take(&mut self, buf: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        match self {
            Src::Kernel(from) => {
                done = buf.len().min(from.len());
                buf[..done].copy_from_slice(&from[..done]);
                *from = &from[done..];
            }
            Src::User(iov) => {
                while done < buf.len()
                    && let Some((addr, len)) = iov.segment()
                {
                    let want = len.min(buf.len() - done);
                    let n = usermem::copy_in_some(addr, &mut buf[done..done + want]).unwrap_or(0);
                    iov.advance(n);
                    done += n;
                    if n < want {
                        return if done > 0 { Ok(done) } else { Err(Errno::EFAULT) };
                    }
                }
            }
        }
        Ok(done)
    }

    /// Skips bytes (already written before a retry, or going to /dev/null).
    pub fn skip(&mut self, n: usize) {
        match self {
            Src::Kernel(from) => *from = &from[n.min(from.len())..],
            Src::User(iov) => iov.advance(n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iov(segments: &[(u64, usize)]) -> UserIov {
        let left = segments.iter().map(|s| s.1).sum();
        UserIov { segments: SmallVec::from_slice(segments), at: (0, 0), left }
    }

    #[test]
    fn a_cursor_stops_where_it_was_cut() {
        let mut iov = iov(&[(100, 10), (200, 0), (300, 10), (400, 5)]);
        iov.advance(4);
        iov.truncate(8);
        assert_eq!((iov.left(), iov.segment()), (8, Some((104, 6))));
        iov.advance(6);
        assert_eq!(iov.segment(), Some((300, 2)));
        iov.advance(2);
        assert_eq!((iov.left(), iov.segment()), (0, None));
        iov.truncate(3);
        assert_eq!(iov.left(), 0);
    }
}
