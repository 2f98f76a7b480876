//! Sends one file to its signed URL.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use futures_util::TryStreamExt as _;
use parking_lot::Mutex;
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Body, Response};

use super::limit::Permit;
use super::link::{Attempts, Failure, Flow, Link};
use super::source::{Gate, SourceFile, chunks};
use super::tally::blocking;
use super::ticket::Ticket;
use super::{Control, Progress, TransferError, TransferOptions};

/// What the uploads of all files have in common.
pub(super) struct Sender {
    pub(super) client: reqwest::Client,
    pub(super) options: TransferOptions,
    pub(super) progress: Progress,
    pub(super) control: Control,
}

impl Sender {
    /// Sends the file, from its start again when that may help, and proves that it was not changed meanwhile.
    pub(super) async fn send(
        &self,
        index: usize,
        source: &Arc<SourceFile>,
        ticket: &Ticket,
        permit: &Permit,
    ) -> Result<(), TransferError> {
        let mut attempts = Attempts::new(self.options.retry);
        loop {
            let flow = Arc::new(Flow::new(index, &self.progress));
            let started = Instant::now();
            let Err(failure) = self.attempt(&flow, source, ticket).await else {
                permit.succeeded(source.size, started.elapsed());
                return Ok(());
            };
            flow.rewind();
            if failure.may_pass() {
                permit.failed();
            }
            // A change explains the failure better than what the storage said about it.
            check_unchanged(source).await?;
            attempts.pause(failure).await?;
        }
    }

    async fn attempt(
        &self,
        flow: &Arc<Flow>,
        source: &Arc<SourceFile>,
        ticket: &Ticket,
    ) -> Result<(), Failure> {
        let link = Link::new(&source.path, &ticket.url);
        let stall = self.options.stall;
        let exchange = self.exchange(flow, source, ticket, &link);
        let response = flow
            .bounded(stall, exchange)
            .await
            .ok_or_else(|| link.stalled(stall))??;
        if response.url() != &ticket.url {
            return Err(link.redirected().into());
        }
        if !response.status().is_success() {
            return Err(flow
                .bounded(stall, link.refused(response))
                .await
                .unwrap_or_else(|| link.stalled(stall)));
        }
        Ok(check_unchanged(source).await?)
    }

    async fn exchange(
        &self,
        flow: &Arc<Flow>,
        source: &Arc<SourceFile>,
        ticket: &Ticket,
        link: &Link,
    ) -> Result<Response, Failure> {
        let opened = Arc::clone(source);
        let file = blocking(move || opened.open()).await??;
        let unread = Arc::new(Mutex::new(None));
        let gate = Gate {
            budget: self.options.budget.clone(),
            control: self.control.clone(),
            flow: Arc::clone(flow),
        };
        let body = body(file, source.size, gate, &unread);
        let request = self
            .client
            .put(ticket.url.clone())
            .headers(ticket.headers.clone())
            .header(CONTENT_LENGTH, source.size);
        let response = request.body(body).send().await;
        response.map_err(|error| match unread.lock().take() {
            // The HTTP client takes a file that cannot be read for a broken connection.
            Some(unread) => TransferError::reading(&source.path, unread).into(),
            None => link.broken(error),
        })
    }
}

/// Streams the file and keeps the error that reading it may end with.
fn body(file: File, size: u64, gate: Gate, unread: &Arc<Mutex<Option<io::Error>>>) -> Body {
    let unread = Arc::clone(unread);
    Body::wrap_stream(chunks(file, size, gate).map_err(move |error| {
        let kind = error.kind();
        unread.lock().replace(error);
        io::Error::from(kind)
    }))
}

async fn check_unchanged(source: &Arc<SourceFile>) -> Result<(), TransferError> {
    let source = Arc::clone(source);
    blocking(move || source.check_unchanged()).await?
}
