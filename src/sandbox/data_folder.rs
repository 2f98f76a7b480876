//! The folder of one server: database, files, and the secret that signs upload URLs.

use std::env;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};
use uuid::Uuid;

use crate::server::StartError;
use crate::store::Durability;

/// The file of the secret that signs upload URLs.
const SECRET: &str = "upload-secret";

/// A folder that is there, and stays as long as this value when it is temporary.
#[derive(Debug)]
pub struct DataFolder {
    /// Where it is, independent of the current folder of the process.
    pub path: PathBuf,
    /// Removes the folder when it is dropped.
    temporary: Option<TempDir>,
    /// Keeps other servers out of the folder until it is dropped.
    _lock: File,
}

impl DataFolder {
    /// Makes the folder at `path` if it is missing, or a temporary one when there is no path.
    pub fn open(path: Option<&Path>) -> Result<Self, StartError> {
        let unusable = |reason| StartError::DataDir {
            path: path.map_or_else(env::temp_dir, Path::to_owned),
            reason,
        };
        let (path, temporary) = make(path).map_err(unusable)?;
        let lock = File::create(path.join("lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path,
                temporary,
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(StartError::InUse { path }),
            Err(TryLockError::Error(reason)) => Err(unusable(reason)),
        }
    }

    /// Returns where the database is.
    pub fn database(&self) -> PathBuf {
        self.path.join("sandbox.sqlite3")
    }

    /// Returns how much the database must survive.
    pub fn durability(&self) -> Durability {
        if self.temporary.is_some() {
            Durability::Temporary
        } else {
            Durability::Durable
        }
    }

    /// Reads the secret of the folder, or makes one: upload URLs outlive a restart.
    pub fn secret(&self) -> io::Result<[u8; 32]> {
        let known = fs::read(self.path.join(SECRET))
            .ok()
            .and_then(|bytes| bytes.try_into().ok());
        known.map_or_else(|| renew_secret(&self.path), Ok)
    }
}

/// Makes a new secret for the folder: upload URLs of before are no longer valid.
pub fn renew_secret(folder: &Path) -> io::Result<[u8; 32]> {
    let mut secret = [0; 32];
    secret[..16].copy_from_slice(Uuid::new_v4().as_bytes());
    secret[16..].copy_from_slice(Uuid::new_v4().as_bytes());
    // A temporary file is readable by its owner only, and stays so.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(&secret)?;
    file.persist(folder.join(SECRET))?;
    Ok(secret)
}

fn make(path: Option<&Path>) -> io::Result<(PathBuf, Option<TempDir>)> {
    if let Some(path) = path {
        fs::create_dir_all(path)?;
        return Ok((std::path::absolute(path)?, None));
    }
    let folder = tempfile::Builder::new()
        .prefix("ftrack-sandbox-")
        .tempdir()?;
    Ok((folder.path().to_owned(), Some(folder)))
}
