//! The files that transfers read, and the proof that nobody changes them meanwhile.
//!
//! A render that is still being written while it is published is the usual way to a broken file on the other side.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::{Stream, stream};

use super::budget::Reserved;
use super::link::Flow;
use super::{ByteBudget, Control, TransferError};

/// Bytes that are read, and then travel, in one piece.
const CHUNK: usize = 512 * 1024;

/// A file that existed and could be read when it was inspected.
#[derive(Clone, Debug)]
pub(super) struct SourceFile {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    stamp: Stamp,
}

/// What changes when somebody writes to a file or replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    inode: Option<(u64, u64)>,
}

impl SourceFile {
    /// Checks that `path` is a readable file and remembers its state. Blocks.
    pub(super) fn inspect(path: &Path) -> Result<Self, TransferError> {
        let metadata = fs::metadata(path).map_err(|error| TransferError::reading(path, error))?;
        if !metadata.is_file() {
            return Err(TransferError::NotAFile {
                path: path.to_owned(),
            });
        }
        // Only opening tells whether the file may be read.
        File::open(path).map_err(|error| TransferError::reading(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            size: metadata.len(),
            stamp: Stamp::of(&metadata),
        })
    }

    /// Opens the file that was inspected. Blocks.
    pub(super) fn open(&self) -> Result<File, TransferError> {
        let file =
            File::open(&self.path).map_err(|error| TransferError::reading(&self.path, error))?;
        let metadata = file
            .metadata()
            .map_err(|error| TransferError::reading(&self.path, error))?;
        self.compare(&metadata)?;
        Ok(file)
    }

    /// Fails if the file is no longer the one that was inspected. Blocks.
    pub(super) fn check_unchanged(&self) -> Result<(), TransferError> {
        let metadata = fs::metadata(&self.path).map_err(|_| self.changed())?;
        self.compare(&metadata)
    }

    /// Returns the error that names this file as changed.
    pub(super) fn changed(&self) -> TransferError {
        TransferError::SourceChanged {
            path: self.path.clone(),
        }
    }

    fn compare(&self, metadata: &Metadata) -> Result<(), TransferError> {
        if Stamp::of(metadata) == self.stamp {
            Ok(())
        } else {
            Err(self.changed())
        }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            size: metadata.len(),
            modified: metadata.modified().ok(),
            inode: inode(metadata),
        }
    }
}

#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems have no inode to tell"
)]
fn inode(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> Option<(u64, u64)> {
    None
}

/// What the bytes of a file have to pass before they are read, and who counts them.
pub(super) struct Gate {
    pub(super) budget: ByteBudget,
    pub(super) control: Control,
    pub(super) flow: Arc<Flow>,
}

impl Gate {
    async fn pass(&self, bytes: usize) -> Reserved {
        let admitted = async {
            self.control.admit(bytes as u64).await;
            self.budget.reserve(bytes).await
        };
        self.flow.excuse(admitted).await
    }
}

/// Streams the first `size` bytes of a file in chunks that count against the budget until they are dropped.
///
/// A file that ends early is an error of kind [`io::ErrorKind::UnexpectedEof`].
pub(super) fn chunks(
    file: File,
    size: u64,
    gate: Gate,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::try_unfold((file, size, gate), async |(file, left, gate)| {
        if left == 0 {
            return Ok(None);
        }
        let most = gate.control.piece(CHUNK);
        let length = usize::try_from(left).unwrap_or(most).min(most);
        let reserved = gate.pass(length).await;
        let buffer = reserved.buffer();
        let (file, buffer) = tokio::task::spawn_blocking(move || read_chunk(file, buffer, length))
            .await
            .map_err(io::Error::other)??;
        gate.flow.advance(length as u64);
        Ok(Some((
            reserved.hold(buffer),
            (file, left - length as u64, gate),
        )))
    })
}

fn read_chunk(mut file: File, mut buffer: Vec<u8>, length: usize) -> io::Result<(File, Vec<u8>)> {
    buffer.reserve_exact(length);
    let mut chunk = file.take(length as u64);
    if chunk.read_to_end(&mut buffer)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    file = chunk.into_inner();
    Ok((file, buffer))
}
