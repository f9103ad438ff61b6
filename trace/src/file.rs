//! Files and directories that appear complete or not at all.

use std::ffi::OsString;
use std::format;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::string::String;

/// Writes a file through a temporary one beside it, renamed when complete. A device or FIFO is written as it is.
///
/// # Errors
/// One line that names the file and says why; nothing is left behind.
pub fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
    try_write(path, fill).map_err(|error| failure(path, &error))
}

/// Writes a directory of the files `names`: `fill` makes them in a temporary directory beside it, renamed when
/// complete. One that is there already is replaced, but only if it holds nothing else.
///
/// # Errors
/// One line that names the directory and says why; nothing is left behind.
pub fn write_dir(
    path: &Path,
    names: &[&str],
    fill: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<(), String> {
    let fail = |error: io::Error| failure(path, &error);
    let temporary = prepare_dir(path, names).map_err(fail)?;
    let filled = fill(&temporary).and_then(|()| {
        if fs::symlink_metadata(path).is_ok() {
            fs::remove_dir_all(path)?;
        }
        fs::rename(&temporary, path)
    });
    if filled.is_err() {
        let _ = fs::remove_dir_all(&temporary);
    }
    filled.map_err(fail)
}

/// Tells before the work whether [`write_dir()`] could begin.
///
/// # Errors
/// As [`write_dir()`] would fail.
pub fn check_dir(path: &Path, names: &[&str]) -> Result<(), String> {
    prepare_dir(path, names)
        .and_then(|temporary| fs::remove_dir(&temporary))
        .map_err(|error| failure(path, &error))
}

/// Makes the temporary directory, if what stands at `path` may be replaced.
fn prepare_dir(path: &Path, names: &[&str]) -> io::Result<PathBuf> {
    match fs::read_dir(path) {
        Ok(entries) => {
            for entry in entries {
                let name = entry?.file_name();
                if !names.iter().any(|ours| name == *ours) {
                    let what = format!("it is a directory and holds {}", name.display());
                    return Err(io::Error::new(io::ErrorKind::DirectoryNotEmpty, what));
                }
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let temporary = path.with_file_name(hidden(path)?);
    anew(&temporary, |temporary| fs::create_dir(temporary))?;
    Ok(temporary)
}

/// Makes what shall not be there yet. What is there all the same was left behind by a process that had our number.
fn anew<T>(temporary: &Path, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
    match make(temporary) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::remove_file(temporary).or_else(|_| fs::remove_dir_all(temporary))?;
            make(temporary)
        }
        made => made,
    }
}

/// The name that `path` has until it is complete.
fn hidden(path: &Path) -> io::Result<OsString> {
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidFilename)?);
    name.push(format!(".{}.tmp", process::id()));
    Ok(name)
}

/// Tells before the work whether [`write()`] could begin.
///
/// # Errors
/// As [`write()`] would fail.
pub fn check(path: &Path) -> Result<(), String> {
    let attempt = || {
        let target = Target::of(path)?;
        target.open()?;
        target.discard()
    };
    attempt().map_err(|error: io::Error| failure(path, &error))
}

fn try_write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let target = Target::of(path)?;
    let mut out = BufWriter::with_capacity(1 << 16, target.open()?);
    let written = fill(&mut out).and_then(|()| out.flush()).and_then(|()| target.finish());
    if written.is_err() {
        let _ = target.discard();
    }
    written
}

/// Makes a file of this mode that was not there, whoever left one of that name, a link perhaps.
///
/// # Errors
/// As open(2) fails.
pub fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    anew(path, |path| OpenOptions::new().write(true).create_new(true).mode(mode).open(path))
}

/// Where a file goes.
struct Target {
    path: PathBuf,
    /// The name it has until it is complete; none for what is no regular file.
    temporary: Option<PathBuf>,
}

impl Target {
    fn of(path: &Path) -> io::Result<Target> {
        // Through a symbolic link, so that the link stays.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        if let Ok(meta) = fs::metadata(&path)
            && !meta.is_file()
        {
            if meta.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            return Ok(Target { path, temporary: None });
        }
        let temporary = Some(path.with_file_name(hidden(&path)?));
        Ok(Target { path, temporary })
    }

    fn open(&self) -> io::Result<File> {
        match &self.temporary {
            Some(temporary) => create_new(temporary, 0o666),
            None => OpenOptions::new().write(true).open(&self.path),
        }
    }

    fn finish(&self) -> io::Result<()> {
        self.temporary.as_ref().map_or(Ok(()), |temporary| fs::rename(temporary, &self.path))
    }

    fn discard(&self) -> io::Result<()> {
        self.temporary.as_ref().map_or(Ok(()), fs::remove_file)
    }
}

/// One line that says that `path` cannot be written, and why.
pub fn failure(path: &Path, error: &io::Error) -> String {
    format!("cannot write {}: {}", path.display(), reason(error))
}

/// The system's words without Rust's "(os error 2)".
pub(crate) fn reason(error: &io::Error) -> String {
    let text = format!("{error}");
    text.split(" (os error").next().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;
    use std::string::ToString;

    fn scratch(name: &str) -> PathBuf {
        let dir = env::temp_dir().join(format!("llano-trace-{}-{name}", process::id()));
        fs::create_dir_all(&dir).unwrap();
        dir
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let dir = scratch("failed");
        let path = dir.join("out.json");
        write(&path, |out| out.write_all(b"old")).unwrap();
        let error = write(&path, |out| {
            out.write_all(&[b'x'; 1 << 20])?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(error.unwrap_err().starts_with("cannot write "));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn what_cannot_be_written_is_said_in_one_line() {
        let dir = scratch("missing");
        let path = dir.join("no/such/out.json");
        let error = check(&path).unwrap_err();
        assert_eq!(error, format!("cannot write {}: No such file or directory", path.display()));
        assert_eq!(write(&path, |_| Ok(())).unwrap_err(), error);
        assert!(check(&dir).unwrap_err().ends_with("is a directory"));
        check(&dir.join("fine.json")).unwrap();
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn devices_are_written_and_stay() {
        write(Path::new("/dev/null"), |out| out.write_all(b"x")).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        assert_eq!(reason(&io::Error::from_raw_os_error(13)), "Permission denied".to_string());
    }
}
