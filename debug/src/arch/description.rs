//! The description of the registers, as gdb's features/i386/64bit-*.xml have it.

use super::{has_avx, has_avx512};
use std::fmt::Write;

/// The description that gdb asks for as `target.xml`.
pub fn description() -> String {
    let mut x = String::from(concat!(
        "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>",
        "<architecture>i386:x86-64</architecture><osabi>GNU/Linux</osabi>",
        "<feature name=\"org.gnu.gdb.i386.core\"><flags id=\"i386_eflags\" size=\"4\">"
    ));
    let flags = [
        ("CF", 0),
        ("", 1),
        ("PF", 2),
        ("AF", 4),
        ("ZF", 6),
        ("SF", 7),
        ("TF", 8),
        ("IF", 9),
        ("DF", 10),
        ("OF", 11),
        ("NT", 14),
        ("RF", 16),
        ("VM", 17),
        ("AC", 18),
        ("VIF", 19),
        ("VIP", 20),
        ("ID", 21),
    ];
    fields(&mut x, &flags);
    for r in "rax rbx rcx rdx rsi rdi".split(' ') {
        reg(&mut x, r, 64, "int64");
    }
    reg(&mut x, "rbp", 64, "data_ptr");
    reg(&mut x, "rsp", 64, "data_ptr");
    (8..16).for_each(|i| reg(&mut x, &format!("r{i}"), 64, "int64"));
    reg(&mut x, "rip", 64, "code_ptr");
    reg(&mut x, "eflags", 32, "i386_eflags");
    "cs ss ds es fs gs".split(' ').for_each(|r| reg(&mut x, r, 32, "int32"));
    (0..8).for_each(|i| reg(&mut x, &format!("st{i}"), 80, "i387_ext"));
    for r in "fctrl fstat ftag fiseg fioff foseg fooff fop".split(' ') {
        let _ = write!(x, "<reg name=\"{r}\" bitsize=\"32\" type=\"int\" group=\"float\"/>");
    }
    x.push_str("</feature><feature name=\"org.gnu.gdb.i386.sse\">");
    let vectors = [
        ("v4f", "ieee_single", 4),
        ("v2d", "ieee_double", 2),
        ("v16i8", "int8", 16),
        ("v8i16", "int16", 8),
        ("v4i32", "int32", 4),
        ("v2i64", "int64", 2),
    ];
    for (id, kind, count) in vectors {
        let _ = write!(x, "<vector id=\"{id}\" type=\"{kind}\" count=\"{count}\"/>");
    }
    x.push_str("<union id=\"vec128\">");
    for (name, kind) in [
        ("v4_float", "v4f"),
        ("v2_double", "v2d"),
        ("v16_int8", "v16i8"),
        ("v8_int16", "v8i16"),
        ("v4_int32", "v4i32"),
        ("v2_int64", "v2i64"),
        ("uint128", "uint128"),
    ] {
        let _ = write!(x, "<field name=\"{name}\" type=\"{kind}\"/>");
    }
    x.push_str("</union><flags id=\"i386_mxcsr\" size=\"4\">");
    let mxcsr = [
        ("IE", 0),
        ("DE", 1),
        ("ZE", 2),
        ("OE", 3),
        ("UE", 4),
        ("PE", 5),
        ("DAZ", 6),
        ("IM", 7),
        ("DM", 8),
        ("ZM", 9),
        ("OM", 10),
        ("UM", 11),
        ("PM", 12),
        ("FZ", 15),
    ];
    fields(&mut x, &mxcsr);
    (0..16).for_each(|i| reg(&mut x, &format!("xmm{i}"), 128, "vec128"));
    x.push_str("<reg name=\"mxcsr\" bitsize=\"32\" type=\"i386_mxcsr\" group=\"vector\"/></feature>");
    x.push_str("<feature name=\"org.gnu.gdb.i386.linux\">");
    reg(&mut x, "orig_rax", 64, "int");
    x.push_str("</feature><feature name=\"org.gnu.gdb.i386.segments\">");
    reg(&mut x, "fs_base", 64, "int");
    reg(&mut x, "gs_base", 64, "int");
    x.push_str("</feature>");
    if has_avx() {
        x.push_str("<feature name=\"org.gnu.gdb.i386.avx\">");
        (0..16).for_each(|i| reg(&mut x, &format!("ymm{i}h"), 128, "uint128"));
        x.push_str("</feature>");
    }
    if has_avx512() {
        x.push_str("<feature name=\"org.gnu.gdb.i386.avx512\">");
        x.push_str("<vector id=\"v2ui128\" type=\"uint128\" count=\"2\"/>");
        (16..32).for_each(|i| reg(&mut x, &format!("xmm{i}"), 128, "uint128"));
        (16..32).for_each(|i| reg(&mut x, &format!("ymm{i}h"), 128, "uint128"));
        (0..8).for_each(|i| reg(&mut x, &format!("k{i}"), 64, "uint64"));
        (0..32).for_each(|i| reg(&mut x, &format!("zmm{i}h"), 256, "v2ui128"));
        x.push_str("</feature>");
    }
    x.push_str("</target>");
    x
}

fn reg(x: &mut String, name: &str, bits: u32, kind: &str) {
    let _ = write!(x, "<reg name=\"{name}\" bitsize=\"{bits}\" type=\"{kind}\"/>");
}

fn fields(x: &mut String, names: &[(&str, u32)]) {
    for (name, bit) in names {
        let _ = write!(x, "<field name=\"{name}\" start=\"{bit}\" end=\"{bit}\"/>");
    }
    x.push_str("</flags>");
}
