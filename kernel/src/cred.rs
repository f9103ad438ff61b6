//! Who a task is: user and group ids and what they allow. Without capabilities: effective uid 0 may do everything.

use alloc::vec::Vec;

/// The ids of a task (credentials(7)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cred {
    /// Real, effective, saved and filesystem user id.
    pub uid: u32,
    /// See `uid`.
    pub euid: u32,
    /// See `uid`.
    pub suid: u32,
    /// See `uid`.
    pub fsuid: u32,
    /// Real, effective, saved and filesystem group id.
    pub gid: u32,
    /// See `gid`.
    pub egid: u32,
    /// See `gid`.
    pub sgid: u32,
    /// See `gid`.
    pub fsgid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

impl Cred {
    /// All ids the same.
    pub fn new(uid: u32, gid: u32, groups: Vec<u32>) -> Cred {
        Cred { uid, euid: uid, suid: uid, fsuid: uid, gid, egid: gid, sgid: gid, fsgid: gid, groups }
    }

    /// May do what root may.
    pub fn privileged(&self) -> bool {
        self.euid == 0
    }

    /// Whether `gid` is the filesystem group or one of the supplementary ones.
    pub fn in_group(&self, gid: u32) -> bool {
        self.fsgid == gid || self.groups.contains(&gid)
    }

    /// Whether a file of this owner, group and mode allows `want` (4 read, 2 write, 1 execute or search).
    pub fn may(&self, want: u32, mode: u32, uid: u32, gid: u32) -> bool {
        if self.fsuid == 0 {
            let is_dir = mode & 0o170000 == 0o040000;
            return want & 1 == 0 || is_dir || mode & 0o111 != 0;
        }
        let bits = if self.fsuid == uid {
            mode >> 6
        } else if self.in_group(gid) {
            mode >> 3
        } else {
            mode
        };
        bits & want == want
    }
}
