//! The whole state of a server as a folder: database and files.
//!
//! A snapshot holds `database.sqlite3` and `files/`, laid out as in the data folder. A server keeps one of the state it
//! began with, `pristine`, to which [`reset`] returns; [`save`] writes one anywhere, and a new server can begin with it.
//! Uploads that are not complete are in no snapshot.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::task::spawn_blocking;

use crate::app::App;
use crate::data_folder;
use crate::error::ApiError;

const DATABASE: &str = "database.sqlite3";
const FILES: &str = "files";
const PRISTINE: &str = "pristine";

/// A state that cannot be saved or returned to.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// There is something where the snapshot is to be.
    #[error("{} exists already", path.display())]
    Exists {
        /// Where the snapshot is to be.
        path: PathBuf,
    },
    /// A folder cannot be read or written.
    #[error("cannot copy files of the server to or from {}: {reason}", path.display())]
    Files {
        /// The snapshot.
        path: PathBuf,
        /// What the operating system says.
        reason: io::Error,
    },
    /// The database cannot be copied.
    #[error("cannot copy the database: {0}")]
    Database(ApiError),
    /// The server has stopped, or stops while it works.
    #[error("the server has stopped")]
    Stopped,
}

impl From<ApiError> for SnapshotError {
    fn from(error: ApiError) -> Self {
        Self::Database(error)
    }
}

/// Writes the state of a server to a new folder.
pub async fn save(app: &App, path: &Path) -> Result<(), SnapshotError> {
    save_by(app, path, copy).await
}

/// Keeps the state of a new server, for [`reset`]; an older one that has it keeps that.
pub async fn keep_pristine(app: &App) -> Result<(), SnapshotError> {
    let path = app.data_dir.join(PRISTINE);
    if path.exists() {
        return Ok(());
    }
    // Stored files are replaced, never changed: both states may have the same ones.
    save_by(app, &path, link).await
}

/// Returns to the state the server began with.
///
/// Encodes are called off, upload URLs of before are no longer valid, faults and the log are gone; connections to the event server stay.
pub async fn reset(app: &App) -> Result<(), SnapshotError> {
    let _quiet = app.encodes.call_off().await;
    let pristine = app.data_dir.join(PRISTINE);
    let failed = |reason| SnapshotError::Files {
        path: app.data_dir.clone(),
        reason,
    };
    let secret = data_folder::renew_secret(&app.data_dir).map_err(failed)?;
    app.signer.renew(&secret);
    app.store.replace_with(pristine.join(DATABASE)).await?;
    let files = app.files.clone();
    blocking(&pristine.clone(), move || {
        files.clear()?;
        copy_tree(&pristine.join(FILES), files.folder(), link)
    })
    .await?;
    app.faults.clear(Some(&app.events));
    app.calls.clear();
    app.events.clear_records();
    Ok(())
}

/// Fills a new data folder from a snapshot.
pub fn unpack(snapshot: &Path, data_dir: &Path, database: &Path) -> io::Result<()> {
    copy_tree(&snapshot.join(FILES), &data_dir.join(FILES), copy)?;
    // Last, and at once: a folder without a database is still new.
    let partial = tempfile::NamedTempFile::new_in(data_dir)?;
    fs::copy(snapshot.join(DATABASE), partial.path())?;
    partial.persist(database)?;
    Ok(())
}

type Transfer = fn(&Path, &Path) -> io::Result<()>;

async fn save_by(app: &App, path: &Path, transfer: Transfer) -> Result<(), SnapshotError> {
    if path.exists() {
        return Err(SnapshotError::Exists {
            path: path.to_owned(),
        });
    }
    let failed = |reason| SnapshotError::Files {
        path: path.to_owned(),
        reason,
    };
    let partial = begin(path).map_err(failed)?;
    app.store.copy_to(partial.path().join(DATABASE)).await?;
    let files = app.files.clone();
    let target = path.to_owned();
    blocking(path, move || {
        copy_tree(files.folder(), &partial.path().join(FILES), transfer)?;
        fs::rename(partial.path(), target)?;
        // It has another name now, there is nothing to remove.
        let _ = partial.keep();
        Ok(())
    })
    .await
}

/// Makes a folder beside the one to be, so that a snapshot is there whole or not at all.
fn begin(path: &Path) -> io::Result<TempDir> {
    let absolute = std::path::absolute(path)?;
    let parent = absolute.parent().unwrap_or(&absolute);
    fs::create_dir_all(parent)?;
    tempfile::Builder::new()
        .prefix(".snapshot-")
        .tempdir_in(parent)
}

async fn blocking(
    path: &Path,
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), SnapshotError> {
    let done = spawn_blocking(work).await;
    done.map_err(|_| SnapshotError::Stopped)?
        .map_err(|reason| SnapshotError::Files {
            path: path.to_owned(),
            reason,
        })
}

fn copy_tree(from: &Path, to: &Path, transfer: Transfer) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target, transfer)?;
        } else {
            transfer(&entry.path(), &target)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to).map(drop)
}

/// Gives a file a second name, or copies it where the file system cannot.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to).or_else(|_| copy(from, to))
}
