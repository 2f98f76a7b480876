//! Writes and hashes what arrives, in large pieces on blocking threads.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use ftrack_md5::Md5;
use tokio::sync::OwnedRwLockReadGuard;

use super::super::TransferError;
use super::super::tally::blocking;
use crate::checksum::Digest;

/// Bytes that are collected before they are written in one piece.
const CHUNK: usize = 512 * 1024;

/// The memory of a writer: what waits to be written, and the most that a connection adds to it at once.
pub(super) const MEMORY: usize = 2 * CHUNK;

/// Held by whoever may write to a file; who waits for all of them takes the lock for itself.
pub(super) type Writing = OwnedRwLockReadGuard<()>;

/// Writes to one place of a file, through a handle of its own.
pub(super) struct Writer {
    target: PathBuf,
    pen: Pen,
}

struct Pen {
    /// Tells that something may still be written, also by a thread whose result nobody waits for.
    _writing: Writing,
    file: File,
    waiting: Vec<u8>,
    md5: Md5,
}

impl Writer {
    /// Opens the file at `path`, which is to become `target`.
    pub(super) async fn open(
        target: &Path,
        path: &Path,
        start: Start,
        writing: Writing,
    ) -> Result<Self, TransferError> {
        let path = path.to_owned();
        let opening = blocking(move || {
            Ok(Pen {
                file: start.open(&path)?,
                waiting: Vec::new(),
                md5: Md5::new(),
                _writing: writing,
            })
        });
        let pen = opening.await?;
        Ok(Self {
            target: target.to_owned(),
            pen: pen.map_err(|error| TransferError::writing(target, error))?,
        })
    }

    pub(super) async fn write(mut self, bytes: &[u8]) -> Result<Self, TransferError> {
        self.pen.waiting.extend_from_slice(bytes);
        if self.pen.waiting.len() < CHUNK {
            Ok(self)
        } else {
            self.flush().await
        }
    }

    /// Writes what still waits and returns the MD5 of everything that was written.
    pub(super) async fn finish(self) -> Result<Digest, TransferError> {
        Ok(Digest(self.flush().await?.pen.md5.digest()))
    }

    async fn flush(self) -> Result<Self, TransferError> {
        let Self { target, mut pen } = self;
        let writing = blocking(move || {
            pen.file.write_all(&pen.waiting)?;
            pen.md5.update(&pen.waiting);
            pen.waiting.clear();
            io::Result::Ok(pen)
        });
        match writing.await? {
            Ok(pen) => Ok(Self { target, pen }),
            Err(error) => Err(TransferError::writing(&target, error)),
        }
    }
}

/// Where writing begins.
#[derive(Clone, Copy)]
pub(super) enum Start {
    /// At the start of a file that is emptied: it may hold what a failed attempt left.
    Anew,
    /// At an offset; what is elsewhere stays.
    At(u64),
}

impl Start {
    fn open(self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        match self {
            Self::Anew => options.write(true).truncate(true).open(path),
            Self::At(offset) => {
                let mut file = options.write(true).open(path)?;
                file.seek(SeekFrom::Start(offset))?;
                Ok(file)
            }
        }
    }
}
