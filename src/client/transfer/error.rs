//! What can go wrong with a file, and what is known of the others then.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::ApiError;
use crate::checksum::Digest;

/// Why a file was not moved. Hosts are named, URLs never: their queries are secrets.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The source does not exist.
    #[error("file '{}' does not exist", path.display())]
    Missing {
        /// The source.
        path: PathBuf,
    },
    /// The source exists but cannot be read.
    #[error("file '{}' cannot be read", path.display())]
    Unreadable {
        /// The source.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The source is a folder or something else that has no content to move.
    #[error("'{}' is not a file", path.display())]
    NotAFile {
        /// The source.
        path: PathBuf,
    },
    /// Somebody wrote to the source, or replaced it, while it was moved.
    #[error("file '{}' was changed while it was being transferred", path.display())]
    SourceChanged {
        /// The source.
        path: PathBuf,
    },
    /// The target cannot be written.
    #[error("file '{}' cannot be written", path.display())]
    Unwritable {
        /// The target.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The call for upload URLs failed.
    #[error("ftrack gave no upload URLs")]
    Api {
        /// The error of the transport or the server.
        source: ApiError,
    },
    /// The parts of a file have arrived, and ftrack did not make a file of them.
    #[error("ftrack did not complete the upload of file '{}'", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// The error of the transport or the server.
        source: ApiError,
    },
    /// An answer or a URL is not what was asked for.
    #[error("cannot transfer '{}': {fault}", path.display())]
    InvalidTicket {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: &'static str,
    },
    /// The storage found another MD5 than ours in what it received.
    #[error("{host} refused file '{}': its content does not match the MD5 that was announced", path.display())]
    ChecksumRejected {
        /// The file.
        path: PathBuf,
        /// The host that refused.
        host: String,
    },
    /// The storage answered an HTTP error.
    #[error("{host} answered {status}{} for file '{}'", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default(), path.display())]
    Rejected {
        /// The file.
        path: PathBuf,
        /// The host that answered.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The storage's own code, such as `AccessDenied`.
        code: Option<String>,
    },
    /// The storage took a part, but gave it no name, or one that shows that it received other bytes.
    #[error("{host} does not prove that part {number} of file '{}' arrived as it was sent", path.display())]
    PartUnproven {
        /// The file.
        path: PathBuf,
        /// The host that received.
        host: String,
        /// The part, counted from 1.
        number: u32,
    },
    /// The storage wants the request to go elsewhere, where it must not go.
    #[error("{host} redirects file '{}', which is not followed", path.display())]
    Redirected {
        /// The file.
        path: PathBuf,
        /// The host that answered.
        host: String,
    },
    /// The connection could not be made or broke.
    #[error("connection to {host} failed while transferring file '{}'", path.display())]
    Connection {
        /// The file.
        path: PathBuf,
        /// The other side.
        host: String,
        /// The error of the HTTP client, without its URL.
        source: reqwest::Error,
    },
    /// The connection stands but nothing moves.
    #[error("no data of file '{}' moved to or from {host} for {} s", path.display(), after.as_secs_f32())]
    Stalled {
        /// The file.
        path: PathBuf,
        /// The other side.
        host: String,
        /// How long was waited.
        after: Duration,
    },
    /// The storage has made a file of another size of what it received.
    #[error("{host} holds {actual} bytes of file '{}', which has {expected}", path.display())]
    StoredWrong {
        /// The file.
        path: PathBuf,
        /// The host that holds it.
        host: String,
        /// The size of the file, in bytes.
        expected: u64,
        /// The size of what is held, in bytes.
        actual: u64,
    },
    /// What was received has another size than expected.
    #[error("{host} sent {actual} bytes for file '{}', expected {expected}", path.display())]
    SizeMismatch {
        /// The target.
        path: PathBuf,
        /// The other side.
        host: String,
        /// The size that was asked for, in bytes.
        expected: u64,
        /// The size that was received, in bytes.
        actual: u64,
    },
    /// What was received has another MD5 than expected.
    #[error("{host} sent wrong content for file '{}': MD5 {actual}, expected {expected}", path.display())]
    ChecksumMismatch {
        /// The target.
        path: PathBuf,
        /// The other side.
        host: String,
        /// The MD5 that was asked for.
        expected: Digest,
        /// The MD5 that was received.
        actual: Digest,
    },
    /// The content was replaced between the answers that its parts came in.
    #[error("{host} has other content for file '{}' than a moment before", path.display())]
    ContentChanged {
        /// The target.
        path: PathBuf,
        /// The other side.
        host: String,
    },
    /// A copy, read again, is not its source.
    #[error("file '{}' was not copied right: its MD5 is not that of its source", path.display())]
    CopyDiffers {
        /// The target.
        path: PathBuf,
    },
    /// The whole transfer took longer than it may.
    #[error("the transfer did not end within {} s", after.as_secs_f32())]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// The transfer was stopped with its [`Control`](super::Control).
    #[error("the transfer was cancelled")]
    Cancelled,
    /// A worker thread ended without a result.
    #[error("a worker of the transfer broke down")]
    WorkerLost,
}

/// The sort of a [`TransferError`], for callers that decide by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferErrorKind {
    /// A source file is missing, unreadable or no file.
    Source,
    /// A source file was changed on the way.
    SourceChanged,
    /// A target file cannot be written.
    Target,
    /// ftrack did not answer the call for upload URLs, or not as it should.
    Api,
    /// The bytes that arrived are not the bytes that were sent.
    Integrity,
    /// The storage refused.
    Rejected,
    /// The network failed.
    Connection,
    /// The whole transfer took too long.
    TimedOut,
    /// The caller stopped it.
    Cancelled,
    /// A defect of this program.
    Internal,
}

impl TransferError {
    /// Returns the sort of the error.
    pub fn kind(&self) -> TransferErrorKind {
        match self {
            Self::Missing { .. } | Self::Unreadable { .. } | Self::NotAFile { .. } => {
                TransferErrorKind::Source
            }
            Self::SourceChanged { .. } => TransferErrorKind::SourceChanged,
            Self::Unwritable { .. } => TransferErrorKind::Target,
            Self::Api { .. } | Self::Incomplete { .. } | Self::InvalidTicket { .. } => {
                TransferErrorKind::Api
            }
            Self::ChecksumRejected { .. }
            | Self::PartUnproven { .. }
            | Self::StoredWrong { .. }
            | Self::SizeMismatch { .. }
            | Self::ChecksumMismatch { .. }
            | Self::ContentChanged { .. }
            | Self::CopyDiffers { .. } => TransferErrorKind::Integrity,
            Self::Rejected { .. } | Self::Redirected { .. } => TransferErrorKind::Rejected,
            Self::Connection { .. } | Self::Stalled { .. } => TransferErrorKind::Connection,
            Self::TimedOut { .. } => TransferErrorKind::TimedOut,
            Self::Cancelled => TransferErrorKind::Cancelled,
            Self::WorkerLost => TransferErrorKind::Internal,
        }
    }

    /// Returns why the operating system refused a file, and which one.
    pub fn refused_by_system(&self) -> Option<(io::ErrorKind, &Path)> {
        match self {
            Self::Missing { path } => Some((io::ErrorKind::NotFound, path)),
            Self::Unreadable { path, source } | Self::Unwritable { path, source } => {
                Some((source.kind(), path))
            }
            _ => None,
        }
    }

    /// Sorts the failure of reading `path`.
    pub(super) fn reading(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing {
                path: path.to_owned(),
            },
            _ => Self::Unreadable {
                path: path.to_owned(),
                source,
            },
        }
    }

    pub(super) fn writing(path: &Path, source: io::Error) -> Self {
        Self::Unwritable {
            path: path.to_owned(),
            source,
        }
    }
}

/// One item of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ItemRef {
    /// Its position among the items that were given.
    pub index: usize,
    /// The component, where there is one.
    pub component_id: Option<String>,
    /// The file: the source of an upload, the target of a download or copy.
    pub path: PathBuf,
}

/// Why a transfer of many files failed, and how far it came.
#[derive(Debug)]
pub struct BatchError {
    /// The first failure.
    pub cause: Arc<TransferError>,
    /// The items that failed and why. An item in neither list was not transferred.
    pub failed: Vec<(ItemRef, Arc<TransferError>)>,
    /// The items that were transferred completely before that, in the order of their completion.
    pub transferred: Vec<ItemRef>,
    /// How many items were to be transferred.
    pub total: usize,
}

impl fmt::Display for BatchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.cause)?;
        if self.failed.len() > 1 {
            write!(
                formatter,
                " (and {} more files failed)",
                self.failed.len() - 1
            )?;
        }
        write!(
            formatter,
            "; {} of {} files were transferred",
            self.transferred.len(),
            self.total
        )
    }
}

impl std::error::Error for BatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}
