//! The entry without a signal, by hand-made stubs: every register kept, whoever ran in between and whatever signals came.

use llano_machine::context::xsave_features;
use llano_machine::cpu::reg;
use llano_machine::fast::{self, Site};
use llano_machine::{Context, Trap, enter, heap, on_host, signals};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const PAGE: usize = 4096;

/// Guest code: a stub that calls the kernel and comes back to a `jmp` to itself, so it calls again and again.
struct Guest {
    code: *mut u8,
    site: Box<Site>,
}

impl Guest {
    fn new() -> Guest {
        // SAFETY: a fresh map at an address of the host's choice.
        let code = unsafe {
            let prot = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
            libc::mmap(std::ptr::null_mut(), PAGE, prot, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
        };
        assert_ne!(code, libc::MAP_FAILED);
        let code: *mut u8 = code.cast();
        let start = code as u64;
        let site = Box::new(Site { next: start + 2, resume: start + 64, hits: AtomicU64::new(0) });
        // 0: ud2 in place of the `syscall` that was patched; 16: the stub; 64: its other half; 128: the entry's address.
        let mut stub = vec![0x48, 0xb9];
        stub.extend((&raw const *site as u64).to_le_bytes()); // mov rcx, site
        stub.extend([0xff, 0x25]); // jmp [rip + ...]
        stub.extend((128i32 - (16 + stub.len() as i32 + 4)).to_le_bytes());
        let back = [0xeb, (16i8 - 66) as u8]; // jmp 16
        // SAFETY: all of it lies in the page.
        unsafe {
            code.copy_from(b"\x0f\x0b".as_ptr(), 2);
            code.add(16).copy_from(stub.as_ptr(), stub.len());
            code.add(64).copy_from(back.as_ptr(), 2);
            code.add(128).cast::<u64>().write(fast::entry());
        }
        Guest { code, site }
    }

    fn stub(&self) -> u64 {
        self.code as u64 + 16
    }
}

/// Different values in every register. No stack: an entry that used it would fault.
fn fill(ctx: &mut Context, seed: u8, rip: u64) {
    let byte = |i: usize| seed.wrapping_add((i * 37 % 251) as u8);
    let area = ctx.xsave_mut();
    for (i, b) in area.iter_mut().enumerate() {
        // x87 control and status, MXCSR and the header have rules; the rest takes anything. Of st0-7 ten bytes count.
        let free = (160..416).contains(&i) || i >= 576 || (32..160).contains(&i) && i % 16 < 10;
        *b = if free { byte(i) } else { 0 };
    }
    area[0..2].copy_from_slice(&0xc7fu16.to_le_bytes());
    area[4] = 0xff;
    area[24..28].copy_from_slice(&0x7f80u32.to_le_bytes());
    let features = xsave_features() & 0xe7; // x87, SSE, AVX, AVX-512
    area[512..520].copy_from_slice(&features.to_le_bytes());
    ctx.set_fs_base(0x1000 * u64::from(seed));
    ctx.set_gs_base(0x2000 * u64::from(seed));
    let regs = ctx.regs_mut();
    for (i, r) in regs.regs.iter_mut().enumerate() {
        *r = u64::from_le_bytes([byte(i); 8]) ^ i as u64;
    }
    regs.rip = rip;
    regs.rflags = 0x202 | 0x8d5;
}

/// What must hold: registers but rcx and r11, bases, and the area up to the end of zmm31 (components it holds).
fn snapshot(ctx: &mut Context) -> Snapshot {
    on_host(); // allocates
    let mut regs = ctx.regs().regs.to_vec();
    (regs[reg::RCX], regs[reg::R11]) = (0, 0);
    let (flags, fs, gs) = (ctx.regs().rflags, ctx.fs_base(), ctx.gs_base());
    let mut area = ctx.xsave().to_vec();
    area[6..24].fill(0); // the last x87 instruction
    area[28..32].fill(0); // MXCSR_MASK
    area[416..512].fill(0); // the host's own words in a signal frame
    (regs, flags, fs, gs, area)
}

type Snapshot = (Vec<u64>, u64, u64, u64, Vec<u8>);

fn same(got: &Snapshot, want: &Snapshot, when: &str) {
    assert_eq!((&got.0, got.1, got.2, got.3), (&want.0, want.1, want.2, want.3), "{when}");
    let first = got.4.iter().zip(&want.4).position(|(a, b)| a != b);
    assert_eq!(first, None, "{when}: the vector state differs there");
}

/// One test, since there is one vCPU: its thread must be the one that calls `init`.
#[test]
fn registers_hold_across_entries_without_a_signal() {
    heap::init().unwrap();
    signals::init().expect("this host can run llano");
    let guest = Guest::new();
    let (mut a, mut b) = (Context::new(), Context::new());
    fill(&mut a, 3, guest.stub());
    fill(&mut b, 101, guest.stub());
    let (want_a, want_b) = (snapshot(&mut a), snapshot(&mut b));

    // Alone: live from the second entry on.
    for round in 0..1000 {
        assert_eq!(enter(&mut a), Trap::Syscall);
        assert_eq!(a.regs().rip, guest.site.next, "the original address");
        assert_eq!(a.regs().regs[reg::RCX], guest.site.next);
        assert_eq!(a.regs().regs[reg::R11], a.regs().rflags);
        if round % 3 == 0 {
            on_host(); // as the kernel does when it leaves for the host; else FS stays the guest's
        }
        if round % 100 == 99 {
            assert_eq!(snapshot(&mut a), want_a);
        }
    }
    assert_eq!(guest.site.hits.load(Ordering::Relaxed), 1000);

    // In turns, so that each finds the other's registers in the CPU; and copies.
    for round in 0..1000 {
        assert_eq!(enter(&mut a), Trap::Syscall);
        assert_eq!(enter(&mut b), Trap::Syscall);
        if round % 10 == 0 {
            on_host();
            let mut copy = a.duplicate();
            assert_eq!(enter(&mut copy), Trap::Syscall);
            on_host();
            assert_eq!(snapshot(&mut copy), want_a);
            drop(copy);
        }
    }
    assert_eq!(snapshot(&mut a), want_a);
    assert_eq!(snapshot(&mut b), want_b);

    under_signals(&mut a, &mut b);
    assert_eq!((snapshot(&mut a), snapshot(&mut b)), (want_a, want_b));
    flags_that_bite(&mut a, &guest);
}

/// Doorbells as fast as another thread can ring, most of them in the entry, the exit and the guest's few instructions.
fn under_signals(a: &mut Context, b: &mut Context) {
    let over = AtomicBool::new(false);
    // SAFETY: plain numbers.
    let vcpu = unsafe { libc::gettid() };
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                // SAFETY: as above.
                unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), vcpu, signals::SIG_DOORBELL) };
                for _ in 0..200 {
                    std::hint::spin_loop();
                }
            }
        });
        let _stop = Stop(&over);
        on_host();
        let (mut calls, mut rings) = (0u64, 0u64);
        let (want_a, want_b) = (snapshot(a), snapshot(b));
        while calls < 300_000 || rings < 2_000 {
            let (ctx, want) = if calls % 8 < 4 { (&mut *a, &want_a) } else { (&mut *b, &want_b) };
            match enter(ctx) {
                Trap::Syscall => calls += 1,
                Trap::Irq => rings += 1,
                trap => {
                    on_host();
                    panic!("{trap:?}")
                }
            }
            if calls % 1000 == 0 {
                on_host();
                same(&snapshot(ctx), want, &format!("after {calls} calls, {rings} rings"));
            }
        }
        on_host();
    });
}

/// Ends the ringing, also when an assertion fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Until something other than a late doorbell.
fn on(ctx: &mut Context) -> Trap {
    loop {
        match enter(ctx) {
            Trap::Irq => {}
            trap => {
                on_host();
                return trap;
            }
        }
    }
}

/// The trap flag, alignment checks, backwards strings: kernel code runs without them, the guest gets them back.
fn flags_that_bite(ctx: &mut Context, guest: &Guest) {
    const TF: u64 = 0x100;
    for flags in [0x4_0202u64, 0x602, 0x20_0202, 0x4_0602] {
        ctx.regs_mut().rflags = flags;
        ctx.regs_mut().rip = guest.stub();
        assert_eq!(on(ctx), Trap::Syscall);
        let now: u64;
        // SAFETY: reads the flags.
        unsafe { std::arch::asm!("pushfq", "pop {}", out(reg) now) };
        assert_eq!(now & 0x4_4500, 0, "flags of kernel code");
        assert_eq!(ctx.regs().rflags, flags);
    }
    // Stepping: two steps in the stub, then the call, then a step behind it.
    ctx.regs_mut().rflags = 0x202 | TF;
    ctx.regs_mut().rip = guest.stub();
    assert!(matches!(on(ctx), Trap::Fault(f) if f.signal == libc::SIGTRAP));
    assert_eq!(on(ctx), Trap::Syscall);
    assert_eq!(ctx.regs().rflags, 0x202 | TF);
    assert!(matches!(on(ctx), Trap::Fault(f) if f.signal == libc::SIGTRAP));
    assert_eq!(ctx.regs().rip, guest.stub());
    ctx.regs_mut().rflags = 0x202;
    ctx.regs_mut().rip = 1 << 63;
    assert!(matches!(on(ctx), Trap::Fault(f) if f.signal == libc::SIGSEGV), "an address no jump can reach");
}
