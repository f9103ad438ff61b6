//! Files, directories and descriptors: `open(2)`, `fcntl(2)`, `statx(2)`, `mount(2)`.

use super::{BitField, FlagSet, Name};

names! {
    /// Access mode of `open(2)`: the two bits of `O_ACCMODE`.
    OPEN_MODES {
        O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_ACCMODE = 3,
    }

    /// Creation and status bits of `open(2)`; those of several bits stand first.
    OPEN_BITS {
        O_SYNC = 0o4010000, O_TMPFILE = 0o20200000, O_CREAT = 0o100, O_EXCL = 0o200,
        O_NOCTTY = 0o400, O_TRUNC = 0o1000, O_APPEND = 0o2000, O_NONBLOCK = 0o4000,
        O_DSYNC = 0o10000, O_ASYNC = 0o20000, O_DIRECT = 0o40000, O_LARGEFILE = 0o100000,
        O_NOFOLLOW = 0o400000, O_NOATIME = 0o1000000, O_CLOEXEC = 0o2000000, O_PATH = 0o10000000,
        O_DIRECTORY = 0o200000,
    }

    /// `resolve` of `openat2(2)`.
    OPEN2_RESOLVE {
        RESOLVE_NO_XDEV = 1, RESOLVE_NO_MAGICLINKS = 2, RESOLVE_NO_SYMLINKS = 4,
        RESOLVE_BENEATH = 8, RESOLVE_IN_ROOT = 0x10, RESOLVE_CACHED = 0x20,
    }

    /// Flags of the `*at` calls. `AT_REMOVEDIR` shares its bit with `AT_EACCESS`.
    AT_BITS {
        AT_SYMLINK_NOFOLLOW = 0x100, AT_SYMLINK_FOLLOW = 0x400, AT_NO_AUTOMOUNT = 0x800,
        AT_EMPTY_PATH = 0x1000, AT_RECURSIVE = 0x8000,
    }

    /// How `statx(2)` may answer from what is known.
    STATX_SYNC {
        AT_STATX_SYNC_AS_STAT = 0, AT_STATX_FORCE_SYNC = 0x2000, AT_STATX_DONT_SYNC = 0x4000,
    }

    /// Flag of `unlinkat(2)` alone.
    UNLINK_BITS {
        AT_REMOVEDIR = 0x200,
    }

    /// Modes of `access(2)`.
    ACCESS_BITS {
        R_OK = 4, W_OK = 2, X_OK = 1,
    }

    /// Flags of `faccessat2(2)`.
    FACCESS_BITS {
        AT_EACCESS = 0x200,
    }

    /// `whence` of `lseek(2)`.
    WHENCE {
        SEEK_SET = 0, SEEK_CUR = 1, SEEK_END = 2, SEEK_DATA = 3, SEEK_HOLE = 4,
    }

    /// Commands of `fcntl(2)`.
    FCNTL {
        F_DUPFD = 0, F_GETFD = 1, F_SETFD = 2, F_GETFL = 3, F_SETFL = 4, F_GETLK = 5, F_SETLK = 6,
        F_SETLKW = 7, F_SETOWN = 8, F_GETOWN = 9, F_SETSIG = 10, F_GETSIG = 11, F_SETOWN_EX = 15,
        F_GETOWN_EX = 16, F_OFD_GETLK = 36, F_OFD_SETLK = 37, F_OFD_SETLKW = 38, F_SETLEASE = 1024,
        F_GETLEASE = 1025, F_NOTIFY = 1026, F_DUPFD_QUERY = 1027, F_CREATED_QUERY = 1028,
        F_DUPFD_CLOEXEC = 1030, F_SETPIPE_SZ = 1031, F_GETPIPE_SZ = 1032, F_ADD_SEALS = 1033,
        F_GET_SEALS = 1034, F_GET_RW_HINT = 1035, F_SET_RW_HINT = 1036, F_GET_FILE_RW_HINT = 1037,
        F_SET_FILE_RW_HINT = 1038,
    }

    /// Seals of `F_ADD_SEALS`.
    SEAL_BITS {
        F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8,
        F_SEAL_FUTURE_WRITE = 0x10, F_SEAL_EXEC = 0x20,
    }

    /// Flags of `F_SETFD`.
    FD_BITS {
        FD_CLOEXEC = 1,
    }

    /// Operations of `flock(2)`.
    LOCK_BITS {
        LOCK_SH = 1, LOCK_EX = 2, LOCK_UN = 8, LOCK_NB = 4,
    }

    /// Modes of `fallocate(2)`.
    FALLOCATE_BITS {
        FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2, FALLOC_FL_NO_HIDE_STALE = 4,
        FALLOC_FL_COLLAPSE_RANGE = 8, FALLOC_FL_ZERO_RANGE = 0x10, FALLOC_FL_INSERT_RANGE = 0x20,
        FALLOC_FL_UNSHARE_RANGE = 0x40, FALLOC_FL_WRITE_ZEROES = 0x80,
    }

    /// Advice of `posix_fadvise(2)`.
    FADVISE {
        POSIX_FADV_NORMAL = 0, POSIX_FADV_RANDOM = 1, POSIX_FADV_SEQUENTIAL = 2,
        POSIX_FADV_WILLNEED = 3, POSIX_FADV_DONTNEED = 4, POSIX_FADV_NOREUSE = 5,
    }

    /// Flags of `renameat2(2)`.
    RENAME_BITS {
        RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2, RENAME_WHITEOUT = 4,
    }

    /// Mask of `statx(2)`; those of several bits stand first.
    STATX_BITS {
        STATX_BASIC_STATS = 0x7ff, STATX_TYPE = 1, STATX_MODE = 2, STATX_NLINK = 4, STATX_UID = 8,
        STATX_GID = 0x10, STATX_ATIME = 0x20, STATX_MTIME = 0x40, STATX_CTIME = 0x80,
        STATX_INO = 0x100, STATX_SIZE = 0x200, STATX_BLOCKS = 0x400, STATX_BTIME = 0x800,
        STATX_MNT_ID = 0x1000, STATX_DIOALIGN = 0x2000, STATX_MNT_ID_UNIQUE = 0x4000,
        STATX_SUBVOL = 0x8000,
    }

    /// Flags of `preadv2(2)`.
    RWF_BITS {
        RWF_HIPRI = 1, RWF_DSYNC = 2, RWF_SYNC = 4, RWF_NOWAIT = 8, RWF_APPEND = 0x10,
        RWF_NOAPPEND = 0x20, RWF_ATOMIC = 0x40, RWF_DONTCACHE = 0x80,
    }

    /// Flags of `splice(2)`.
    SPLICE_BITS {
        SPLICE_F_MOVE = 1, SPLICE_F_NONBLOCK = 2, SPLICE_F_MORE = 4, SPLICE_F_GIFT = 8,
    }

    /// Flags of `sync_file_range(2)`.
    SYNC_RANGE_BITS {
        SYNC_FILE_RANGE_WAIT_BEFORE = 1, SYNC_FILE_RANGE_WRITE = 2, SYNC_FILE_RANGE_WAIT_AFTER = 4,
    }

    /// Flags of `setxattr(2)`.
    XATTR_BITS {
        XATTR_CREATE = 1, XATTR_REPLACE = 2,
    }

    /// Flags of `close_range(2)`.
    CLOSE_RANGE_BITS {
        CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4,
    }

    /// Flags of `memfd_create(2)`.
    MEMFD_BITS {
        MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_HUGETLB = 4, MFD_NOEXEC_SEAL = 8,
        MFD_EXEC = 0x10,
    }

    /// Flags of `inotify_init1(2)`.
    INOTIFY_INIT_BITS {
        IN_NONBLOCK = 0o4000, IN_CLOEXEC = 0o2000000,
    }

    /// Events and options of `inotify(7)`.
    INOTIFY_BITS {
        IN_ACCESS = 1, IN_MODIFY = 2, IN_ATTRIB = 4, IN_CLOSE_WRITE = 8, IN_CLOSE_NOWRITE = 0x10,
        IN_OPEN = 0x20, IN_MOVED_FROM = 0x40, IN_MOVED_TO = 0x80, IN_CREATE = 0x100,
        IN_DELETE = 0x200, IN_DELETE_SELF = 0x400, IN_MOVE_SELF = 0x800, IN_UNMOUNT = 0x2000,
        IN_Q_OVERFLOW = 0x4000, IN_IGNORED = 0x8000, IN_ONLYDIR = 0x1000000,
        IN_DONT_FOLLOW = 0x2000000, IN_EXCL_UNLINK = 0x4000000, IN_MASK_CREATE = 0x10000000,
        IN_MASK_ADD = 0x20000000, IN_ISDIR = 0x40000000, IN_ONESHOT = 0x80000000,
    }

    /// Flags of `mount(2)`.
    MOUNT_BITS {
        MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_SYNCHRONOUS = 0x10,
        MS_REMOUNT = 0x20, MS_MANDLOCK = 0x40, MS_DIRSYNC = 0x80, MS_NOATIME = 0x400,
        MS_NODIRATIME = 0x800, MS_BIND = 0x1000, MS_MOVE = 0x2000, MS_REC = 0x4000,
        MS_SILENT = 0x8000, MS_POSIXACL = 0x10000, MS_UNBINDABLE = 0x20000, MS_PRIVATE = 0x40000,
        MS_SLAVE = 0x80000, MS_SHARED = 0x100000, MS_RELATIME = 0x200000,
        MS_STRICTATIME = 0x1000000, MS_LAZYTIME = 0x2000000,
    }

    /// Flags of `umount2(2)`.
    UMOUNT_BITS {
        MNT_FORCE = 1, MNT_DETACH = 2, MNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8,
    }

    /// File type bits of `st_mode`.
    FILE_TYPES {
        S_IFREG = 0o100000, S_IFDIR = 0o40000, S_IFLNK = 0o120000, S_IFCHR = 0o20000,
        S_IFBLK = 0o60000, S_IFIFO = 0o10000, S_IFSOCK = 0o140000, S_IFMT = 0o170000,
    }

    /// The other bits of `st_mode` that have names.
    MODE_BITS {
        S_ISUID = 0o4000, S_ISGID = 0o2000, S_ISVTX = 0o1000,
    }

    /// Kinds of locks of `fcntl(2)`.
    LOCK_TYPES {
        F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2,
    }

    /// `stx_attributes` of `statx(2)`.
    STATX_ATTRIBUTE_BITS {
        STATX_ATTR_COMPRESSED = 4, STATX_ATTR_IMMUTABLE = 0x10, STATX_ATTR_APPEND = 0x20,
        STATX_ATTR_NODUMP = 0x40, STATX_ATTR_ENCRYPTED = 0x800, STATX_ATTR_AUTOMOUNT = 0x1000,
        STATX_ATTR_MOUNT_ROOT = 0x2000, STATX_ATTR_VERITY = 0x100000, STATX_ATTR_DAX = 0x200000,
    }

    /// `f_type` of `statfs(2)`.
    FILESYSTEMS {
        PROC_SUPER_MAGIC = 0x9fa0, TMPFS_MAGIC = 0x1021994, EXT2_SUPER_MAGIC = 0xef53,
        OVERLAYFS_SUPER_MAGIC = 0x794c7630, SYSFS_MAGIC = 0x62656572, DEVPTS_SUPER_MAGIC = 0x1cd1,
        XFS_SUPER_MAGIC = 0x58465342, BTRFS_SUPER_MAGIC = 0x9123683e, RAMFS_MAGIC = 0x858458f6,
        NFS_SUPER_MAGIC = 0x6969, FUSE_SUPER_MAGIC = 0x65735546, SQUASHFS_MAGIC = 0x73717368,
        PIPEFS_MAGIC = 0x50495045, SOCKFS_MAGIC = 0x534f434b, ANON_INODE_FS_MAGIC = 0x9041934,
        V9FS_MAGIC = 0x1021997, CGROUP2_SUPER_MAGIC = 0x63677270,
    }

    /// `f_flags` of `statfs(2)`.
    STATFS_BITS {
        ST_VALID = 0x20, ST_RDONLY = 1, ST_NOSUID = 2, ST_NODEV = 4, ST_NOEXEC = 8,
        ST_SYNCHRONOUS = 0x10, ST_MANDLOCK = 0x40, ST_NOATIME = 0x400, ST_NODIRATIME = 0x800,
        ST_RELATIME = 0x1000, ST_NOSYMFOLLOW = 0x2000,
    }
}

/// Flags of `faccessat2(2)`: its own bit and those of the other `*at` calls.
pub static FACCESS_AT_BITS: &[Name] = &[
    (AT_EACCESS, "AT_EACCESS"),
    (AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"),
    (AT_EMPTY_PATH, "AT_EMPTY_PATH"),
];

/// Flags of `open(2)`, also of `pipe2(2)` and `F_SETFL`.
pub static OPEN_FLAGS: FlagSet =
    FlagSet::with_fields(OPEN_BITS, &[BitField { mask: O_ACCMODE, values: OPEN_MODES }]);

/// Flags of `pipe2(2)`, `dup3(2)`, `eventfd2(2)`: open bits without an access mode.
pub static FD_FLAGS: FlagSet = FlagSet::bits(OPEN_BITS);

/// Flags of `newfstatat(2)`, `statx(2)`, `linkat(2)`, `execveat(2)` and kin.
pub static AT_FLAGS: FlagSet = FlagSet::bits(AT_BITS);

/// Flags of `statx(2)`.
pub static STATX_AT_FLAGS: FlagSet =
    FlagSet::with_fields(AT_BITS, &[BitField { mask: 0x6000, values: STATX_SYNC }]);

/// `stx_attributes` of `statx(2)`.
pub static STATX_ATTRIBUTES: FlagSet = FlagSet::bits(STATX_ATTRIBUTE_BITS);

/// `f_flags` of `statfs(2)`.
pub static STATFS_FLAGS: FlagSet = FlagSet::bits(STATFS_BITS);

/// `resolve` of `openat2(2)`.
pub static RESOLVE_FLAGS: FlagSet = FlagSet::bits(OPEN2_RESOLVE);

/// Flags of `unlinkat(2)`.
pub static UNLINK_FLAGS: FlagSet = FlagSet::bits(UNLINK_BITS);

/// Modes of `access(2)`; 0 is `F_OK`.
pub static ACCESS_MODES: FlagSet = FlagSet::or_zero(ACCESS_BITS, "F_OK");

/// Flags of `faccessat2(2)`.
pub static FACCESS_FLAGS: FlagSet = FlagSet::bits(FACCESS_AT_BITS);

/// Flags of `F_SETFD`.
pub static SETFD_FLAGS: FlagSet = FlagSet::bits(FD_BITS);

/// Seals of `F_ADD_SEALS`.
pub static SEALS: FlagSet = FlagSet::bits(SEAL_BITS);

/// Operations of `flock(2)`.
pub static LOCK_FLAGS: FlagSet = FlagSet::bits(LOCK_BITS);

/// Modes of `fallocate(2)`.
pub static FALLOCATE_FLAGS: FlagSet = FlagSet::bits(FALLOCATE_BITS);

/// Flags of `renameat2(2)`.
pub static RENAME_FLAGS: FlagSet = FlagSet::bits(RENAME_BITS);

/// Mask of `statx(2)`.
pub static STATX_MASK: FlagSet = FlagSet::bits(STATX_BITS);

/// Flags of `preadv2(2)` and `pwritev2(2)`.
pub static RWF_FLAGS: FlagSet = FlagSet::bits(RWF_BITS);

/// Flags of `splice(2)`, `tee(2)`, `vmsplice(2)`.
pub static SPLICE_FLAGS: FlagSet = FlagSet::bits(SPLICE_BITS);

/// Flags of `sync_file_range(2)`.
pub static SYNC_RANGE_FLAGS: FlagSet = FlagSet::bits(SYNC_RANGE_BITS);

/// Flags of `setxattr(2)`.
pub static XATTR_FLAGS: FlagSet = FlagSet::bits(XATTR_BITS);

/// Flags of `close_range(2)`.
pub static CLOSE_RANGE_FLAGS: FlagSet = FlagSet::bits(CLOSE_RANGE_BITS);

/// Flags of `memfd_create(2)`.
pub static MEMFD_FLAGS: FlagSet = FlagSet::bits(MEMFD_BITS);

/// Flags of `inotify_init1(2)`.
pub static INOTIFY_FLAGS: FlagSet = FlagSet::bits(INOTIFY_INIT_BITS);

/// Mask of `inotify_add_watch(2)`.
pub static INOTIFY_MASK: FlagSet = FlagSet::bits(INOTIFY_BITS);

/// Flags of `mount(2)`.
pub static MOUNT_FLAGS: FlagSet = FlagSet::bits(MOUNT_BITS);

/// Flags of `umount2(2)`.
pub static UMOUNT_FLAGS: FlagSet = FlagSet::bits(UMOUNT_BITS);
