//! Overlays against a model: random forks, stores, maps, unmaps and exits of views that share addresses. The model is a
//! copy of every view's pages.

use llano_machine::overlay::{self, Area, View};
use llano_machine::{space, usermem};
use std::collections::BTreeMap;

const PAGE: u64 = 4096;
const RW: i32 = space::READ | space::WRITE;

/// What one view sees: each page's protection and first word.
#[derive(Clone)]
struct Model {
    view: View,
    pages: BTreeMap<u64, (i32, u64)>,
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % n
    }
}

fn word(at: u64) -> Option<u64> {
    let mut buf = [0; 8];
    usermem::copy_in(at, &mut buf).ok().map(|()| u64::from_le_bytes(buf))
}

/// Compares what the view has mapped with the model, ends of pages too. The rest may be anybody's: one address space.
fn compare(model: &Model, base: u64, step: u32) {
    overlay::activate(model.view).unwrap();
    for (page, (prot, value)) in &model.pages {
        let at = base + page * PAGE;
        let want = (prot & space::READ != 0).then_some(*value);
        assert_eq!(word(at), want, "step {step}: page {page} of {:?}", model.view);
        if let Some(value) = want {
            assert_eq!(
                word(at + PAGE - 8),
                Some(value),
                "step {step}: end of page {page} of {:?}",
                model.view
            );
        }
    }
}

/// What a view hands on at fork. The ballast makes a footprint that is not copied at once.
fn areas(model: &Model, base: u64, ballast: u64) -> Vec<Area> {
    let mut out: Vec<Area> = Vec::new();
    if ballast > 0 {
        let start = base - ballast * PAGE;
        out.push(Area { start, end: base, prot: RW, private: true });
    }
    for (page, (prot, _)) in &model.pages {
        let start = base + page * PAGE;
        match out.last_mut() {
            Some(last) if last.end == start && last.prot == *prot => last.end += PAGE,
            _ => out.push(Area { start, end: start + PAGE, prot: *prot, private: true }),
        }
    }
    out
}

fn store(at: u64, value: u64) -> bool {
    usermem::copy_out(at, &value.to_le_bytes()).is_ok()
        && usermem::copy_out(at + PAGE - 8, &value.to_le_bytes()).is_ok()
}

fn exit(model: &Model, base: u64, ballast: u64) {
    for p in model.pages.keys() {
        space::release(base + p * PAGE, base + (p + 1) * PAGE).unwrap();
    }
    if ballast > 0 {
        space::release(base - ballast * PAGE, base).unwrap();
    }
    overlay::drop_view(model.view).unwrap();
}

#[test]
fn views_see_what_they_would_have_alone() {
    let windows = space::init(1 << 32).expect("a window");
    llano_machine::signals::init().expect("handlers");
    let base = windows.high.0 + (16 << 20);
    const PAGES: u64 = 48;
    for seed in 1..=20u64 {
        let mut random = Random(seed);
        let first = overlay::new_view();
        overlay::activate(first).unwrap();
        let mut models = vec![Model { view: first, pages: BTreeMap::new() }];
        let mut next = 1u64;
        let ballast = if seed % 2 == 0 { 0 } else { 1000 };
        if ballast > 0 {
            space::map_anon(base - ballast * PAGE, ballast * PAGE, RW).unwrap();
            (1..=ballast).for_each(|p| assert!(store(base - p * PAGE, p)));
        }
        for step in 0..600u32 {
            let i = random.below(models.len() as u64) as usize;
            overlay::activate(models[i].view).unwrap();
            let page = random.below(PAGES);
            let len = (1 + random.below(6)).min(PAGES - page);
            let (at, bytes) = (base + page * PAGE, len * PAGE);
            let range = page..page + len;
            match random.below(12) {
                0 | 1 => {
                    // Somebody else's exclusive pages are contested first, as the kernel does.
                    for other in models.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, m)| m) {
                        for p in range.clone().filter(|p| other.pages.contains_key(p)) {
                            if !models[i].pages.contains_key(&p) {
                                overlay::contest(other.view, base + p * PAGE, base + (p + 1) * PAGE);
                            }
                        }
                    }
                    space::map_anon(at, bytes, RW).unwrap();
                    models[i].pages.extend(range.map(|p| (p, (RW, 0))));
                }
                2 => {
                    for p in range {
                        if models[i].pages.remove(&p).is_some() {
                            space::unmap(base + p * PAGE, PAGE).unwrap();
                            assert_eq!(word(base + p * PAGE), None, "step {step}: page {p} is still there");
                        }
                    }
                }
                3 => {
                    let prot = [space::READ, RW, 0][random.below(3) as usize];
                    for p in range {
                        if let Some(entry) = models[i].pages.get_mut(&p) {
                            entry.0 = prot;
                            space::protect(base + p * PAGE, PAGE, prot).unwrap();
                        }
                    }
                }
                4 if models.len() < 9 => {
                    let child = overlay::new_view();
                    overlay::fork(child, &areas(&models[i], base, ballast), at).unwrap();
                    assert_eq!(overlay::current(), child);
                    let copy = Model { view: child, ..models[i].clone() };
                    models.push(copy);
                }
                5 if models.len() > 1 => {
                    exit(&models.swap_remove(i), base, ballast);
                }
                6 => {
                    for p in range {
                        if let Some(entry) = models[i].pages.get_mut(&p) {
                            entry.1 = 0;
                            space::advise(base + p * PAGE, PAGE, 4).unwrap();
                        }
                    }
                }
                7 => compare(&models[i], base, step),
                _ => {
                    for p in range {
                        next += 1;
                        if let Some(entry) = models[i].pages.get_mut(&p) {
                            let may = entry.0 & space::WRITE != 0;
                            assert_eq!(store(base + p * PAGE, next), may, "step {step}: store to page {p}");
                            entry.1 = if may { next } else { entry.1 };
                        }
                    }
                }
            }
        }
        for model in &models {
            compare(model, base, u32::MAX);
        }
        for gone in models {
            exit(&gone, base, ballast);
        }
        assert_eq!(overlay::saved_pages(), 0, "seed {seed}: pages stay saved");
        assert_eq!(overlay::alone(base, base + PAGES * PAGE).len(), 1, "seed {seed}: a span stays");
    }
}
