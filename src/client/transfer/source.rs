//! The files that transfers read, and the proof that nobody changes them meanwhile.
//!
//! A render that is still being written while it is published is the usual way to a broken file on the other side.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::future::{self, BoxFuture};
use futures_util::{FutureExt as _, Stream, stream};

use super::budget::{Buffer, Reserved};
use super::journal::FileState;
use super::limit::Permit;
use super::link::Flow;
use super::{ByteBudget, Control, TransferError};
use crate::checksum::{Digest, RunningDigest, SharedLanes};

/// Bytes that are read, and then travel, in one piece.
const CHUNK: usize = 512 * 1024;

/// A file that existed and could be read when it was inspected.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let source = Self {
            path: path.to_owned(),
            size: metadata.len(),
            stamp: Stamp::of(&metadata),
        };
        // Only opening tells whether the file may be read.
        source.open()?;
        Ok(source)
    }

    /// Opens the file that was inspected, to be read from `offset` on. Blocks.
    pub(super) fn open_at(&self, offset: u64) -> Result<File, TransferError> {
        let mut file = self.open()?;
        file.seek(SeekFrom::Start(offset))
            .map_err(|error| TransferError::reading(&self.path, error))?;
        Ok(file)
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

    /// Returns the state in which the file was inspected, as the content of a component.
    pub(super) fn state<'a>(&'a self, component_id: &'a str) -> FileState<'a> {
        FileState {
            component_id,
            path: &self.path,
            size: self.size,
            modified: self.stamp.modified,
            inode: self.stamp.inode,
        }
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
pub(super) fn inode(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
pub(super) fn inode(_metadata: &Metadata) -> Option<(u64, u64)> {
    None
}

/// What the bytes of a file have to pass before they are read, and who counts them.
pub(super) struct Gate {
    pub(super) budget: ByteBudget,
    pub(super) control: Control,
    pub(super) permit: Arc<Permit>,
    pub(super) flow: Arc<Flow>,
}

impl Gate {
    async fn pass(&self, bytes: usize) -> Reserved {
        let admitted = async {
            self.control.admit(bytes as u64, Some(&self.permit)).await;
            self.budget.reserve(bytes).await
        };
        self.flow.excuse(admitted).await
    }
}

/// Computes the MD5 of bytes while they pass.
#[derive(Clone)]
pub(super) struct Hashing {
    lanes: SharedLanes,
    digest: Arc<OnceLock<Digest>>,
}

impl Hashing {
    pub(super) fn new(lanes: &SharedLanes) -> Self {
        Self {
            lanes: lanes.clone(),
            digest: Arc::default(),
        }
    }

    /// Returns the MD5, once all bytes have passed.
    pub(super) fn digest(&self) -> Option<Digest> {
        self.digest.get().copied()
    }
}

/// A piece of a file that is being read.
struct Reading {
    file: File,
    left: u64,
    gate: Gate,
    hashing: Option<(Hashing, Hashed)>,
}

/// The MD5 of what has been read; the last chunk may still be hashed while it is sent.
type Hashed = BoxFuture<'static, io::Result<RunningDigest>>;

/// Streams the next `size` bytes of a file in chunks that count against the budget until they are dropped.
///
/// A file that ends early is an error of kind [`io::ErrorKind::UnexpectedEof`].
pub(super) fn chunks(
    file: File,
    size: u64,
    gate: Gate,
    hashing: Option<Hashing>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let reading = Reading {
        file,
        left: size,
        gate,
        hashing: hashing.map(|hashing| {
            let begun = hashing.lanes.begin();
            (hashing, future::ready(Ok(begun)).boxed())
        }),
    };
    stream::try_unfold(reading, Reading::next)
}

impl Reading {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.left == 0 {
            return Ok(None);
        }
        let most = self.gate.control.piece(CHUNK);
        let length = usize::try_from(self.left).unwrap_or(most).min(most);
        let reserved = self.gate.pass(length).await;
        let (file, buffer) = (self.file, reserved.buffer(length));
        let read = tokio::task::spawn_blocking(move || read_chunk(file, buffer, length));
        let (file, buffer) = read.await.map_err(io::Error::other)??;
        self.file = file;
        self.left -= length as u64;
        let bytes = reserved.hold(buffer);
        self.hash(&bytes).await?;
        self.gate.flow.advance(length as u64);
        Ok(Some((bytes, self)))
    }

    /// Has bytes hashed after those before them, and keeps the MD5 when they are the last.
    async fn hash(&mut self, bytes: &Bytes) -> io::Result<()> {
        let Some((hashing, hashed)) = self.hashing.take() else {
            return Ok(());
        };
        let hashed = hashing
            .lanes
            .update(hashed.await?, bytes.clone(), self.left == 0);
        if self.left == 0 {
            // Nobody asks for more once all bytes are there, and nobody else sets it.
            let _ = hashing.digest.set(hashed.await?.finish());
        } else {
            self.hashing = Some((hashing, hashed.boxed()));
        }
        Ok(())
    }
}

fn read_chunk(mut file: File, mut buffer: Buffer, length: usize) -> io::Result<(File, Buffer)> {
    let mut chunk = file.take(length as u64);
    if chunk.read_to_end(buffer.memory())? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    file = chunk.into_inner();
    Ok((file, buffer))
}
