//! Files that appear under their name only when they are complete.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::TransferError;

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
        // Short and hidden: a name made of the target's could become too long, and a listing of the folder should not show it.
        let temporary =
            target.with_file_name(format!(".ftrack-rs-{}.part", Uuid::new_v4().simple()));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary);
        let file = file.map_err(|error| TransferError::writing(target, error))?;
        Ok((
            Self {
                target: target.to_owned(),
                temporary,
                published: false,
            },
            file,
        ))
    }

    /// Gives the file its name, in place of a file that has it already. Blocks.
    pub(super) fn publish(mut self) -> Result<(), TransferError> {
        fs::rename(&self.temporary, &self.target)
            .map_err(|error| TransferError::writing(&self.target, error))?;
        self.published = true;
        Ok(())
    }
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
