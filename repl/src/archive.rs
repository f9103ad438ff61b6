//! `--root x.tar[.gz|.zst]`: an archive, unpacked into RAM.

use llano_kernel::env::Env;
use llano_kernel::error::Errno;
use llano_kernel::fs::file::File;
use llano_kernel::fs::image::{Entry, Image, What};
use llano_kernel::fs::inode::{Inode, NewFile, mode};
use llano_kernel::fs::tmpfs::TmpFs;
use llano_kernel::user::Src;
use std::io::{BufReader, Read};
use std::path::Path;
use std::rc::Rc;
use tar::EntryType;

/// How much is unpacked at a time.
const CHUNK: usize = 1 << 16;

/// Unpacks an archive into a new tmpfs of at most `limit` bytes; returns its top.
///
/// # Errors
/// A sentence without the archive's name: what is wrong, and where in it.
pub fn unpack(env: &Rc<Env>, archive: &Path, limit: u64) -> Result<Rc<dyn Inode>, String> {
    let file = std::fs::File::open(archive).map_err(|e| e.to_string())?;
    let mut plain = decompressed(BufReader::with_capacity(CHUNK, file))?;
    let top = NewFile { mode: mode::DIR | 0o755, uid: 0, gid: 0, rdev: 0 };
    let root: Rc<dyn Inode> = TmpFs::mount(env, limit, &top);
    let mut image = Image::new(root.clone());
    let mut tar = tar::Archive::new(&mut plain);
    let mut count = 0u64;
    let entries = tar.entries().map_err(|e| damaged(count, &e))?;
    for entry in entries {
        let mut entry = entry.map_err(|e| damaged(count, &e))?;
        add(&mut image, &mut entry).map_err(|e| match e {
            Failed::Archive(e) => damaged(count, &e),
            Failed::Kernel(Errno::ENOSPC) => "does not fit into the guest's RAM; give more with --mem".into(),
            Failed::Kernel(e) => {
                let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                format!("entry {path}: {}", e.message())
            }
        })?;
        count += 1;
    }
    if count == 0 {
        return Err("not a tar archive, or an empty one".into());
    }
    // What follows the last entry is checked too: a compressed file has its checksum at the end.
    std::io::copy(&mut plain, &mut std::io::sink()).map_err(|e| damaged(count, &e))?;
    image.finish().map_err(|e| e.message().to_string())?;
    Ok(root)
}

fn damaged(after: u64, e: &std::io::Error) -> String {
    // What follows a colon are the reader's own terms.
    let reason = e.to_string();
    let reason = reason.split(['\n', ':']).next().unwrap_or_default();
    format!("damaged, or not a tar archive (after {after} entries): {reason}")
}

/// The bytes of the tar archive itself; the compression is told by its first bytes.
fn decompressed(mut file: BufReader<std::fs::File>) -> Result<Box<dyn Read>, String> {
    use std::io::BufRead;
    let head = file.fill_buf().map_err(|e| e.to_string())?;
    match head {
        [0x1f, 0x8b, ..] => Ok(Box::new(flate2::bufread::MultiGzDecoder::new(file))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let frames = ruzstd::decoding::StreamingDecoder::new(file)
                .map_err(|e| format!("damaged zstd data: {e}"))?;
            Ok(Box::new(frames))
        }
        [0xfd, b'7', b'z', b'X', b'Z', ..] => {
            Err("compressed with xz; unpack it, or use gzip or zstd".into())
        }
        [b'B', b'Z', b'h', ..] => Err("compressed with bzip2; unpack it, or use gzip or zstd".into()),
        [] => Err("an empty file".into()),
        _ => Ok(Box::new(file)),
    }
}

enum Failed {
    Archive(std::io::Error),
    Kernel(Errno),
}

impl From<std::io::Error> for Failed {
    fn from(e: std::io::Error) -> Failed {
        Failed::Archive(e)
    }
}

impl From<Errno> for Failed {
    fn from(e: Errno) -> Failed {
        Failed::Kernel(e)
    }
}

fn add<R: Read>(image: &mut Image, entry: &mut tar::Entry<'_, R>) -> Result<(), Failed> {
    let path = entry.path_bytes().into_owned();
    let link = entry.link_name_bytes().map(|name| name.into_owned()).unwrap_or_default();
    let header = entry.header();
    let device = || -> std::io::Result<u64> {
        let (major, minor) = (header.device_major()?.unwrap_or(0), header.device_minor()?.unwrap_or(0));
        Ok(llano_abi::stat::makedev(major, minor))
    };
    let what = match header.entry_type() {
        EntryType::Directory => What::Directory,
        EntryType::Symlink => What::Symlink(&link),
        EntryType::Link => What::HardLink(&link),
        EntryType::Fifo => What::Special(mode::FIFO, 0),
        EntryType::Char => What::Special(mode::CHR, device()?),
        EntryType::Block => What::Special(mode::BLK, device()?),
        EntryType::XGlobalHeader => return Ok(()),
        // What POSIX says of types that one does not know: a file.
        _ => What::File,
    };
    let (permissions, size) = (header.mode()?, entry.size());
    let (uid, gid) = (header.uid()? as u32, header.gid()? as u32);
    let mtime = modified(entry)?;
    let made = image.add(&Entry { path: &path, what, permissions, uid, gid, mtime })?;
    let Some(file) = made else { return Ok(()) };
    let written = copy(entry, &file)?;
    if written < size {
        return Err(std::io::Error::other(format!(
            "the archive ends inside a file, {} bytes early",
            size - written
        ))
        .into());
    }
    image.complete(&file, mtime)?;
    Ok(())
}

/// The time of last change, ns: a PAX header may tell fractions of a second.
fn modified<R: Read>(entry: &mut tar::Entry<'_, R>) -> std::io::Result<i64> {
    let whole = entry.header().mtime()? as i64;
    if let Some(extensions) = entry.pax_extensions()? {
        for extension in extensions.flatten() {
            if let (Ok("mtime"), Ok(value)) = (extension.key(), extension.value()) {
                let (seconds, fraction) = value.split_once('.').unwrap_or((value, ""));
                let nanoseconds = format!("{fraction:0<9}").get(..9).and_then(|f| f.parse::<i64>().ok());
                if let (Ok(seconds), Some(nanoseconds)) = (seconds.parse::<i64>(), nanoseconds) {
                    return Ok(seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds));
                }
            }
        }
    }
    Ok(whole.saturating_mul(1_000_000_000))
}

/// Writes the contents of an entry; returns how many bytes there were.
fn copy<R: Read>(entry: &mut tar::Entry<'_, R>, file: &File) -> Result<u64, Failed> {
    let mut buf = vec![0; CHUNK];
    let mut at = 0u64;
    loop {
        let n = match entry.read(&mut buf) {
            Ok(0) => return Ok(at),
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e.into()),
        };
        let mut src = Src::Kernel(&buf[..n]);
        while src.left() > 0 {
            at += file.ops().write(file, &mut src, at)? as u64;
        }
    }
}
