//! Sends one file, or one part of it, to its signed URL.

use std::io;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use parking_lot::Mutex;
use reqwest::header::{CONTENT_LENGTH, ETAG, HeaderMap};
use reqwest::{Body, Response, Url};

use super::limit::Permit;
use super::link::{Attempts, Failure, Flow, Link};
use super::parts::Part;
use super::source::{Gate, Hashing, SourceFile, chunks};
use super::tally::blocking;
use super::{Control, Progress, TransferError, TransferOptions};
use crate::checksum::{Digest, SharedLanes};

/// What the uploads of all files have in common.
pub(super) struct Sender {
    pub(super) client: reqwest::Client,
    pub(super) options: TransferOptions,
    pub(super) progress: Progress,
    pub(super) control: Control,
    pub(super) lanes: SharedLanes,
}

/// What is sent, and where.
pub(super) struct Put<'a> {
    /// The position of the file among the items.
    pub(super) index: usize,
    pub(super) source: &'a Arc<SourceFile>,
    pub(super) part: Part,
    pub(super) url: &'a Url,
    pub(super) headers: HeaderMap,
    /// Where the bytes are hashed while they are sent, if they are.
    pub(super) lanes: Option<&'a SharedLanes>,
}

/// What the storage took.
pub(super) struct Accepted {
    /// What the storage calls it, without quotes, if it says so.
    pub(super) etag: Option<String>,
    /// The MD5 of the bytes that were sent, if they were hashed.
    pub(super) md5: Option<Digest>,
}

impl Sender {
    /// Sends the bytes, anew when that may help, and proves that the file was not changed meanwhile.
    pub(super) async fn put(
        &self,
        put: &Put<'_>,
        permit: &Arc<Permit>,
    ) -> Result<Accepted, Failure> {
        let mut attempts = Attempts::new(self.options.retry);
        loop {
            // A connection that is opened in a pause would only stand idle.
            self.control.admit(0, Some(permit)).await;
            let attempt = Attempt(Arc::new(Flow::new(put.index, &self.progress)));
            let failure = match self.attempt(put, &attempt.0, permit).await {
                Ok(accepted) => {
                    permit.succeeded(&attempt.0);
                    attempt.0.keep();
                    return Ok(accepted);
                }
                Err(failure) => failure,
            };
            drop(attempt);
            // Storages close what stands idle, which is no fault of theirs.
            if failure.may_pass() && self.control.is_paused() {
                continue;
            }
            failure.blame(permit);
            // A change explains the failure better than what the storage said about it.
            check_unchanged(put.source).await?;
            attempts.pause(failure).await?;
        }
    }

    /// Sends the bytes once.
    async fn attempt(
        &self,
        put: &Put<'_>,
        flow: &Arc<Flow>,
        permit: &Arc<Permit>,
    ) -> Result<Accepted, Failure> {
        let link = Link::new(&put.source.path, put.url);
        let stall = self.options.stall;
        let gate = Gate {
            budget: self.options.budget.clone(),
            control: self.control.clone(),
            permit: Arc::clone(permit),
            flow: Arc::clone(flow),
        };
        let hashing = put.lanes.map(Hashing::new);
        let exchange = async {
            let response = self.exchange(put, gate, hashing.clone(), &link).await?;
            read_answer(response, put.url, &link).await
        };
        let etag = flow
            .bounded(stall, exchange)
            .await
            .ok_or_else(|| link.stalled(stall))??;
        check_unchanged(put.source).await?;
        let md5 = hashing.and_then(|hashing| hashing.digest());
        Ok(Accepted { etag, md5 })
    }

    async fn exchange(
        &self,
        put: &Put<'_>,
        gate: Gate,
        hashing: Option<Hashing>,
        link: &Link,
    ) -> Result<Response, Failure> {
        let (source, offset) = (Arc::clone(put.source), put.part.offset);
        let file = blocking(move || source.open_at(offset)).await??;
        let unread = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&unread);
        let chunks = chunks(file, put.part.length, gate, hashing).map_err(move |error| {
            let kind = error.kind();
            seen.lock().replace(error);
            io::Error::from(kind)
        });
        let request = self
            .client
            .put(put.url.clone())
            .headers(put.headers.clone())
            .header(CONTENT_LENGTH, put.part.length)
            .body(Body::wrap_stream(chunks));
        let response = request.send().await;
        response.map_err(|error| match unread.lock().take() {
            // The HTTP client takes a file that cannot be read for a broken connection.
            Some(unread) => TransferError::reading(&put.source.path, unread).into(),
            None => link.broken(error),
        })
    }
}

/// Returns the `ETag` of a success, without quotes.
async fn read_answer(
    response: Response,
    url: &Url,
    link: &Link,
) -> Result<Option<String>, Failure> {
    if response.url() != url {
        return Err(link.redirected().into());
    }
    let etag = response.headers().get(ETAG);
    let etag = etag.and_then(|etag| Some(etag.to_str().ok()?.trim_matches('"').to_owned()));
    link.judge(response).await?;
    Ok(etag.filter(|etag| !etag.is_empty()))
}

pub(super) async fn check_unchanged(source: &Arc<SourceFile>) -> Result<(), TransferError> {
    let source = Arc::clone(source);
    blocking(move || source.check_unchanged()).await?
}

/// An attempt; when it ends without success, or is dropped before its end, it takes its bytes back from the progress.
struct Attempt(Arc<Flow>);

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.rewind();
    }
}
