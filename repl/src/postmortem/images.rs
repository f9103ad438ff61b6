//! The files behind images: for a debugger that comes later they must be files of the host.

use llano_kernel::Kernel;
use llano_kernel::mm::Image;
use llano_kernel::task::Pid;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// Where files go that the host does not have, below the dump.
pub const EXTRACTED: &str = "files";
/// The largest file that is extracted.
const LARGEST: u64 = 1 << 30;
/// Bytes that are read at a time.
const PIECE: usize = 1 << 20;

/// An ELF file in a process's memory.
#[derive(Debug, Clone)]
pub struct Found {
    /// The process.
    pub pid: Pid,
    /// What the kernel knows: the path in the guest, and where it is.
    pub image: Image,
    /// The host's file with the same contents.
    pub file: Option<PathBuf>,
}

impl Found {
    /// The path in the guest, for people.
    pub fn name(&self) -> String {
        String::from_utf8_lossy(&self.image.path).into_owned()
    }
}

/// Every image of every process. Files that the host does not have as the guest has them are written below `dir`.
pub fn find(k: &mut Kernel, root: Option<&Path>, dir: &Path) -> Vec<Found> {
    let mut known: Vec<(Vec<u8>, Option<PathBuf>)> = Vec::new();
    let mut out = Vec::new();
    for (pid, image) in k.images() {
        let file = match known.iter().find(|(path, _)| *path == image.path) {
            Some((_, file)) => file.clone(),
            None => {
                let file = of_host(k, root, dir, &image.path);
                known.push((image.path.clone(), file.clone()));
                file
            }
        };
        out.push(Found { pid, image, file });
    }
    out
}

/// The host's file that has the contents of the guest's `path`.
fn of_host(k: &mut Kernel, root: Option<&Path>, dir: &Path, path: &[u8]) -> Option<PathBuf> {
    let (number, attr) = k.tool_open(path).ok()?;
    let relative: PathBuf = Path::new(OsStr::from_bytes(path))
        .components()
        .filter(|c| matches!(c, Component::Normal(_)))
        .collect();
    let same = root.map(|root| root.join(&relative)).filter(|file| {
        let meta = fs::metadata(file);
        meta.is_ok_and(|m| {
            m.is_file() && m.size() == attr.size && m.mtime() * 1_000_000_000 + m.mtime_nsec() == attr.mtime
        })
    });
    let file = same.or_else(|| {
        let file = dir.join(EXTRACTED).join(&relative);
        (attr.size <= LARGEST && extract(k, number, &file).is_some()).then_some(file)
    });
    let _ = k.tool_close(number);
    // A guest chooses the names of its files, and gdb would take what follows a line break for a command.
    file.map(|file| fs::canonicalize(&file).unwrap_or(file)).filter(|file| super::is_plain(file))
}

/// Copies an open file of the guest.
fn extract(k: &Kernel, number: usize, file: &Path) -> Option<()> {
    fs::create_dir_all(file.parent()?).ok()?;
    let written = llano_trace::file::write(file, |out| {
        let mut at = 0;
        loop {
            let bytes = k.tool_read(number, at, PIECE).map_err(|e| std::io::Error::other(e.message()))?;
            if bytes.is_empty() {
                return Ok(());
            }
            out.write_all(&bytes)?;
            at += bytes.len() as u64;
        }
    });
    written.ok()
}
