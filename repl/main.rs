//! The llano binary.
fn main() {}
