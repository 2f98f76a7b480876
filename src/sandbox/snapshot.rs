//! The whole state of a server as a folder: database and files.
//!
//! A snapshot holds `database.sqlite3` and `files/`, laid out as in the data folder. A server keeps one of the state it
//! began with, `pristine`, to which [`reset`] returns; [`save`] writes one anywhere, and a new server can begin with it.
//! Uploads that are not complete are in no snapshot.
//!
//! Both are one moment of the server: what belongs together of database and files is done between two writes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::task::spawn_blocking;

use crate::app::App;
use crate::data_folder;
use crate::error::ApiError;

const DATABASE: &str = "database.sqlite3";
const FILES: &str = "files";
const PRISTINE: &str = "pristine";

/// A file that is there while a server returns to its first state.
const RETURNING: &str = "returning";

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
    /// The server was started by another process, from which this one was forked.
    #[error("the server belongs to the process that started it")]
    Elsewhere,
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
    let returned = return_to_pristine(app).await;
    // Whatever became of the data: what a test has set is not for the next one.
    app.faults.clear(Some(&app.events));
    app.calls.clear();
    app.events.clear_records();
    returned
}

/// Completes the return to the first state in which the server was killed, if it was.
pub async fn finish_reset(app: &App) -> Result<(), SnapshotError> {
    if app.data_dir.join(RETURNING).exists() {
        return_to_pristine(app).await?;
    }
    Ok(())
}

/// Puts database and files of the first state in place: the files are made ready beside the others, and take their names when the
/// database has been replaced.
async fn return_to_pristine(app: &App) -> Result<(), SnapshotError> {
    let pristine = app.data_dir.join(PRISTINE);
    let (files, source) = (app.files.clone(), pristine.join(FILES));
    let stage = blocking(&pristine, move || {
        let stage = files.stage()?;
        copy_tree(&source, &stage.path().join(FILES), link)?;
        Ok(stage)
    })
    .await?;
    let failed = |reason| SnapshotError::Files {
        path: app.data_dir.clone(),
        reason,
    };
    // From here on the next start goes on if this one does not come to the end.
    let marker = app.data_dir.join(RETURNING);
    fs::write(&marker, b"").map_err(failed)?;
    let (files, signer, data_dir) = (
        app.files.clone(),
        Arc::clone(&app.signer),
        app.data_dir.clone(),
    );
    let replace_files = move || {
        signer.renew(&data_folder::renew_secret(&data_dir)?);
        files.replace_all(stage.path())?;
        fs::remove_file(data_dir.join(RETURNING))?;
        Ok(stage)
    };
    let store = &app.store;
    let replaced = store.replace_with(pristine.join(DATABASE), replace_files);
    let stage: TempDir = match replaced.await {
        Ok(stage) => stage.map_err(failed)?,
        Err(error) => {
            // All is as it was: there is nothing to go on with.
            let _ = fs::remove_file(&marker);
            return Err(error.into());
        }
    };
    // What was there before goes with it.
    blocking(&app.data_dir, move || {
        drop(stage);
        Ok(())
    })
    .await
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
    let stage = app.files.stage().map_err(failed)?;
    let (files, staged) = (app.files.clone(), stage.path().join(FILES));
    // Second names are quickly given; copies are made when others may write again.
    let link_files = move || copy_tree(files.folder(), &staged, link);
    let copied = app.store.copy_to(partial.path().join(DATABASE), link_files);
    copied.await?.map_err(failed)?;
    let target = path.to_owned();
    blocking(path, move || {
        copy_tree(
            &stage.path().join(FILES),
            &partial.path().join(FILES),
            transfer,
        )?;
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

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, SnapshotError> {
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
            continue;
        }
        match transfer(&entry.path(), &target) {
            // A client may remove a file at any time.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            transferred => transferred?,
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
