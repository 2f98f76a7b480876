//! Who works on a transfer.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::JournalError;
use super::store::owner_only;

/// The right to work on one transfer: a lock of the operating system on a file beside the database.
///
/// A process that is gone holds no locks, whatever ended it. Only children that it forked, and that run no other program, hold what it held: while they live the transfer counts
/// as running, and the same call begins anew. A process id would not do, as it is given to other processes and says nothing on another machine.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes the lock of a transfer; returns none if somebody has it, in this process or another.
    pub(super) fn try_acquire(folder: &Path, id: &str) -> Result<Option<Self>, JournalError> {
        let path = folder.join(format!("transfer-{id}.lock"));
        let failed = |source| JournalError::Io {
            path: path.clone(),
            source,
        };
        let file = owner_only()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path, _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Makes the name of a new transfer and takes its lock, before anybody else can know of it.
    pub(super) fn of_new_transfer(folder: &Path) -> Result<(String, Self), JournalError> {
        loop {
            // Short, as users type it.
            let id = format!("{:08x}", Uuid::new_v4().as_fields().0);
            if let Some(lock) = Self::try_acquire(folder, &id)? {
                return Ok((id, lock));
            }
        }
    }

    /// Gives up the lock of a transfer that is no more, and so cannot be taken over by who gets the file just now.
    pub(super) fn release(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), %error, "a lock file could not be removed");
        }
    }
}
