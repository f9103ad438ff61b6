//! Puts a link at `target/PROFILE/llano`, where people look for the binary: building for an explicit target (see
//! `.cargo/config.toml`) places it one directory deeper.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let out = std::env::var("OUT_DIR").unwrap_or_default();
    // OUT_DIR is TARGET_DIR/TRIPLE/PROFILE/build/llano-HASH/out.
    let mut up = Path::new(&out).ancestors().skip(3);
    let (Some(profile), Some(triple), Some(target)) = (up.next(), up.next(), up.next()) else { return };
    let (Some(profile), Some(triple)) = (profile.file_name(), triple.file_name()) else { return };
    let link = target.join(profile).join("llano");
    if std::fs::symlink_metadata(&link).is_ok() {
        return;
    }
    let to = Path::new("..").join(triple).join(profile).join("llano");
    // Only a convenience: where it cannot be made, the binary is still at its own place.
    let _ = std::fs::create_dir_all(target.join(profile));
    let _ = std::os::unix::fs::symlink(to, link);
}
