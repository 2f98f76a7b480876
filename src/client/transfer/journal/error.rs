//! Why the journal cannot be used.

use std::io;
use std::path::PathBuf;

/// Why nothing can be noted or found. A transfer does not fail for that.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is no folder to keep it in.
    #[error("this user has no folder for it; set FTRACK_RS_STATE_PATH to one")]
    NoFolder,
    /// The folder or a file in it cannot be used.
    #[error("'{}' cannot be used", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The database cannot be read or written.
    #[error("'{}' cannot be used", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The database was made by another version of this package.
    #[error("'{}' has the form {found} of another version", path.display())]
    OtherVersion {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
}
