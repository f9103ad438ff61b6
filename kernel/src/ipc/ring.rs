//! A queue of bytes that grows on demand: what pipes and sockets hold.

use crate::error::Result;
use crate::user::{Dst, Src};
use alloc::vec;
use alloc::vec::Vec;

/// What is allocated at first.
const SMALLEST: usize = 4096;

/// A ring of bytes. It has no limit of its own: owners decide how much they let in.
#[derive(Default)]
pub struct Ring {
    buf: Vec<u8>,
    head: usize,
    len: usize,
}

impl Ring {
    /// Bytes held.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is held.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends at most `want` bytes of `src`; returns the count.
    ///
    /// # Errors
    /// `EFAULT` if nothing could be read.
    pub fn push_from(&mut self, src: &mut Src<'_>, want: usize) -> Result<usize> {
        let want = want.min(src.left());
        self.reserve(want);
        let size = self.buf.len();
        let mut done = 0;
        while done < want {
            let at = (self.head + self.len) % size;
            let piece = (want - done).min(size - at);
            match src.take(&mut self.buf[at..at + piece]) {
                Ok(n) => {
                    self.len += n;
                    done += n;
                    if n < piece {
                        break;
                    }
                }
                Err(_) if done > 0 => break,
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    /// Moves at most `want` bytes from the front to `dst`; returns the count.
    ///
    /// # Errors
    /// `EFAULT` if nothing could be stored.
    pub fn pop_into(&mut self, dst: &mut Dst<'_>, want: usize) -> Result<usize> {
        let n = self.peek_into(dst, 0, want)?;
        self.discard(n);
        Ok(n)
    }

    /// Copies at most `want` bytes, from `skip` bytes behind the front on, to `dst`; returns the count.
    ///
    /// # Errors
    /// `EFAULT` if nothing could be stored.
    pub fn peek_into(&self, dst: &mut Dst<'_>, skip: usize, want: usize) -> Result<usize> {
        let want = want.min(self.len.saturating_sub(skip)).min(dst.left());
        let mut done = 0;
        while done < want {
            let at = (self.head + skip + done) % self.buf.len();
            let piece = (want - done).min(self.buf.len() - at);
            match dst.put(&self.buf[at..at + piece]) {
                Ok(n) => {
                    done += n;
                    if n < piece {
                        break;
                    }
                }
                Err(_) if done > 0 => break,
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    /// Drops bytes from the front.
    pub fn discard(&mut self, n: usize) {
        let n = n.min(self.len);
        self.len -= n;
        // An empty ring starts over, so that small messages stay in the same few cache lines.
        self.head = if self.len == 0 { 0 } else { (self.head + n) % self.buf.len() };
    }

    /// Drops bytes from the end.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    fn reserve(&mut self, more: usize) {
        let need = self.len + more;
        if need <= self.buf.len() {
            return;
        }
        let mut grown = vec![0; need.next_power_of_two().max(SMALLEST)];
        let first = self.len.min(self.buf.len() - self.head);
        grown[..first].copy_from_slice(&self.buf[self.head..self.head + first]);
        grown[first..self.len].copy_from_slice(&self.buf[..self.len - first]);
        self.buf = grown;
        self.head = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(ring: &mut Ring, bytes: &[u8]) {
        assert_eq!(ring.push_from(&mut Src::Kernel(bytes), usize::MAX), Ok(bytes.len()));
    }

    fn pop(ring: &mut Ring, n: usize) -> Vec<u8> {
        let mut buf = alloc::vec![0; n];
        let got = ring.pop_into(&mut Dst::Kernel(&mut buf, 0), n).unwrap();
        buf.truncate(got);
        buf
    }

    #[test]
    fn bytes_come_out_as_they_went_in_across_wraps_and_growth() {
        let (mut ring, mut next_in, mut next_out) = (Ring::default(), 0u8, 0u8);
        for step in 1..400usize {
            let bytes: Vec<u8> = (0..step * 7 % 1500)
                .map(|_| {
                    next_in = next_in.wrapping_add(1);
                    next_in
                })
                .collect();
            push(&mut ring, &bytes);
            for b in pop(&mut ring, step * 5 % 1300) {
                next_out = next_out.wrapping_add(1);
                assert_eq!(b, next_out);
            }
        }
        assert!(ring.len() > SMALLEST);
    }

    #[test]
    fn peek_and_truncate() {
        let mut ring = Ring::default();
        push(&mut ring, b"hello world");
        ring.truncate(8);
        let mut buf = [0; 16];
        assert_eq!(ring.peek_into(&mut Dst::Kernel(&mut buf, 0), 6, 99), Ok(2));
        assert_eq!(&buf[..2], b"wo");
        assert_eq!(pop(&mut ring, 99), b"hello wo");
        assert!(ring.is_empty());
    }
}
