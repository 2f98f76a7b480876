//! Files that share their blocks until one of them is changed: a copy that takes no time and no space, where the file system can do it.

use std::fs::File;

/// Makes the empty file `target` a copy of `source`, or returns whether that was not possible; then `target` is still empty.
///
/// Btrfs, XFS, bcachefs, overlays on them and NFS 4.2 can, within one file system.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn reflink(source: &File, target: &File) -> bool {
    rustix::fs::ioctl_ficlone(target, source).is_ok()
}

/// Elsewhere clones are made of paths and take modes and times along, which copies do not have here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn reflink(_source: &File, _target: &File) -> bool {
    false
}
