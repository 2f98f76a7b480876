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
}

/// A part that the storage took.
pub(super) struct Accepted {
    /// What the storage calls it, without quotes.
    pub(super) etag: String,
    /// The MD5 of the bytes that were sent.
    pub(super) md5: Digest,
}

impl Sender {
    /// Sends a file, anew when that may help, and proves that it was not changed meanwhile.
    pub(super) async fn put_file(
        &self,
        put: &Put<'_>,
        permit: &Arc<Permit>,
    ) -> Result<(), Failure> {
        let mut attempts = Attempts::new(self.options.retry);
        loop {
            let flow = Attempt::new(put.index, &self.progress);
            match self.attempt(put, &flow.0, permit, None).await {
                Ok(_) => {
                    flow.0.keep();
                    permit.succeeded(put.part.length, flow.0.elapsed());
                    return Ok(());
                }
                Err(failure) => {
                    self.recover(put, &flow.0, permit, &mut attempts, failure)
                        .await?
                }
            }
        }
    }

    /// Does the same with a part, and hashes the very bytes that are sent.
    pub(super) async fn put_part(
        &self,
        put: &Put<'_>,
        permit: &Arc<Permit>,
    ) -> Result<Accepted, Failure> {
        let mut attempts = Attempts::new(self.options.retry);
        loop {
            let flow = Attempt::new(put.index, &self.progress);
            let hashing = Hashing::new(&self.lanes);
            let sent = self
                .attempt(put, &flow.0, permit, Some(hashing.clone()))
                .await;
            let named = sent.and_then(|etag| {
                let accepted = etag.zip(hashing.digest());
                let accepted = accepted.map(|(etag, md5)| Accepted { etag, md5 });
                accepted.ok_or_else(|| Link::new(&put.source.path, put.url).unnamed())
            });
            match named {
                Ok(accepted) => {
                    flow.0.keep();
                    permit.succeeded(put.part.length, flow.0.elapsed());
                    return Ok(accepted);
                }
                Err(failure) => {
                    self.recover(put, &flow.0, permit, &mut attempts, failure)
                        .await?
                }
            }
        }
    }

    /// Gives a failed attempt up and waits for the next, if there is to be one.
    async fn recover(
        &self,
        put: &Put<'_>,
        flow: &Flow,
        permit: &Permit,
        attempts: &mut Attempts,
        failure: Failure,
    ) -> Result<(), Failure> {
        flow.rewind();
        if failure.may_pass() {
            permit.failed();
        }
        // A change explains the failure better than what the storage said about it.
        check_unchanged(put.source).await?;
        attempts.pause(failure).await
    }

    /// Sends the bytes once and returns the ETag of the answer.
    async fn attempt(
        &self,
        put: &Put<'_>,
        flow: &Arc<Flow>,
        permit: &Arc<Permit>,
        hashing: Option<Hashing>,
    ) -> Result<Option<String>, Failure> {
        let link = Link::new(&put.source.path, put.url);
        let stall = self.options.stall;
        let gate = Gate {
            budget: self.options.budget.clone(),
            control: self.control.clone(),
            permit: Arc::clone(permit),
            flow: Arc::clone(flow),
        };
        let exchange = async {
            let response = self.exchange(put, gate, hashing, &link).await?;
            read_answer(response, put.url, &link).await
        };
        let etag = flow
            .bounded(stall, exchange)
            .await
            .ok_or_else(|| link.stalled(stall))??;
        check_unchanged(put.source).await?;
        Ok(etag)
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

/// Returns the ETag of a success, without quotes.
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

/// An attempt that, when it is dropped before its end, takes its bytes back from the progress.
struct Attempt(Arc<Flow>);

impl Attempt {
    fn new(index: usize, progress: &Progress) -> Self {
        Self(Arc::new(Flow::new(index, progress)))
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.0.rewind();
    }
}
