//! Files: `stat(2)`, `statx(2)`, `statfs(2)`, locks, terminals.

use super::{Count, Shape, layouts, reads, u32_at, writes};
use crate::names::{
    CONTROL_FLAGS, FILE_TYPES, FILESYSTEMS, INPUT_FLAGS, LOCAL_FLAGS, LOCK_TYPES, OPEN_FLAGS, OUTPUT_FLAGS,
    RESOLVE_FLAGS, S_IFBLK, S_IFCHR, S_IFMT, STATFS_FLAGS, STATX_ATTRIBUTES, STATX_MASK, WHENCE, name_of,
};
use crate::syscalls::ArgKind::{
    Dev, Enum, FileMode, Flags, Hex, Inner, Int, List, Long, Mode, Offset, Pid, Ptr, Size, Uint,
};

layouts! {
    "`struct stat`." STAT 144 Part {
        24 4 st_mode = FileMode;
        40 8 st_rdev = Dev => stat_of_device;
        48 8 st_size = Long => stat_of_other;
    }
    "`struct statx`." STATX 256 Part {
        0 4 stx_mask = Flags(&STATX_MASK);
        8 8 stx_attributes = Flags(&STATX_ATTRIBUTES);
        28 2 stx_mode = FileMode;
        40 8 stx_size = Size;
    }
    "`fsid_t`." FSID 8 Whole { 0 8 val = List(4, &Hex); }
    "`struct statfs`." STATFS 120 Whole {
        0 8 f_type = Enum(FILESYSTEMS) => known_filesystem;
        0 8 f_type = Hex => unknown_filesystem;
        8 8 f_bsize = Size;
        16 8 f_blocks = Size;
        24 8 f_bfree = Size;
        32 8 f_bavail = Size;
        40 8 f_files = Size;
        48 8 f_ffree = Size;
        56 8 f_fsid = Inner(&FSID);
        64 8 f_namelen = Size;
        72 8 f_frsize = Size;
        80 8 f_flags = Flags(&STATFS_FLAGS);
    }
    "`struct flock` of a request." FLOCK 32 Whole {
        0 2 l_type = Enum(LOCK_TYPES);
        2 2 l_whence = Enum(WHENCE);
        8 8 l_start = Offset;
        16 8 l_len = Offset;
    }
    "`struct flock` of `F_GETLK`, which answers." FLOCK_HOLDER 32 Whole {
        0 2 l_type = Enum(LOCK_TYPES);
        2 2 l_whence = Enum(WHENCE);
        8 8 l_start = Offset;
        16 8 l_len = Offset;
        24 4 l_pid = Pid;
    }
    "`struct open_how`." OPEN_HOW 24 Whole {
        0 8 flags = Flags(&OPEN_FLAGS);
        8 8 mode = Mode => has_mode;
        16 8 resolve = Flags(&RESOLVE_FLAGS);
    }
    "A buffer that is written from." IOVEC_IN 16 Whole {
        0 8 iov_base = reads(Shape::Bytes(Count::Field(8)));
        8 8 iov_len = Size;
    }
    "A buffer that is read into." IOVEC_OUT 16 Whole {
        0 8 iov_base = writes(Shape::Bytes(Count::Field(8)));
        8 8 iov_len = Size;
    }
    "A range of addresses." IOVEC_RANGE 16 Whole { 0 8 iov_base = Ptr; 8 8 iov_len = Size; }
    "A position in a file." POSITION 8 Bare { 0 8 position = Offset; }
    "`struct termios` of the kernel." TERMIOS 36 Part {
        0 4 c_iflag = Flags(&INPUT_FLAGS);
        4 4 c_oflag = Flags(&OUTPUT_FLAGS);
        8 4 c_cflag = Flags(&CONTROL_FLAGS);
        12 4 c_lflag = Flags(&LOCAL_FLAGS);
    }
    "`struct winsize`." WINSIZE 8 Whole {
        0 2 ws_row = Uint;
        2 2 ws_col = Uint;
        4 2 ws_xpixel = Uint;
        6 2 ws_ypixel = Uint;
    }
    "An `int`." INT 4 Bare { 0 4 value = Int; }
}

fn stat_of_device(stat: &[u8]) -> bool {
    [S_IFCHR, S_IFBLK].contains(&(u32_at(stat, 24) & S_IFMT))
}

fn stat_of_other(stat: &[u8]) -> bool {
    !stat_of_device(stat) && name_of(FILE_TYPES, u32_at(stat, 24) & S_IFMT).is_some()
}

fn known_filesystem(fs: &[u8]) -> bool {
    name_of(FILESYSTEMS, u32_at(fs, 0)).is_some()
}

fn unknown_filesystem(fs: &[u8]) -> bool {
    !known_filesystem(fs)
}

fn has_mode(how: &[u8]) -> bool {
    u32_at(how, 8) != 0 || u32_at(how, 0) & crate::names::O_CREAT != 0
}
