//! Whether what was written is forced to the disk.

use std::fs::File;
use std::io;
use std::path::Path;

/// What a transfer waits for before it calls a file written.
///
/// Without it a power cut, but no crash of a program, may leave a file of the last seconds empty. That is the default nevertheless, as it is with `cp` and the
/// official client: waiting for a disk costs several times the copy itself, and the source is still there. Who removes sources after a transfer wants more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// Nothing: the system writes it out in its own time.
    #[default]
    Never,
    /// The content of the file.
    File,
    /// The content and the name of the file.
    FileAndFolder,
}

impl Fsync {
    /// Forces out what is needed before a file gets its name. Blocks.
    pub(super) fn before_rename(self, file: &File) -> io::Result<()> {
        match self {
            Self::Never => Ok(()),
            Self::File | Self::FileAndFolder => file.sync_all(),
        }
    }

    /// Forces out the name that a file got. Blocks.
    pub(super) fn after_rename(self, path: &Path) -> io::Result<()> {
        match (self, path.parent()) {
            (Self::FileAndFolder, Some(folder)) => sync_folder(folder),
            _ => Ok(()),
        }
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    // The parent of a plain name is empty.
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    File::open(folder)?.sync_all()
}

/// Windows writes names with their files; a folder cannot be opened as a file there.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "other systems may fail")]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
