//! Host trees, seen through scratch directories.

extern crate std;
use super::*;
use crate::user::{Dst, Src};
use std::path::PathBuf;

/// A scratch directory of the host and its root inode.
fn scratch(name: &str, access: Access) -> (PathBuf, Rc<dyn Inode>) {
    let dir = std::env::temp_dir().join(std::format!("llano-hostfs-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir(&dir).unwrap();
    let root = root(dir.to_str().unwrap().as_bytes(), access, Owners::default()).unwrap();
    (dir, root)
}

fn open(inode: &Rc<dyn Inode>, flags: u32) -> Rc<File> {
    let cred = Cred::new(0, 0, Vec::new());
    File::new(inode.open(inode, flags, &cred).unwrap(), flags, None)
}

fn new(mode: u32) -> NewFile {
    let a = HostFd::open(c"/proc/self", os::O_RDONLY).unwrap().stat().unwrap();
    NewFile { mode, uid: a.uid, gid: a.gid, rdev: 0 }
}

#[test]
fn changes_reach_the_host_with_their_mode() {
    let (dir, root) = scratch("rw", Access::ReadWrite);
    let sub = root.create(b"d", &new(mode::DIR | 0o777)).unwrap();
    let f = sub.create(b"f", &new(mode::REG | 0o666)).unwrap();
    assert_eq!(f.attr().unwrap().mode, mode::REG | 0o666);
    let file = open(&f, oflag::RDWR);
    assert_eq!(file.ops().write(&file, &mut Src::Kernel(b"hello"), 3), Ok(5));
    assert_eq!(std::fs::read(dir.join("d/f")).unwrap(), b"\0\0\0hello");
    let mut buf = [0; 16];
    assert_eq!(file.ops().read(&file, &mut Dst::Kernel(&mut buf, 0), 4), Ok(4));
    assert_eq!(&buf[..4], b"ello");
    f.set_attr(&SetAttr { size: Some(4), mtime: Some(-1_500_000_000), ..SetAttr::default() }).unwrap();
    let attr = f.attr().unwrap();
    assert_eq!((attr.size, attr.mtime), (4, -1_500_000_000));
    sub.symlink(b"l", b"f", &new(0)).unwrap();
    assert_eq!(sub.lookup(b"l").unwrap().readlink().unwrap(), b"f");
    sub.link(b"hard", &f).unwrap();
    assert_eq!(f.attr().unwrap().nlink, 2);
    sub.rename(b"hard", &root, b"moved", 0).unwrap();
    assert!(dir.join("moved").exists() && !dir.join("d/hard").exists());
    assert_eq!(root.rmdir(b"d"), Err(Errno::ENOTEMPTY));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn edits_of_the_host_are_seen_at_once_however_often_one_looks() {
    use crate::fs::Mounts;
    use crate::fs::namei::{Follow, WalkCx, stat, walk};
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (dir, root) = scratch("edit", Access::ReadOnly);
    let mounts = Mounts::new("host", b"x", root, 0);
    let (top, cred) = (mounts.root(), Cred::new(1, 1, Vec::new()));
    let cx = WalkCx { mounts: &mounts, root: &top, cred: &cred, resolve: 0 };
    let size = || stat(&cx, &top, b"/a/b/c/f", Follow::Yes).map(|told| told.attr.size);
    let edits: [&dyn Fn(); 8] = [
        &|| std::fs::rename(dir.join("a/b"), dir.join("a/old")).unwrap(),
        &|| std::fs::rename(dir.join("a/old"), dir.join("a/b")).unwrap(),
        &|| std::fs::write(dir.join("a/b/c/f"), "1234").unwrap(),
        &|| std::fs::set_permissions(dir.join("a"), PermissionsExt::from_mode(0o700)).unwrap(),
        &|| std::fs::set_permissions(dir.join("a"), PermissionsExt::from_mode(0o755)).unwrap(),
        &|| {
            std::fs::rename(dir.join("a/b"), dir.join("a/old")).unwrap();
            symlink("../elsewhere", dir.join("a/b")).unwrap();
        },
        &|| {
            std::fs::remove_file(dir.join("a/b")).unwrap();
            symlink("old", dir.join("a/b")).unwrap();
        },
        &|| std::fs::remove_dir_all(dir.join("a")).unwrap(),
    ];
    std::fs::create_dir_all(dir.join("a/b/c")).unwrap();
    std::fs::create_dir_all(dir.join("elsewhere/c")).unwrap();
    for (file, text) in [("a/b/c/f", "12"), ("elsewhere/c/f", "123456")] {
        std::fs::write(dir.join(file), text).unwrap();
    }
    let expected =
        [Err(Errno::ENOENT), Ok(2), Ok(4), Err(Errno::EACCES), Ok(4), Ok(6), Ok(4), Err(Errno::ENOENT)];
    for (edit, expected) in edits.iter().zip(expected) {
        edit();
        for _ in 0..6 {
            assert_eq!(size(), expected);
            assert_eq!(walk(&cx, &top, b"/a/b/c/f", Follow::Yes).err(), expected.err());
        }
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn read_only_refuses_and_links_are_not_followed() {
    let (dir, root) = scratch("ro", Access::ReadOnly);
    std::os::unix::fs::symlink("/etc", dir.join("out")).unwrap();
    std::fs::write(dir.join("f"), "x").unwrap();
    let out = root.lookup(b"out").unwrap();
    assert_eq!(out.attr().unwrap().kind(), mode::LNK);
    assert_eq!(out.lookup(b"passwd").err(), Some(Errno::ENOTDIR));
    let f = root.lookup(b"f").unwrap();
    let cred = Cred::new(0, 0, Vec::new());
    assert_eq!(f.open(&f, oflag::RDWR, &cred).err(), Some(Errno::EROFS));
    assert_eq!(root.unlink(b"f"), Err(Errno::EROFS));
    assert_eq!(f.set_attr(&SetAttr { mode: Some(0o777), ..SetAttr::default() }), Err(Errno::EROFS));
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn listings_go_on_at_any_cookie() {
    let (dir, root) = scratch("ls", Access::ReadOnly);
    for i in 0..1500 {
        std::fs::write(dir.join(std::format!("file-with-a-long-name-{i}")), "").unwrap();
    }
    let file = open(&root, oflag::RDONLY | oflag::DIRECTORY);
    let (mut names, mut cookie) = (Vec::new(), 0);
    loop {
        let entries = root.read_dir(&file, cookie).unwrap();
        // Seven at a time, as a small guest buffer would.
        let Some((_, next)) = entries.get(..7.min(entries.len())).and_then(<[_]>::last) else { break };
        cookie = *next;
        names.extend(entries.into_iter().take(7).map(|(e, _)| e.name));
    }
    assert_eq!(names.len(), 1500);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 1500);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn the_caller_is_root_and_root_is_nobody() {
    let owners = Owners { user: Some((1000, 0)), group: None };
    assert_eq!(owners.shown(1000, 1000), (0, 1000));
    assert_eq!(owners.shown(0, 0), (NOBODY, 0));
    assert_eq!([owners.real_uid(0), owners.real_uid(5), owners.real_gid(0)], [1000, 5, 0]);
}
