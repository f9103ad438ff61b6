//! Terminals as files: opening, closing, waking, signals to be sent.

use super::devices::Terminals;
use super::devpts::DevPts;
use super::terminal::Target;
use super::{TtyFile, signal};
use crate::cred::Cred;
use crate::env::Env;
use crate::error::Errno;
use crate::fs::file::{File, oflag};
use crate::fs::inode::Inode;
use crate::user::{Dst, Src};
use crate::wait::poll;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use llano_machine::bell::Bell;
use llano_machine::pool::Pool;

struct World {
    env: Rc<Env>,
    table: Rc<Terminals>,
    pts: Rc<dyn Inode>,
}

impl World {
    fn new() -> World {
        let env = Env::new(Pool::new(1 << 20).unwrap(), Bell::new().unwrap());
        let table = Terminals::new(&env);
        let pts = DevPts::root(&table);
        World { env, table, pts }
    }

    fn open(&self, name: &[u8], flags: u32) -> Result<Rc<File>, Errno> {
        let inode = self.pts.lookup(name)?;
        let ops = inode.open(&inode, flags, &Cred::new(1000, 1000, Vec::new()))?;
        Ok(File::new(ops, flags, None))
    }

    fn master(&self) -> Rc<File> {
        let master = self.open(b"ptmx", oflag::RDWR).unwrap();
        tty(&master).terminal.with(|pair| pair.set_locked(false));
        master
    }
}

fn tty(file: &File) -> &TtyFile {
    file.downcast().unwrap()
}

fn write(file: &File, bytes: &[u8]) -> Result<usize, Errno> {
    file.ops().write(file, &mut Src::Kernel(bytes), 0)
}

fn read(file: &File) -> Result<Vec<u8>, Errno> {
    let mut buf = vec![0; 10000];
    let taken = file.ops().read(file, &mut Dst::Kernel(&mut buf, 0), 0)?;
    buf.truncate(taken);
    Ok(buf)
}

#[test]
fn a_pair_is_named_while_its_master_is_open() {
    let world = World::new();
    let names = |world: &World| {
        let master = world.open(b"ptmx", oflag::RDWR).unwrap();
        let listed = world.pts.read_dir(&master, 0).unwrap();
        listed.into_iter().map(|(entry, _)| entry.name).collect::<Vec<_>>()
    };
    let first = world.master();
    assert_eq!(names(&world), [b"ptmx".to_vec(), b"0".to_vec(), b"1".to_vec()]);
    let slave = world.open(b"0", oflag::RDWR).unwrap();
    assert_eq!(slave.ops().attr().rdev, 136 << 8);
    assert_eq!(world.open(b"00", oflag::RDWR).unwrap_err(), Errno::ENOENT);
    drop(first);
    assert_eq!(world.open(b"0", oflag::RDWR).unwrap_err(), Errno::ENOENT);
    assert_eq!(read(&slave), Ok(Vec::new()));
    assert_eq!(write(&slave, b"x"), Err(Errno::EIO));
    assert_eq!(names(&world), [b"ptmx".to_vec(), b"0".to_vec()], "the number is free again");
}

#[test]
fn what_one_side_does_wakes_the_other() {
    let world = World::new();
    let master = world.master();
    let slave = world.open(b"0", oflag::RDWR).unwrap();
    let woken = || core::iter::from_fn(|| world.env.wakes.pop()).collect::<Vec<_>>();
    slave.ops().queue(&slave, poll::IN).unwrap().add(7, poll::IN);
    master.ops().queue(&master, poll::IN).unwrap().add(8, poll::IN);
    assert_eq!(read(&slave), Err(Errno::EAGAIN));
    assert_eq!(write(&master, b"a\n"), Ok(2));
    let both = woken();
    assert!(both.contains(&7), "the reader");
    assert!(both.contains(&8), "the echo is there to be read");
    assert_eq!(write(&slave, b"b"), Ok(1));
    assert_eq!(woken(), [8]);
    assert_eq!(read(&slave), Ok(b"a\n".to_vec()));
    assert_eq!(read(&master), Ok(b"a\r\nb".to_vec()));
    drop(slave);
    assert!(woken().contains(&8));
    assert_eq!(read(&master), Err(Errno::EIO));
}

#[test]
fn a_full_terminal_takes_what_fits_and_wakes_at_room() {
    let world = World::new();
    let master = world.master();
    let slave = world.open(b"0", oflag::RDWR).unwrap();
    let text = vec![b'\n'; 100_000];
    let taken = write(&slave, &text).unwrap();
    assert!((9000..10_000).contains(&taken), "{taken}");
    assert_eq!(slave.ops().poll(&slave) & poll::OUT, poll::OUT, "room for less than eight columns");
    slave.ops().queue(&slave, poll::OUT).unwrap().add(7, poll::OUT);
    let mut all = 0;
    while let Ok(bytes) = read(&master) {
        all += bytes.len();
    }
    assert_eq!(all, 2 * taken);
    assert_eq!(write(&slave, &text), Ok(taken));
}

#[test]
fn signals_are_left_for_the_run_loop() {
    let world = World::new();
    let master = world.master();
    let terminal = tty(&master).terminal.clone();
    let interrupt = |bytes: &[u8]| {
        write(&master, bytes).unwrap();
        (world.table.outbox.any(), world.table.outbox.take())
    };
    assert_eq!(interrupt(b"\x03"), (false, vec![]), "nobody is in the foreground");
    terminal.with(|pair| pair.slave.set_session(5, 6));
    let both = vec![(Target::Group(6), signal::INT), (Target::Group(6), signal::QUIT)];
    assert_eq!(interrupt(b"\x03\x1c"), (true, both));
    assert!(!world.table.outbox.any());
    terminal.disown();
    assert_eq!(
        world.table.outbox.take(),
        [(Target::Group(6), signal::HUP), (Target::Group(6), signal::CONT)]
    );
    terminal.with(|pair| pair.slave.set_session(5, 6));
    drop(master);
    assert_eq!(
        world.table.outbox.take(),
        [(Target::Leader(5), signal::HUP), (Target::Leader(5), signal::CONT)]
    );
}

#[test]
fn exclusive_is_for_root() {
    let world = World::new();
    let master = world.master();
    tty(&master).terminal.exclusive.set(true);
    assert_eq!(world.open(b"0", oflag::RDWR).unwrap_err(), Errno::EBUSY);
    let root = Cred::new(0, 0, Vec::new());
    assert!(world.table.open(&tty(&master).terminal, &root).is_ok());
}
