//! Contents, directories and the walk over them, on the host.

use super::*;
use crate::cred::Cred;
use crate::error::{Errno, Result};
use crate::fs::file::{File, oflag};
use crate::fs::inode::{Inode, SetAttr};
use crate::fs::namei::{Follow, Last, WalkCx, resolve, walk, walk_parent};
use crate::fs::path::Name;
use crate::fs::{Mounts, Path};
use crate::user::{Dst, Src};
use alloc::vec;
use alloc::vec::Vec;
use llano_machine::bell::Bell;
use llano_machine::pool::Pool;

const MEG: u64 = 1 << 20;

fn env(pool: u64) -> Rc<Env> {
    Env::new(Pool::new(pool).expect("a pool"), Bell::new().expect("a bell"))
}

fn new_file(mode: u32) -> NewFile {
    NewFile { mode, uid: 1000, gid: 1000, rdev: 0 }
}

fn open(inode: &Rc<dyn Inode>) -> Rc<File> {
    File::new(inode.open(inode, oflag::RDWR, &Cred::new(0, 0, Vec::new())).expect("opens"), oflag::RDWR, None)
}

fn write(file: &File, at: u64, bytes: &[u8]) -> Result<usize> {
    file.ops().write(file, &mut Src::Kernel(bytes), at)
}

fn read(file: &File, at: u64, len: usize) -> Vec<u8> {
    let mut buf = vec![0xee; len];
    let n = file.ops().read(file, &mut Dst::Kernel(&mut buf, 0), at).expect("reads");
    buf.truncate(n);
    buf
}

fn resize(file: &Rc<dyn Inode>, size: u64) -> Result<()> {
    file.set_attr(&SetAttr { size: Some(size), ..SetAttr::default() })
}

#[test]
fn contents_agree_with_a_plain_vector() {
    let env = env(64 * MEG);
    let top = TmpFs::mount(&env, 64 * MEG, &new_file(0o755));
    let inode = top.create(b"f", &new_file(mode::REG | 0o644)).unwrap();
    let file = open(&inode);
    let mut model: Vec<u8> = Vec::new();
    let mut seed = 1u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) % below
    };
    for round in 0..2000u64 {
        let at = random(200_000);
        let len = random(9000) as usize;
        match random(6) {
            0 => {
                resize(&inode, at).unwrap();
                model.resize(at as usize, 0);
            }
            1 => {
                inode.allocate(3, at, len as u64 + 1).unwrap();
                let end = (at as usize + len + 1).min(model.len());
                if let Some(hole) = model.get_mut(at as usize..end) {
                    hole.fill(0);
                }
            }
            2 => {
                let bytes = vec![round as u8; len + 1];
                assert_eq!(write(&file, at, &bytes), Ok(len + 1));
                model.resize(model.len().max(at as usize + len + 1), 0);
                model[at as usize..at as usize + len + 1].copy_from_slice(&bytes);
            }
            _ => {
                let end = (at as usize + len).min(model.len());
                assert_eq!(read(&file, at, len), model.get(at as usize..end).unwrap_or(&[]));
            }
        }
        assert_eq!(inode.attr().unwrap().size, model.len() as u64);
    }
    drop((file, inode));
    top.unlink(b"f").unwrap();
    assert_eq!(env.pool.borrow().used(), 0);
}

#[test]
fn holes_are_found() {
    use crate::fs::file::Piece::{Data, Hole};
    let env = env(MEG);
    let top = TmpFs::mount(&env, MEG, &new_file(0o755));
    let inode = top.create(b"f", &new_file(mode::REG | 0o644)).unwrap();
    let file = open(&inode);
    write(&file, 8192, b"x").unwrap();
    write(&file, 40960, b"y").unwrap();
    resize(&inode, 80000).unwrap();
    let next = |what, at| file.ops().next(what, at, 80000);
    assert_eq!((next(Hole, 0), next(Data, 0)), (Ok(0), Ok(8192)));
    assert_eq!((next(Hole, 9000), next(Data, 9000)), (Ok(12288), Ok(9000)));
    assert_eq!((next(Data, 12288), next(Hole, 40960)), (Ok(40960), Ok(45056)));
    assert_eq!(next(Data, 45056), Err(Errno::ENXIO));
    resize(&inode, 40970).unwrap();
    assert_eq!(next(Hole, 40965), Ok(40970));
}

#[test]
fn a_full_filesystem_takes_what_fits() {
    let env = env(MEG);
    let top = TmpFs::mount(&env, MEG / 2, &new_file(0o755));
    let inode = top.create(b"f", &new_file(mode::REG | 0o644)).unwrap();
    let file = open(&inode);
    assert_eq!(write(&file, 0, &vec![1; MEG as usize]), Ok(MEG as usize / 2));
    assert_eq!(write(&file, MEG / 2, b"x"), Err(Errno::ENOSPC));
    assert_eq!(inode.statfs().unwrap().blocks[1], 0);
    resize(&inode, 4096).unwrap();
    assert_eq!(write(&file, 4096, &vec![2; MEG as usize]), Ok(MEG as usize / 2 - 4096));
}

#[test]
fn links_and_directories_are_counted() {
    let env = env(MEG);
    let top = TmpFs::mount(&env, MEG, &new_file(0o755));
    let dir = top.create(b"d", &new_file(mode::DIR | 0o755)).unwrap();
    let file = top.create(b"f", &new_file(mode::REG | 0o644)).unwrap();
    let nlink = |i: &Rc<dyn Inode>| i.attr().unwrap().nlink;
    let top: Rc<dyn Inode> = top;
    assert_eq!((nlink(&top), nlink(&dir), nlink(&file)), (3, 2, 1));
    dir.link(b"g", &file).unwrap();
    assert_eq!(nlink(&file), 2);
    assert_eq!(top.rmdir(b"d"), Err(Errno::ENOTEMPTY));
    assert_eq!(top.unlink(b"d"), Err(Errno::EISDIR));
    assert_eq!(top.rmdir(b"f"), Err(Errno::ENOTDIR));
    assert_eq!(top.create(b"f", &new_file(mode::REG)).err(), Some(Errno::EEXIST));
    top.rename(b"f", &dir, b"g", 0).unwrap();
    assert_eq!(nlink(&file), 1);
    dir.create(b"e", &new_file(mode::DIR | 0o755)).unwrap();
    dir.rename(b"e", &top, b"e", 1).unwrap();
    assert_eq!((nlink(&top), nlink(&dir)), (4, 2));
    dir.rename(b"g", &top, b"e", 2).unwrap();
    assert_eq!((nlink(&top), nlink(&dir)), (3, 3));
    let orphan = dir.lookup(b"g").unwrap();
    dir.rmdir(b"g").unwrap();
    assert_eq!(orphan.create(b"x", &new_file(mode::REG)).err(), Some(Errno::ENOENT));
}

#[test]
fn a_nameless_file_gets_a_name_once_and_a_removed_one_never() {
    let env = env(MEG);
    let top = TmpFs::mount(&env, MEG, &new_file(0o755));
    let inode = top.tmpfile(&new_file(mode::REG | 0o600), 0).unwrap();
    assert_eq!(inode.attr().unwrap().nlink, 0);
    top.link(b"named", &inode).unwrap();
    assert_eq!(inode.attr().unwrap().nlink, 1);
    top.unlink(b"named").unwrap();
    assert_eq!(top.link(b"again", &inode), Err(Errno::ENOENT));
}

#[test]
fn a_listing_in_pieces_survives_changes() {
    let env = env(MEG);
    let top = TmpFs::mount(&env, MEG, &new_file(0o755));
    for i in 0..1000 {
        top.create(alloc::format!("{i}").as_bytes(), &new_file(mode::REG | 0o644)).unwrap();
    }
    let dir: Rc<dyn Inode> = top.clone();
    let file = open(&dir);
    let (mut seen, mut cookie) = (Vec::new(), 0);
    loop {
        let batch = top.read_dir(&file, cookie).unwrap();
        let Some((_, last)) = batch.last() else { break };
        cookie = *last;
        for (entry, _) in &batch {
            top.unlink(&entry.name).unwrap();
        }
        seen.extend(batch.into_iter().map(|(e, _)| e.name));
    }
    assert_eq!(seen.len(), 1000);
    assert!(top.read_dir(&file, 0).unwrap().is_empty());
}

/// `/a/b/file`, `/a/up -> ..`, `/abs -> /a/b`, `/loop -> loop`, `/mnt` with `/inside` mounted there.
struct Tree {
    mounts: Mounts,
    cred: Cred,
}

fn tree() -> Tree {
    let env = env(MEG);
    let top = TmpFs::mount(&env, MEG, &new_file(0o755));
    let a = top.create(b"a", &new_file(mode::DIR | 0o755)).unwrap();
    let b = a.create(b"b", &new_file(mode::DIR | 0o755)).unwrap();
    b.create(b"file", &new_file(mode::REG | 0o644)).unwrap();
    a.symlink(b"up", b"..", &new_file(0)).unwrap();
    top.symlink(b"abs", b"/a/b", &new_file(0)).unwrap();
    top.symlink(b"loop", b"loop", &new_file(0)).unwrap();
    top.create(b"mnt", &new_file(mode::DIR | 0o755)).unwrap();
    top.create(b"closed", &new_file(mode::DIR | 0o600)).unwrap();
    let mounts = Mounts::new("tmpfs", b"none", top, 0);
    let inner = TmpFs::mount(&env, MEG, &new_file(0o755));
    inner.create(b"inside", &new_file(mode::REG | 0o644)).unwrap();
    let tree = Tree { mounts, cred: Cred::new(1000, 1000, Vec::new()) };
    let on = tree.walk(b"/mnt").unwrap();
    tree.mounts.mount("tmpfs", b"inner", inner, on, 0).unwrap();
    tree
}

impl Tree {
    fn restricted(&self, base: &Path, path: &[u8], resolve: u32) -> Result<Path> {
        let root = self.mounts.root();
        walk(
            &WalkCx { mounts: &self.mounts, root: &root, cred: &self.cred, resolve },
            base,
            path,
            Follow::Yes,
        )
    }

    fn walk(&self, path: &[u8]) -> Result<Path> {
        self.restricted(&self.mounts.root(), path, 0)
    }

    fn name(&self, path: &[u8]) -> Result<Vec<u8>> {
        Ok(self.walk(path)?.to_bytes(&self.mounts.root()))
    }
}

#[test]
fn the_walk_goes_where_linux_goes() {
    let t = tree();
    assert_eq!(t.name(b"/a/b/file").unwrap(), b"/a/b/file");
    assert_eq!(t.name(b"a//./b/../b/").unwrap(), b"/a/b");
    assert_eq!(t.name(b"/abs/file").unwrap(), b"/a/b/file");
    assert_eq!(t.name(b"/a/up/../..").unwrap(), b"/");
    assert_eq!(t.name(b"/mnt/inside").unwrap(), b"/mnt/inside");
    assert_eq!(t.name(b"/mnt/..").unwrap(), b"/");
    assert_eq!(t.name(b"/mnt/../mnt").unwrap(), b"/mnt");
    for (path, error) in [
        (&b""[..], Errno::ENOENT),
        (b"/nothing", Errno::ENOENT),
        (b"/nothing/more", Errno::ENOENT),
        (b"/a/b/file/", Errno::ENOTDIR),
        (b"/a/b/file/x", Errno::ENOTDIR),
        (b"/a/b/file/..", Errno::ENOTDIR),
        (b"/loop", Errno::ELOOP),
        (b"/closed/.", Errno::EACCES),
        (&[b'x'; 256], Errno::ENAMETOOLONG),
    ] {
        assert_eq!(t.walk(path).err(), Some(error), "{}", alloc::string::String::from_utf8_lossy(path));
    }
}

#[test]
fn the_last_component_is_left_to_the_caller() {
    let t = tree();
    let root = t.mounts.root();
    let cx = WalkCx { mounts: &t.mounts, root: &root, cred: &t.cred, resolve: 0 };
    let last = |path: &[u8]| walk_parent(&cx, &root, path).map(|p| (p.last, p.slash));
    assert_eq!(last(b"/a/new/"), Ok((Last::Name(b"new".as_slice().into()), true)));
    assert_eq!(last(b"a/.."), Ok((Last::DotDot, false)));
    assert_eq!(last(b"."), Ok((Last::Dot, false)));
    assert_eq!(last(b"//"), Ok((Last::Root, true)));
    assert_eq!(last(b"/none/x"), Err(Errno::ENOENT));
}

#[test]
fn openat2_restrictions_hold() {
    let t = tree();
    let a = t.walk(b"/a").unwrap();
    assert!(t.restricted(&a, b"b/../b/file", resolve::BENEATH).is_ok());
    assert_eq!(t.restricted(&a, b"..", resolve::BENEATH).err(), Some(Errno::EXDEV));
    assert_eq!(t.restricted(&a, b"up/abs", resolve::BENEATH).err(), Some(Errno::EXDEV));
    assert_eq!(t.restricted(&a, b"/a", resolve::BENEATH).err(), Some(Errno::EXDEV));
    assert!(t.restricted(&a, b"/../b", resolve::IN_ROOT).unwrap().same(&t.walk(b"/a/b").unwrap()));
    assert_eq!(t.restricted(&a, b"up", resolve::NO_SYMLINKS).err(), Some(Errno::ELOOP));
    assert_eq!(t.restricted(&a, b"/mnt/inside", resolve::NO_XDEV).err(), Some(Errno::EXDEV));
    assert_eq!(t.restricted(&a, b"b", resolve::CACHED).err(), Some(Errno::EAGAIN));
}

#[test]
fn names_follow_renames_and_removals() {
    let t = tree();
    let root = t.mounts.root();
    let (a, b, file) = (t.walk(b"/a").unwrap(), t.walk(b"/a/b").unwrap(), t.walk(b"/a/b/file").unwrap());
    a.inode().rename(b"b", root.inode(), b"c", 0).unwrap();
    a.node.renamed(b"b", &root.node, b"c");
    assert_eq!(file.to_bytes(&root), b"/c/file");
    assert!(t.walk(b"/c/file").unwrap().same(&file));
    assert_eq!(b.parent().unwrap().to_bytes(&root), b"/");
    b.inode().unlink(b"file").unwrap();
    b.node.forget(b"file");
    assert_eq!(file.to_bytes(&root), b"/c/file (deleted)");
    assert_eq!(file.name_from(&root), Name::Below { path: b"/c/file".to_vec(), deleted: true });
    assert_eq!(root.name_from(&a), Name::Outside(b"/".to_vec()));
    assert_eq!(b.name_from(&a), Name::Outside(b"/c".to_vec()));
}

#[test]
fn a_name_that_is_another_file_by_now_is_another_node() {
    let t = tree();
    let b = t.walk(b"/a/b").unwrap();
    let before = t.walk(b"/a/b/file").unwrap();
    // Behind the walk's back, as an edit on the host is.
    b.inode().unlink(b"file").unwrap();
    b.inode().create(b"file", &new_file(mode::REG | 0o644)).unwrap();
    let after = t.walk(b"/a/b/file").unwrap();
    assert!(!after.same(&before) && before.node.deleted.get() && !after.node.deleted.get());
    assert!(t.walk(b"/a/b/file").unwrap().same(&after));
}

#[test]
fn depth_costs_no_stack() {
    let env = env(MEG);
    let top = TmpFs::mount(&env, MEG, &new_file(0o755));
    let mounts = Mounts::new("tmpfs", b"none", top.clone(), 0);
    let mut at = mounts.root().node;
    for _ in 0..200_000 {
        let inode = at.inode.create(b"d", &new_file(mode::DIR | 0o755)).unwrap();
        at = at.adopt(b"d", inode);
    }
    drop(at);
    let first = Rc::downgrade(&top.lookup(b"d").unwrap());
    drop((top, mounts));
    assert!(first.upgrade().is_none());
}

#[test]
fn mounts_come_and_go() {
    let t = tree();
    let root = t.mounts.root();
    let top = t.walk(b"/mnt").unwrap();
    assert_eq!(t.mounts.unmount(&t.walk(b"/mnt/inside").unwrap()), Err(Errno::EINVAL));
    assert_eq!(t.mounts.unmount(&root), Err(Errno::EINVAL));
    let bound = t.mounts.bind(&t.walk(b"/a").unwrap(), t.walk(b"/mnt").unwrap()).unwrap();
    assert_eq!(t.name(b"/mnt/b/file").unwrap(), b"/mnt/b/file");
    assert_eq!(t.name(b"/mnt/b/../..").unwrap(), b"/");
    assert_eq!(t.mounts.unmount(&top), Err(Errno::EBUSY));
    t.mounts.unmount(&bound).unwrap();
    t.mounts.unmount(&top).unwrap();
    assert_eq!(t.walk(b"/mnt/inside").err(), Some(Errno::ENOENT));
}

#[test]
fn seals_forbid_what_they_name() {
    let env = env(MEG);
    let mounts = Mounts::new("tmpfs", b"none", TmpFs::mount(&env, MEG, &new_file(0o755)), 0);
    let file = memfd(&env, &mounts, b"x", &new_file(mode::REG | 0o777), 0);
    let inode = file.path.as_ref().unwrap().inode().clone();
    assert_eq!(write(&file, 0, b"hello"), Ok(5));
    assert_eq!(file.path.as_ref().unwrap().to_bytes(&mounts.root()), b"/memfd:x (deleted)");
    let seals = file.downcast::<TmpFile>().unwrap().seals();
    seals.add(2).unwrap();
    assert_eq!(resize(&inode, 2), Err(Errno::EPERM));
    assert_eq!(resize(&inode, 9), Ok(()));
    seals.add(4).unwrap();
    assert_eq!(write(&file, 7, b"abc"), Err(Errno::EPERM));
    assert_eq!(write(&file, 6, b"abc"), Ok(3));
    seals.add(8 | 1).unwrap();
    assert_eq!(write(&file, 0, b"a"), Err(Errno::EPERM));
    assert_eq!(seals.add(0x20), Err(Errno::EPERM));
    assert_eq!(seals.get(), 15);
}
