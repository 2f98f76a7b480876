//! Telling whether a file is still the one it was.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::FileState;

/// What changes when somebody writes to a file or replaces it, in a form that outlives the process.
///
/// The device is not part of it: its number may be another one after a restart of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint {
    /// Size in bytes.
    pub(super) size: i64,
    /// Time of the last change, in nanoseconds since 1970; 0 where the system does not tell.
    pub(super) modified: i64,
    /// Number of the file in its file system; 0 where there is none.
    pub(super) inode: i64,
}

impl Fingerprint {
    /// Returns the fingerprint that the file has now. Blocks.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self::new(
            metadata.len(),
            metadata.modified().ok(),
            inode(&metadata),
        ))
    }

    fn new(size: u64, modified: Option<SystemTime>, inode: u64) -> Self {
        let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self {
            size: size.cast_signed(),
            modified: modified
                .and_then(|since| i64::try_from(since.as_nanos()).ok())
                .unwrap_or(0),
            inode: inode.cast_signed(),
        }
    }
}

impl From<&FileState<'_>> for Fingerprint {
    fn from(file: &FileState<'_>) -> Self {
        let inode = file.inode.map_or(0, |(_device, inode)| inode);
        Self::new(file.size, file.modified, inode)
    }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    metadata.ino()
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> u64 {
    0
}
