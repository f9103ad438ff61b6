//! Structures of file calls on x86-64: `stat(2)`, `statx(2)`, `statfs(2)`, `getdents64(2)`, `fcntl(2)` locks,
//! `openat2(2)`. Sources: the man pages, `asm/stat.h`, `linux/stat.h`, `asm-generic/statfs.h`.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Declares structures that are copied to and from guest memory byte for byte, and checks their size.
macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident, $size:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {
        $(
            $(#[$doc])*
            #[repr(C)]
            #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $type,)*
            }
            const _: () = assert!(size_of::<$name>() == $size);
        )*
    };
}

plain! {
    /// `struct stat`.
    Stat, 144 {
        /// Device the file is on.
        st_dev: u64,
        /// Inode number.
        st_ino: u64,
        /// Hard links.
        st_nlink: u64,
        /// Type and permissions.
        st_mode: u32,
        /// Owner.
        st_uid: u32,
        /// Group.
        st_gid: u32,
        /// Unused.
        pad0: u32,
        /// Number of a device file.
        st_rdev: u64,
        /// Bytes.
        st_size: i64,
        /// Preferred transfer size.
        st_blksize: i64,
        /// Blocks of 512 bytes.
        st_blocks: i64,
        /// Last access: seconds, nanoseconds.
        st_atime: [i64; 2],
        /// Last change of the contents.
        st_mtime: [i64; 2],
        /// Last change of the inode.
        st_ctime: [i64; 2],
        /// Unused.
        unused: [i64; 3],
    }

    /// `struct statx_timestamp`.
    StatxTime, 16 {
        /// Seconds since 1970.
        tv_sec: i64,
        /// Nanoseconds.
        tv_nsec: u32,
        /// Unused.
        pad: i32,
    }

    /// `struct statx`.
    Statx, 256 {
        /// Which fields are filled in (`STATX_*`).
        stx_mask: u32,
        /// Preferred transfer size.
        stx_blksize: u32,
        /// Attributes of the file (`STATX_ATTR_*`).
        stx_attributes: u64,
        /// Hard links.
        stx_nlink: u32,
        /// Owner.
        stx_uid: u32,
        /// Group.
        stx_gid: u32,
        /// Type and permissions.
        stx_mode: u16,
        /// Unused.
        pad0: u16,
        /// Inode number.
        stx_ino: u64,
        /// Bytes.
        stx_size: u64,
        /// Blocks of 512 bytes.
        stx_blocks: u64,
        /// Which attributes the filesystem knows.
        stx_attributes_mask: u64,
        /// Last access.
        stx_atime: StatxTime,
        /// Creation.
        stx_btime: StatxTime,
        /// Last change of the inode.
        stx_ctime: StatxTime,
        /// Last change of the contents.
        stx_mtime: StatxTime,
        /// Number of a device file.
        stx_rdev_major: u32,
        /// See `stx_rdev_major`.
        stx_rdev_minor: u32,
        /// Device the file is on.
        stx_dev_major: u32,
        /// See `stx_dev_major`.
        stx_dev_minor: u32,
        /// Number of the mount.
        stx_mnt_id: u64,
        /// Alignment of memory and of offsets for direct I/O.
        stx_dio_align: [u32; 2],
        /// Unused.
        spare: [u64; 12],
    }

    /// `struct statfs`.
    StatFs, 120 {
        /// Magic number of the filesystem's type.
        f_type: i64,
        /// Block size.
        f_bsize: i64,
        /// Blocks in all.
        f_blocks: u64,
        /// Free blocks.
        f_bfree: u64,
        /// Blocks that users may take.
        f_bavail: u64,
        /// Inodes in all.
        f_files: u64,
        /// Free inodes.
        f_ffree: u64,
        /// Filesystem id.
        f_fsid: [i32; 2],
        /// Longest name.
        f_namelen: i64,
        /// Fragment size.
        f_frsize: i64,
        /// Mount flags (`ST_*`).
        f_flags: i64,
        /// Unused.
        spare: [i64; 4],
    }

    /// `struct flock`, for `F_SETLK` and kin.
    Flock, 32 {
        /// `F_RDLCK` 0, `F_WRLCK` 1, `F_UNLCK` 2.
        l_type: i16,
        /// What `l_start` counts from (`SEEK_*`).
        l_whence: i16,
        /// Unused.
        pad0: i32,
        /// First byte.
        l_start: i64,
        /// Bytes; 0: to the end of the file, however far it grows; negative: those before `l_start`.
        l_len: i64,
        /// Who holds the lock that is in the way; -1 for an open file description.
        l_pid: i32,
        /// Unused.
        pad1: i32,
    }

    /// `struct open_how` of `openat2(2)`.
    OpenHow, 24 {
        /// `O_*`.
        flags: u64,
        /// Permissions of a new file.
        mode: u64,
        /// `RESOLVE_*`.
        resolve: u64,
    }

    /// `struct f_owner_ex` of `F_SETOWN_EX`.
    OwnerEx, 8 {
        /// `F_OWNER_TID` 0, `F_OWNER_PID` 1, `F_OWNER_PGRP` 2.
        kind: i32,
        /// The number.
        pid: i32,
    }

    /// `struct utimbuf` of `utime(2)`: seconds.
    Utimbuf, 16 {
        /// Access time.
        actime: i64,
        /// Modification time.
        modtime: i64,
    }
}

/// Bytes before the name in `struct linux_dirent64`.
pub const DIRENT64_HEADER: usize = 19;

/// Writes one `struct linux_dirent64` into `buf`, NUL and padding included; returns its length, or `None` if it does
/// not fit.
pub fn dirent64(buf: &mut [u8], ino: u64, off: i64, kind: u8, name: &[u8]) -> Option<usize> {
    let len = (DIRENT64_HEADER + name.len() + 1).next_multiple_of(8);
    let out = buf.get_mut(..len)?;
    out.fill(0);
    out[..8].copy_from_slice(&ino.to_le_bytes());
    out[8..16].copy_from_slice(&off.to_le_bytes());
    out[16..18].copy_from_slice(&(len as u16).to_le_bytes());
    out[18] = kind;
    out[DIRENT64_HEADER..DIRENT64_HEADER + name.len()].copy_from_slice(name);
    Some(len)
}

/// Writes one `struct linux_dirent` (`getdents(2)`): the type stands in the record's last byte.
pub fn dirent(buf: &mut [u8], ino: u64, off: i64, kind: u8, name: &[u8]) -> Option<usize> {
    let len = (18 + name.len() + 2).next_multiple_of(8);
    let out = buf.get_mut(..len)?;
    out.fill(0);
    out[..8].copy_from_slice(&ino.to_le_bytes());
    out[8..16].copy_from_slice(&off.to_le_bytes());
    out[16..18].copy_from_slice(&(len as u16).to_le_bytes());
    out[18..18 + name.len()].copy_from_slice(name);
    out[len - 1] = kind;
    Some(len)
}

/// `makedev(3)` as `struct stat` encodes it.
pub const fn makedev(major: u32, minor: u32) -> u64 {
    let (major, minor) = (major as u64, minor as u64);
    minor & 0xff | (major & 0xfff) << 8 | (minor & !0xff) << 12 | (major & !0xfff) << 32
}

/// The major number of a device (`major(3)`).
pub const fn major(dev: u64) -> u32 {
    (dev >> 8 & 0xfff | dev >> 32 & !0xfff) as u32
}

/// The minor number of a device (`minor(3)`).
pub const fn minor(dev: u64) -> u32 {
    (dev & 0xff | dev >> 12 & 0xffff_ff00) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_numbers_go_both_ways() {
        // As gnu_dev_makedev gives them.
        assert_eq!(makedev(8, 1), 0x801);
        assert_eq!(makedev(0, 0x12345), 0x1230_0045);
        for (major_number, minor_number) in [(1, 3), (0, 0x12345), (0xabc, 0xf_ffff)] {
            let dev = makedev(major_number, minor_number);
            assert_eq!((major(dev), minor(dev)), (major_number, minor_number));
        }
    }

    #[test]
    fn directory_records_are_laid_out_as_linux_does() {
        let mut buf = [0xff; 32];
        assert_eq!(dirent64(&mut buf, 7, 2, 4, b"name"), Some(24));
        assert_eq!(&buf[16..24], b"\x18\0\x04name\0");
        assert_eq!(dirent64(&mut buf[..23], 7, 2, 4, b"name"), None);
        assert_eq!(dirent(&mut buf, 7, 2, 4, b"name"), Some(24));
        assert_eq!(&buf[16..24], b"\x18\0name\0\x04");
    }
}
