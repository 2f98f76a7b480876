//! The database of unfinished transfers: where it is, how it is opened, and its form.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::JournalError;

const FILE_NAME: &str = "transfers.sqlite";
const VERSION: i64 = 1;

/// How long others are waited for. They hold the database for milliseconds, unless its folder is on a file server that is in trouble.
const BUSY: Duration = Duration::from_secs(3);

const SCHEMA: &str = "
CREATE TABLE transfer (
    id TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    user TEXT NOT NULL,
    location_id TEXT NOT NULL,
    path TEXT NOT NULL,
    data TEXT NOT NULL,
    container_id TEXT,
    touched_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE file (
    component_id TEXT PRIMARY KEY,
    transfer_id TEXT NOT NULL REFERENCES transfer ON DELETE CASCADE,
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    is_finished INTEGER NOT NULL DEFAULT 0,
    md5 BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX file_of_transfer ON file (transfer_id, position);
CREATE TABLE upload (
    component_id TEXT PRIMARY KEY REFERENCES file ON DELETE CASCADE,
    upload_id TEXT NOT NULL,
    part_size INTEGER NOT NULL,
    urls TEXT NOT NULL,
    signed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE part (
    component_id TEXT NOT NULL REFERENCES upload ON DELETE CASCADE,
    number INTEGER NOT NULL,
    etag TEXT NOT NULL,
    md5 BLOB NOT NULL,
    PRIMARY KEY (component_id, number)
) STRICT, WITHOUT ROWID;
";

/// A connection to the database.
pub(super) struct Store {
    connection: Connection,
    folder: PathBuf,
}

/// Returns options for files that only their owner may read.
#[cfg(unix)]
pub(super) fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Returns options for files that nobody else may read because of the folder they are in, which is the user's own.
#[cfg(not(unix))]
pub(super) fn owner_only() -> OpenOptions {
    OpenOptions::new()
}

impl Store {
    /// Opens the database in `folder`, which is made if need be.
    pub(super) fn open(folder: &Path) -> Result<Self, JournalError> {
        let path = folder.join(FILE_NAME);
        make_private(folder, &path).map_err(|source| JournalError::Io {
            path: path.clone(),
            source,
        })?;
        let failed = |source| JournalError::Database {
            path: path.clone(),
            source,
        };
        let mut connection = Connection::open(&path).map_err(failed)?;
        configure(&connection).map_err(failed)?;
        let found = migrate(&mut connection).map_err(failed)?;
        if found != VERSION {
            return Err(JournalError::OtherVersion { path, found });
        }
        Ok(Self {
            connection,
            folder: folder.to_owned(),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Does `work` wholly or not at all.
    pub(super) fn run<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        let done = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(|transaction| {
                let result = work(&transaction)?;
                transaction.commit()?;
                Ok(result)
            });
        done.map_err(|source| JournalError::Database {
            path: self.folder.join(FILE_NAME),
            source,
        })
    }
}

/// Makes folder and file before SQLite does, which would let others read them; its further files take after the first.
fn make_private(folder: &Path, path: &Path) -> io::Result<()> {
    let mut folders = DirBuilder::new();
    folders.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folders, 0o700);
    folders.create(folder)?;
    owner_only().append(true).create(true).open(path).map(drop)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // Not a write-ahead log, which needs shared memory: homes in studios are on file servers, and several machines use them at once.
    connection.pragma_update(None, "journal_mode", "truncate")?;
    // A database that a power cut breaks would be worse than none. The thread that writes is the only one to wait.
    connection.pragma_update(None, "synchronous", "full")?;
    // Signed URLs are overwritten when they are deleted.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "foreign_keys", true)
}

/// Gives an empty database its form, and returns the version of the form it has.
fn migrate(connection: &mut Connection) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found != 0 {
        return Ok(found);
    }
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(VERSION)
}
