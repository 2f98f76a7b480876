//! Moves files between disks and ftrack.
//!
//! - [`look_at`], [`hash`]: a look at files whose MD5 is needed before they are moved.
//! - [`upload()`]: files to ftrack.server. Every file is checked first; hashing, asking for signed URLs and sending overlap.
//! - [`download()`]: URLs to files, verified, then put in place at once.
//! - [`copy()`]: files to files on disk.
//! - [`Reader`]: what is behind a URL as a stream.
//! - [`preflight`]: a look at the frames of a sequence before any of this.
//! - [`journal`]: what is left of an upload when its process dies.
//!
//! All transfers share their rules. Memory is bounded by one [`ByteBudget`] and never depends on the size of a file. Nothing is written under its final name
//! before it is complete. How many files and parts move together is found out ([`Concurrency`]). A [`Control`] stops transfers, holds them up, and limits
//! their bandwidth. A failure names the file and says what was done until then ([`BatchError`]).
//! Signed URLs are secrets: no error and no debug output holds one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;

use self::journal::Journal;
use crate::checksum::HashOptions;

mod budget;
mod cancel;
mod complete;
mod control;
mod descriptors;
mod disk;
mod download;
mod error;
mod fsync;
mod get;
pub mod journal;
mod limit;
mod link;
mod multipart;
mod parts;
pub mod preflight;
mod progress;
mod put;
mod reader;
mod seen;
mod source;
mod stored;
mod tally;
mod target;
mod ticket;
mod upload;
mod version;
mod whole;

pub use crate::retry::RetryPolicy;
pub use budget::ByteBudget;
pub use cancel::Cancel;
pub use control::Control;
pub use disk::{Copied, CopyItem, copy};
pub use download::{DownloadItem, Downloaded, download};
pub use error::{BatchError, ItemRef, TransferError, TransferErrorKind};
pub use fsync::Fsync;
pub use limit::Concurrency;
pub use progress::{FileProgress, Phase, Progress, ProgressEvent, ProgressSnapshot};
pub use reader::Reader;
pub use seen::{SeenFile, hash, look_at};
pub use target::Existing;
pub(crate) use upload::upload_calls;
pub use upload::{UploadItem, Uploaded, upload};

/// Why the server was not asked or did not answer; the transport's own error.
pub type ApiError = Box<dyn std::error::Error + Send + Sync>;

/// What a transfer needs of the connection to ftrack.
pub trait Api: Send + Sync {
    /// Sends the operations in one call and returns one answer for each.
    ///
    /// An answer of the server that reports an exception is an error.
    fn call(&self, operations: Vec<Value>) -> BoxFuture<'_, Result<Vec<Value>, ApiError>>;

    /// Removes the file of a component; it is no error if there is none.
    fn remove<'a>(&'a self, component_id: &'a str) -> BoxFuture<'a, Result<(), ApiError>>;

    /// Returns where the content of a component can be downloaded; none if that cannot be told.
    fn content_url(&self, component_id: &str) -> Option<String>;

    /// Returns the pooled HTTP client for signed URLs, which may lead to any host.
    ///
    /// It must carry no credentials in its default headers, follow no redirects (`redirect::Policy::none()`: on the way of a redirect reqwest
    /// sends the URL it came from, key included, as `Referer`), have a connect timeout and no total timeout.
    fn http(&self) -> &reqwest::Client;
}

/// What ftrack's own clients send whole: up to two parts of 8 MiB.
const MULTIPART_THRESHOLD: u64 = 16 * 1024 * 1024;

/// Large enough that a request for each costs little even where answers take long, small enough that little has to be fetched again.
const RANGE: u64 = 16 * 1024 * 1024;

/// How hard a transfer may work.
#[derive(Clone, Debug)]
pub struct TransferOptions {
    /// How many files and parts move at the same time.
    pub concurrency: Concurrency,
    /// The memory for buffers, shared with other transfers.
    pub budget: ByteBudget,
    /// How files are hashed before they are sent.
    pub hash: HashOptions,
    /// Files larger than this are sent in parts.
    pub multipart_threshold: u64,
    /// What remembers uploads beyond the life of this process, if anything does.
    pub journal: Option<Arc<dyn Journal>>,
    /// When a request that failed is sent again.
    pub retry: RetryPolicy,
    /// The longest time in which no byte may move before a request counts as failed.
    pub stall: Duration,
    /// Whether copies are read again and compared with their sources.
    pub verify: bool,
    /// What is waited for before a file counts as written.
    pub fsync: Fsync,
    /// What becomes of files that have the names of targets.
    pub existing: Existing,
    /// The size of the parts in which large files are downloaded.
    pub range: u64,
    /// The longest time that the whole transfer may take, if there is a limit.
    pub total: Option<Duration>,
}

impl Default for TransferOptions {
    fn default() -> Self {
        Self {
            concurrency: Concurrency::default(),
            budget: ByteBudget::shared(),
            hash: HashOptions::default(),
            multipart_threshold: MULTIPART_THRESHOLD,
            journal: None,
            retry: RetryPolicy::default(),
            stall: Duration::from_secs(60),
            verify: false,
            fsync: Fsync::default(),
            existing: Existing::default(),
            range: RANGE,
            total: None,
        }
    }
}
