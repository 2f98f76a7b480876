//! The database of the server: one SQLite file, one writer, several readers.
//!
//! Every connection lives on a thread of its own, so that no SQL ever runs on the async runtime. Writes queue up on the
//! one writer and are a transaction each; reads run beside it on snapshots (write-ahead logging).

mod migrations;
pub(crate) mod texts;
mod worker;

#[cfg(test)]
pub(crate) use migrations::create_schema;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::ApiError;
use worker::Worker;

/// Connections that answer queries beside the writer; more than cores would only wait for each other.
const READERS: usize = 4;

/// Prepared statements a connection keeps: all shapes of a busy server, as each entity type has a few.
const STATEMENT_CACHE: usize = 512;

/// How much a commit must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process that made the store: commits wait for no disk.
    Temporary,
    /// A crash of the machine may lose the last commits, but never harms the file.
    Durable,
}

/// A store that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is not a database, or cannot be read or written.
    #[error("cannot open the database {}: {reason}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: rusqlite::Error,
    },
    /// The operating system gives no more threads.
    #[error("cannot start a database thread: {reason}")]
    Thread {
        /// What the operating system says.
        reason: std::io::Error,
    },
}

/// A handle to the database; clones share it.
///
/// The last clone to go closes the file, waiting for the work under way.
#[derive(Debug, Clone)]
pub struct Store {
    // Readers come first: the writer is the last to close, and so the one that folds the log into the file.
    readers: Arc<Worker>,
    writer: Arc<Worker>,
}

impl Store {
    /// Opens the database at `path`, making file and tables when they are missing.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let open = |access| {
            connect(path, durability, access).map_err(|reason| StoreError::Open {
                path: path.to_owned(),
                reason,
            })
        };
        let start = |name, connections| {
            Worker::start(name, connections)
                .map(Arc::new)
                .map_err(|reason| StoreError::Thread { reason })
        };
        let writer = start("store-writer", vec![open(Access::Write)?])?;
        let readers = (0..READERS)
            .map(|_| open(Access::Read))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            readers: start("store-reader", readers)?,
            writer,
        })
    }

    /// Runs `f` on a snapshot of the database.
    pub async fn read<T, F>(&self, f: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, ApiError> + Send + 'static,
    {
        self.readers
            .run(move |connection| f(&*connection.transaction()?))
            .await
    }

    /// Runs `f` in a transaction that commits when `f` succeeds, and leaves nothing behind when it fails or panics.
    pub async fn write<T, F>(&self, f: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, ApiError> + Send + 'static,
    {
        self.write_then(f, |value| value).await
    }

    /// Runs `f` as [`write`](Self::write) does, and `then` on its result once that is committed.
    ///
    /// `then` runs before the next write begins, so that what follows commits comes in their order, and it runs even if
    /// nobody waits for the result any more.
    pub async fn write_then<T, U, F, G>(&self, f: F, then: G) -> Result<U, ApiError>
    where
        U: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, ApiError> + Send + 'static,
        G: FnOnce(T) -> U + Send + 'static,
    {
        self.writer
            .run(move |connection| {
                let transaction =
                    connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let value = f(&transaction)?;
                transaction.commit()?;
                Ok(then(value))
            })
            .await
    }
}

/// Whole databases.
impl Store {
    /// Copies the database as it is now to a new file, and runs `then` before the next write.
    pub async fn copy_to<T: Send + 'static>(
        &self,
        path: PathBuf,
        then: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        self.writer
            .run(move |connection| {
                let mut copy = Connection::open(path)?;
                // The copy is of use only when it is whole: it needs no way back.
                copy.pragma_update(None, "journal_mode", "off")?;
                copy.pragma_update(None, "synchronous", "off")?;
                copy_all(connection, &mut copy)?;
                Ok(then())
            })
            .await
    }

    /// Puts another database in the place of this one, in one transaction, and runs `then` before the next write.
    pub async fn replace_with<T: Send + 'static>(
        &self,
        path: PathBuf,
        then: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        self.writer
            .run(move |connection| {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                copy_all(&Connection::open_with_flags(path, flags)?, connection)?;
                Ok(then())
            })
            .await
    }
}

fn copy_all(from: &Connection, to: &mut Connection) -> Result<(), ApiError> {
    match Backup::new(from, to)?.step(-1)? {
        StepResult::Done => Ok(()),
        _ => Err(ApiError::internal("database: another program uses it")),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

fn connect(path: &Path, durability: Durability, access: Access) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection, durability)?;
    match access {
        Access::Write => migrations::create_schema(&connection)?,
        Access::Read => connection.pragma_update(None, "query_only", true)?,
    }
    Ok(connection)
}

fn configure(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    let synchronous = match durability {
        Durability::Temporary => "off",
        Durability::Durable => "normal",
    };
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    // 64 MiB: ids are random, so a batch changes pages everywhere, and most of them again before they have to be copied.
    connection.pragma_update(None, "wal_autocheckpoint", 16 * 1024)?;
    // Plans are made once, not anew for each value that is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    // Negative numbers are KiB: 32 MiB a connection, and the file mapped as far as 1 GiB.
    connection.pragma_update(None, "cache_size", -32 * 1024)?;
    connection.pragma_update(None, "mmap_size", 1_i64 << 30)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    texts::install(connection)?;
    rusqlite::vtab::array::load_module(connection)
}
