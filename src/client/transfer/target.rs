//! Files that appear under their name only when they are complete.
//!
//! Until then they have a hidden name beside it, which follows from the name of the target: whoever is killed leaves one file for each target at most, and the
//! next to write that target finds it. A lock tells a file that somebody writes from one that was left.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::source::inode;
use super::{Fsync, TransferError};
use crate::checksum::Digest;

/// What becomes of a file that has the name of a target when another one gets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced.
    #[default]
    Replaced,
    /// It stays, and the transfer fails, also if it was not there when the transfer began.
    Kept,
}

/// A file under a temporary name beside its target; removed when dropped, unless it was [published](PendingFile::publish).
#[derive(Debug)]
pub(super) struct PendingFile {
    target: PathBuf,
    temporary: PathBuf,
    published: bool,
}

impl PendingFile {
    /// Makes an empty file in the folder of `target`. Blocks.
    pub(super) fn create(target: &Path) -> Result<(Self, File), TransferError> {
        let named = temporary(target, &of_name(target));
        let file = match create_locked(&named) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                drop(abandoned(&named).map(|_left| fs::remove_file(&named)));
                create_locked(&named)
            }
            created => created,
        };
        let (temporary, file) = match file {
            Ok(Some(file)) => (named, file),
            // Somebody else writes the same target at this moment; who is last wins, as with any two who write one file.
            Ok(None) => Self::unique(target)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::unique(target)?,
            Err(error) => return Err(TransferError::writing(target, error)),
        };
        Ok((Self::new(target, temporary), file))
    }

    /// Opens the file that a process left which was killed while it wrote `target`, or makes an empty one. Blocks.
    pub(super) fn resume(target: &Path) -> Result<(Self, File), TransferError> {
        let named = temporary(target, &of_name(target));
        match abandoned(&named) {
            Some(left) => Ok((Self::new(target, named), left)),
            None => Self::create(target),
        }
    }

    fn new(target: &Path, temporary: PathBuf) -> Self {
        Self {
            target: target.to_owned(),
            temporary,
            published: false,
        }
    }

    fn unique(target: &Path) -> Result<(PathBuf, File), TransferError> {
        let path = temporary(target, &Uuid::new_v4().simple());
        let file = create_new(&path).map_err(|error| TransferError::writing(target, error))?;
        Ok((path, file))
    }

    /// Returns where the file is now.
    pub(super) fn path(&self) -> &Path {
        &self.temporary
    }

    /// Gives the file its name. Blocks.
    pub(super) fn publish(
        mut self,
        file: &File,
        fsync: Fsync,
        existing: Existing,
    ) -> Result<(), TransferError> {
        let published = fsync.before_rename(file).and_then(|()| match existing {
            Existing::Replaced => fs::rename(&self.temporary, &self.target),
            Existing::Kept => self.rename_new(file),
        });
        self.published = published.is_ok();
        published
            .and_then(|()| fsync.after_rename(&self.target))
            .map_err(|error| TransferError::writing(&self.target, error))
    }

    /// Renames unless there is a file of that name.
    fn rename_new(&self, file: &File) -> io::Result<()> {
        let (from, to) = (&self.temporary, &self.target);
        for rename in [rename_exclusively, link_and_remove] {
            match rename(from, to) {
                // A network drive may have done it, and have asked itself again.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !is_at(to, file) => {
                    return Err(error);
                }
                // Either way is unknown to some systems.
                Err(_) if !is_at(to, file) => {}
                _ => return Ok(()),
            }
        }
        if fs::symlink_metadata(to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(from, to)
    }
}

#[cfg(target_os = "linux")]
fn rename_exclusively(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

#[cfg(not(target_os = "linux"))]
fn rename_exclusively(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn link_and_remove(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if !self.published
            && let Err(error) = fs::remove_file(&self.temporary)
        {
            tracing::warn!(file = %self.temporary.display(), %error, "a temporary file could not be removed");
        }
    }
}

/// Returns a name that fits every file system, whatever that of the target is, and that listings do not show.
pub(super) fn temporary(target: &Path, id: &dyn std::fmt::Display) -> PathBuf {
    target.with_file_name(format!(".ftrack-rs-{id}.part"))
}

/// Returns what is always the same for the name of a target.
pub(super) fn of_name(target: &Path) -> impl std::fmt::Display + use<> {
    let name = target.file_name().unwrap_or_default();
    Digest::of(name.as_encoded_bytes())
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
}

/// Makes a file and marks it as being written; `None` if somebody took it for an abandoned one in between.
fn create_locked(path: &Path) -> io::Result<Option<File>> {
    let file = create_new(path)?;
    let is_taken = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
    Ok((!is_taken && is_at(path, &file)).then_some(file))
}

/// Opens a file that nobody writes. Where nothing can be locked, or files cannot be told apart, none is.
fn abandoned(path: &Path) -> Option<File> {
    let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
    file.try_lock().ok()?;
    // It may have got its final name just before the lock; and through a link nothing is written.
    (is_at(path, &file) && inode(&file.metadata().ok()?).is_some()).then_some(file)
}

/// Returns whether the path still leads to the open file, and not through a link.
fn is_at(path: &Path, file: &File) -> bool {
    let identities = file
        .metadata()
        .and_then(|open| Ok((inode(&open), inode(&fs::symlink_metadata(path)?))));
    identities.is_ok_and(|(open, named)| open == named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn two_who_write_one_target_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let (first, mut one) = PendingFile::create(&target).unwrap();
        let (second, mut two) = PendingFile::resume(&target).unwrap();
        one.write_all(b"one").unwrap();
        two.write_all(b"two").unwrap();
        let replaced = Existing::Replaced;
        first.publish(&one, Fsync::Never, replaced).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"one");
        second
            .publish(&two, Fsync::FileAndFolder, replaced)
            .unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"two");
        assert_eq!(names(folder.path()), 1);
    }

    #[test]
    fn what_appeared_meanwhile_may_have_to_stay() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let publish = || {
            let (pending, file) = PendingFile::create(&target)?;
            pending.publish(&file, Fsync::Never, Existing::Kept)
        };
        publish().unwrap();
        fs::write(&target, b"precious").unwrap();
        let error = publish().unwrap_err();
        let (reason, path) = error.refused_by_system().unwrap();
        assert_eq!((reason, path), (io::ErrorKind::AlreadyExists, &*target));
        assert_eq!(fs::read(&target).unwrap(), b"precious");
        assert_eq!(names(folder.path()), 1);
    }

    #[test]
    fn links_keep_what_is_there_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&from, b"new").unwrap();
        link_and_remove(&from, &to).unwrap();
        assert_eq!(names(folder.path()), 1);
        fs::write(&from, b"newer").unwrap();
        let error = link_and_remove(&from, &to).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).unwrap(), b"new");
    }

    #[test]
    fn what_was_left_is_found_or_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let left = temporary(&target, &of_name(&target));
        fs::write(&left, b"left").unwrap();
        let mut content = String::new();
        let (pending, mut file) = PendingFile::resume(&target).unwrap();
        file.read_to_string(&mut content).unwrap();
        assert_eq!((content.as_str(), pending.path()), ("left", left.as_path()));
        std::mem::forget(pending);
        drop(file);
        let (pending, file) = PendingFile::create(&target).unwrap();
        assert_eq!(
            (file.metadata().unwrap().len(), pending.path()),
            (0, left.as_path())
        );
        drop(pending);
        assert_eq!(names(folder.path()), 0);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (target, other) = (folder.path().join("a"), folder.path().join("other"));
        fs::write(&other, b"precious").unwrap();
        std::os::unix::fs::symlink(&other, temporary(&target, &of_name(&target))).unwrap();
        let (pending, mut file) = PendingFile::resume(&target).unwrap();
        file.write_all(b"new").unwrap();
        pending
            .publish(&file, Fsync::Never, Existing::Kept)
            .unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"precious");
    }
}
