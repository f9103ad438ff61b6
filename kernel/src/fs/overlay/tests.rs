extern crate std;
use super::*;
use crate::cred::Cred;
use crate::error::Errno;
use crate::fs::file::{File, oflag};
use crate::fs::hostfs::{self, Access, Owners};
use crate::fs::inode::SetAttr;
use crate::user::{Dst, Src};
use std::path::PathBuf;
use std::string::String;

/// A host directory `lower` with some files, and an overlay on it.
struct Scene {
    host: PathBuf,
    root: Rc<dyn Inode>,
}

impl Scene {
    fn new(name: &str) -> Scene {
        let host = std::env::temp_dir().join(std::format!("llano-overlay-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&host);
        std::fs::create_dir_all(host.join("dir/sub")).unwrap();
        std::fs::write(host.join("a"), "lower a").unwrap();
        std::fs::write(host.join("dir/f"), "lower f").unwrap();
        std::fs::write(host.join("dir/sub/deep"), "deep").unwrap();
        let lower =
            hostfs::root(host.to_str().unwrap().as_bytes(), Access::ReadOnly, Owners::default()).unwrap();
        let root = mount(&crate::ipc::tests::env(), lower, 1 << 20).unwrap();
        Scene { host, root }
    }

    fn get(&self, path: &str) -> Result<Rc<dyn Inode>> {
        path.split('/').try_fold(self.root.clone(), |dir, name| dir.lookup(name.as_bytes()))
    }

    fn read(&self, path: &str) -> Result<String> {
        Ok(read(&open(&self.get(path)?, oflag::RDONLY)))
    }

    fn write(&self, path: &str, text: &str) {
        let file = open(&self.get(path).unwrap(), oflag::RDWR | oflag::TRUNC);
        file.ops().write(&file, &mut Src::Kernel(text.as_bytes()), 0).unwrap();
    }

    fn list(&self, path: &str) -> Vec<String> {
        let dir = if path.is_empty() { self.root.clone() } else { self.get(path).unwrap() };
        let file = open(&dir, oflag::RDONLY | oflag::DIRECTORY);
        let entries = dir.read_dir(&file, 0).unwrap();
        let mut names: Vec<_> =
            entries.into_iter().map(|(e, _)| String::from_utf8(e.name).unwrap()).collect();
        names.sort();
        names
    }

    fn host_read(&self, path: &str) -> String {
        std::fs::read_to_string(self.host.join(path)).unwrap()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.host);
    }
}

fn open(inode: &Rc<dyn Inode>, flags: u32) -> Rc<File> {
    File::new(inode.open(inode, flags, &Cred::new(0, 0, Vec::new())).unwrap(), flags, None)
}

fn read(file: &File) -> String {
    let mut buf = [0; 64];
    let n = file.ops().read(file, &mut Dst::Kernel(&mut buf, 0), 0).unwrap();
    String::from_utf8(buf[..n].to_vec()).unwrap()
}

fn new(mode: u32) -> NewFile {
    NewFile { mode, uid: 0, gid: 0, rdev: 0 }
}

#[test]
fn a_write_copies_up_and_keeps_identity() {
    let s = Scene::new("write");
    let before = s.get("dir/f").unwrap().attr().unwrap();
    let reader = open(&s.get("dir/f").unwrap(), oflag::RDONLY);
    assert_eq!(read(&reader), "lower f");
    let file = open(&s.get("dir/f").unwrap(), oflag::RDWR);
    file.ops().write(&file, &mut Src::Kernel(b"UPPER"), 0).unwrap();
    assert_eq!(s.read("dir/f").unwrap(), "UPPER f");
    assert_eq!(read(&reader), "UPPER f");
    assert_eq!(s.host_read("dir/f"), "lower f");
    let after = s.get("dir/f").unwrap().attr().unwrap();
    assert_eq!(
        (before.dev, before.ino, before.mode, before.nlink),
        (after.dev, after.ino, after.mode, after.nlink)
    );
}

#[test]
fn removed_names_stay_hidden_and_can_be_made_again() {
    let s = Scene::new("remove");
    s.root.unlink(b"a").unwrap();
    assert_eq!(s.get("a").err(), Some(Errno::ENOENT));
    assert_eq!(s.list(""), ["dir"]);
    s.root.create(b"a", &new(mode::REG | 0o644)).unwrap();
    assert_eq!(s.read("a").unwrap(), "");
    assert_eq!(s.root.rmdir(b"dir"), Err(Errno::ENOTEMPTY));
    let dir = s.get("dir").unwrap();
    dir.unlink(b"f").unwrap();
    s.get("dir/sub").unwrap().unlink(b"deep").unwrap();
    dir.rmdir(b"sub").unwrap();
    s.root.rmdir(b"dir").unwrap();
    assert_eq!(dir.create(b"x", &new(mode::REG | 0o644)).err(), Some(Errno::ENOENT));
    s.root.create(b"dir", &new(mode::DIR | 0o755)).unwrap();
    assert_eq!(s.list("dir"), [] as [&str; 0]);
    assert!(s.host.join("dir/sub/deep").exists());
}

#[test]
fn directories_are_renamed_with_all_that_is_below() {
    let s = Scene::new("rename");
    s.get("dir").unwrap().create(b"mine", &new(mode::REG | 0o644)).unwrap();
    s.root.rename(b"dir", &s.root, b"moved", 0).unwrap();
    assert_eq!(s.get("dir").err(), Some(Errno::ENOENT));
    assert_eq!(s.list("moved"), ["f", "mine", "sub"]);
    assert_eq!(s.read("moved/sub/deep").unwrap(), "deep");
    s.write("moved/sub/deep", "changed");
    assert_eq!(s.read("moved/sub/deep").unwrap(), "changed");
    s.root.create(b"dir", &new(mode::DIR | 0o755)).unwrap();
    assert_eq!(s.list("dir"), [] as [&str; 0]);
    assert_eq!(s.root.rename(b"dir", &s.root, b"moved", 0), Err(Errno::ENOTEMPTY));
    s.root.rename(b"dir", &s.root, b"moved", 2).unwrap();
    assert_eq!(s.read("dir/sub/deep").unwrap(), "changed");
    s.root.rename(b"a", &s.get("dir").unwrap(), b"f", 0).unwrap();
    assert_eq!(s.read("dir/f").unwrap(), "lower a");
    assert_eq!(s.host_read("dir/f"), "lower f");
}

#[test]
fn hard_links_are_one_file() {
    let s = Scene::new("links");
    std::fs::hard_link(s.host.join("a"), s.host.join("b")).unwrap();
    s.write("a", "both");
    assert_eq!(s.read("b").unwrap(), "both");
    s.root.link(b"c", &s.get("a").unwrap()).unwrap();
    assert_eq!(s.get("b").unwrap().attr().unwrap().nlink, 3);
    let c = s.get("c").unwrap();
    for name in [b"a", b"b", b"c"] {
        s.root.unlink(name).unwrap();
    }
    assert_eq!(c.attr().unwrap().nlink, 0);
    assert_eq!(s.root.link(b"d", &c), Err(Errno::ENOENT));
    let tmp = s.root.tmpfile(&new(mode::REG | 0o600), 0).unwrap();
    s.root.link(b"d", &tmp).unwrap();
    assert_eq!(s.get("d").unwrap().attr().unwrap().nlink, 1);
}

#[test]
fn the_host_is_looked_at_each_time() {
    let s = Scene::new("edits");
    s.write("dir/f", "guest");
    std::fs::write(s.host.join("dir/new"), "fresh").unwrap();
    std::fs::write(s.host.join("a"), "edited").unwrap();
    assert_eq!(s.read("dir/new").unwrap(), "fresh");
    assert_eq!(s.read("a").unwrap(), "edited");
    assert_eq!(s.list("dir"), ["f", "new", "sub"]);
    std::fs::remove_file(s.host.join("a")).unwrap();
    assert_eq!(s.get("a").err(), Some(Errno::ENOENT));
}

#[test]
fn attributes_and_links_change_above_only() {
    let s = Scene::new("attr");
    let sub = s.get("dir/sub").unwrap();
    sub.set_attr(&SetAttr { mode: Some(0o700), mtime: Some(5), ..SetAttr::default() }).unwrap();
    let attr = s.get("dir/sub").unwrap().attr().unwrap();
    assert_eq!((attr.mode & 0o7777, attr.mtime, attr.uid), (0o700, 5, sub.attr().unwrap().uid));
    assert_eq!(s.read("dir/sub/deep").unwrap(), "deep");
    s.root.symlink(b"l", b"dir/f", &new(0)).unwrap();
    assert_eq!(s.get("l").unwrap().readlink().unwrap(), b"dir/f");
    assert_eq!(s.root.symlink(b"a", b"x", &new(0)).err(), Some(Errno::EEXIST));
    assert!(!s.host.join("l").exists());
}

#[test]
fn big_files_keep_their_holes() {
    let s = Scene::new("holes");
    let big = std::fs::File::create(s.host.join("big")).unwrap();
    std::os::unix::fs::FileExt::write_at(&big, b"end", 64 << 20).unwrap();
    // More than the overlay may hold, but for the hole.
    s.get("big").unwrap().set_attr(&SetAttr { mode: Some(0o600), ..SetAttr::default() }).unwrap();
    let file = open(&s.get("big").unwrap(), oflag::RDONLY);
    let mut buf = [0; 8];
    assert_eq!(file.ops().read(&file, &mut Dst::Kernel(&mut buf, 0), 64 << 20), Ok(3));
    assert_eq!(&buf[..3], b"end");
}
