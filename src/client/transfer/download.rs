//! Downloads many files, each put in place when it is complete and verified.

use std::fmt;
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use md5_many::Md5State;
use reqwest::header::LOCATION;
use reqwest::{Client, Response, Url};

use super::limit::Permit;
use super::link::{Attempts, Failure, Flow, Link};
use super::tally::{Fault, Tally, admitted, blocking, concurrently};
use super::target::PendingFile;
use super::{BatchError, Control, ItemRef, Progress, TransferError, TransferOptions};
use crate::checksum::Digest;

/// Bytes that are collected before they are written in one piece.
const CHUNK: usize = 512 * 1024;

/// ftrack redirects `/component/get` once, to the storage or its delivery network; more hops than these are a loop.
const MAX_REDIRECTS: usize = 5;

/// A file to be fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct DownloadItem {
    /// The component, for the report of an error.
    pub component_id: Option<String>,
    /// Where the content is. The query may hold keys, so it is never printed.
    pub url: String,
    /// The file to be written; one that exists is replaced. Its folder must exist.
    pub target: PathBuf,
    /// The size in bytes that the content must have, where known.
    pub size: Option<u64>,
    /// The MD5 that the content must have, where known.
    pub md5: Option<Digest>,
}

/// A file that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// The file.
    pub target: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// Its MD5.
    pub md5: Digest,
}

/// Downloads the files and returns what arrived, in the order of the items. The first failure ends the transfer.
///
/// `client` must follow no redirects itself, see [`Api::http`](super::Api::http).
pub async fn download(
    client: &Client,
    items: Vec<DownloadItem>,
    options: &TransferOptions,
    progress: &Progress,
    control: &Control,
) -> Result<Vec<Downloaded>, BatchError> {
    let tally = Tally::new(
        items
            .iter()
            .enumerate()
            .map(|(index, item)| item.reference(index))
            .collect(),
    );
    let progress = &progress.of(items.iter().map(|item| item.target.as_path()));
    for (index, item) in items.iter().enumerate() {
        if let Some(size) = item.size {
            progress.sized(index, size);
        }
    }
    let fetcher = Fetcher {
        client,
        options,
        progress,
        tally: &tally,
        control,
    };
    let limiter = options.concurrency.limiter();
    let items = stream::iter(items.into_iter().enumerate());
    let downloads = admitted(items, &limiter)
        .map(|((index, item), permit)| fetcher.fetch(index, item, permit).boxed());
    tally
        .settle(control, options.total, concurrently(downloads))
        .await
}

impl DownloadItem {
    fn reference(&self, index: usize) -> ItemRef {
        ItemRef {
            index,
            component_id: self.component_id.clone(),
            path: self.target.clone(),
        }
    }

    fn url(&self) -> Result<Url, TransferError> {
        let invalid = |fault| TransferError::InvalidTicket {
            path: self.target.clone(),
            fault,
        };
        let url = Url::parse(&self.url).map_err(|_| invalid("the download URL is none"))?;
        if matches!(url.scheme(), "http" | "https") {
            Ok(url)
        } else {
            Err(invalid("the download URL is not HTTP"))
        }
    }

    /// Compares what arrived with what was asked for.
    fn verify(&self, link: &Link, size: u64, md5: Digest) -> Result<(), TransferError> {
        let (path, host) = (self.target.clone(), link.host.clone());
        match (self.size, self.md5) {
            (Some(expected), _) if expected != size => Err(TransferError::SizeMismatch {
                path,
                host,
                expected,
                actual: size,
            }),
            (_, Some(expected)) if expected != md5 => Err(TransferError::ChecksumMismatch {
                path,
                host,
                expected,
                actual: md5,
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for DownloadItem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DownloadItem")
            .field("component_id", &self.component_id)
            .field("target", &self.target)
            .field("size", &self.size)
            .field("md5", &self.md5)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
struct Fetcher<'a> {
    client: &'a Client,
    options: &'a TransferOptions,
    progress: &'a Progress,
    tally: &'a Tally,
    control: &'a Control,
}

impl Fetcher<'_> {
    async fn fetch(
        self,
        index: usize,
        item: DownloadItem,
        permit: Permit,
    ) -> Result<(usize, Downloaded), Fault> {
        let downloaded = self
            .attempts(index, &item, &permit)
            .await
            .map_err(|error| (index, error))?;
        self.tally.arrived(index, self.progress);
        Ok((index, downloaded))
    }

    async fn attempts(
        self,
        index: usize,
        item: &DownloadItem,
        permit: &Permit,
    ) -> Result<Downloaded, TransferError> {
        let url = item.url()?;
        let target = item.target.clone();
        let (pending, file) = blocking(move || PendingFile::create(&target)).await??;
        let file = Arc::new(file);
        let mut attempts = Attempts::new(self.options.retry);
        let (size, md5) = loop {
            let flow = Flow::new(index, self.progress);
            let started = Instant::now();
            match self.attempt(&flow, item, &url, &file).await {
                Ok(content) => {
                    permit.succeeded(flow.moved(), started.elapsed());
                    break content;
                }
                Err(failure) => {
                    flow.rewind();
                    if failure.may_pass() {
                        permit.failed();
                    }
                    attempts.pause(failure).await?;
                }
            }
        };
        drop(file);
        blocking(move || pending.publish()).await??;
        Ok(Downloaded {
            target: item.target.clone(),
            size,
            md5,
        })
    }

    async fn attempt(
        self,
        flow: &Flow,
        item: &DownloadItem,
        url: &Url,
        file: &Arc<File>,
    ) -> Result<(u64, Digest), Failure> {
        // What waits to be written, and the most that the connection adds to it at once.
        let _reserved = self.options.budget.reserve(2 * CHUNK).await;
        let mut link = Link::new(&item.target, url);
        let stall = self.options.stall;
        let response = flow.bounded(stall, self.get(&mut link, url)).await;
        let mut response = response.ok_or_else(|| link.stalled(stall))??;
        if let Some(size) = response.content_length() {
            flow.sized(size);
        }
        let mut writer = Writer::start(item, file).await?;
        while let Some(bytes) = self.next(&mut response, flow, &link).await? {
            writer.write(&bytes).await?;
        }
        let md5 = writer.finish().await?;
        item.verify(&link, flow.moved(), md5)?;
        Ok((flow.moved(), md5))
    }

    /// Waits for the next piece of the content. Only this is bounded in time, not the writing: a write that nobody waits for any longer could happen
    /// in the middle of the next attempt.
    async fn next(
        self,
        response: &mut Response,
        flow: &Flow,
        link: &Link,
    ) -> Result<Option<Bytes>, Failure> {
        let stall = self.options.stall;
        let bytes = flow
            .bounded(stall, response.chunk())
            .await
            .ok_or_else(|| link.stalled(stall))?;
        let bytes = bytes.map_err(|error| link.broken(error))?;
        let length = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        flow.advance(length);
        flow.excuse(self.control.admit(length)).await;
        Ok(bytes)
    }

    /// Asks for the content and follows redirects: no header and no part of the URL goes along, and never from HTTPS to HTTP.
    async fn get(self, link: &mut Link, url: &Url) -> Result<Response, Failure> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            *link = Link::new(&link.path, &url);
            let response = self
                .client
                .get(url.clone())
                .send()
                .await
                .map_err(|error| link.broken(error))?;
            if response.status().is_success() {
                return Ok(response);
            }
            if !response.status().is_redirection() {
                return Err(link.refused(response).await);
            }
            let location = response
                .headers()
                .get(LOCATION)
                .and_then(|location| url.join(location.to_str().ok()?).ok());
            let is_safe = |next: &Url| {
                next.scheme() == "https" || (next.scheme() == "http" && url.scheme() == "http")
            };
            url = location.filter(is_safe).ok_or_else(|| link.redirected())?;
        }
        Err(link.redirected().into())
    }
}

/// Writes and hashes what arrives, in large pieces on blocking threads.
struct Writer {
    target: PathBuf,
    file: Arc<File>,
    waiting: Vec<u8>,
    md5: Md5State,
}

impl Writer {
    /// Empties the file, which may hold what a failed attempt left.
    async fn start(item: &DownloadItem, file: &Arc<File>) -> Result<Self, TransferError> {
        let (target, file) = (item.target.clone(), Arc::clone(file));
        let empty = {
            let file = Arc::clone(&file);
            move || {
                file.set_len(0)
                    .and_then(|()| (&*file).seek(SeekFrom::Start(0)))
            }
        };
        blocking(empty)
            .await?
            .map_err(|error| TransferError::writing(&target, error))?;
        Ok(Self {
            target,
            file,
            waiting: Vec::new(),
            md5: Md5State::new(),
        })
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), TransferError> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() < CHUNK {
            Ok(())
        } else {
            self.flush().await
        }
    }

    async fn finish(mut self) -> Result<Digest, TransferError> {
        self.flush().await?;
        Ok(Digest(self.md5.finalize()))
    }

    async fn flush(&mut self) -> Result<(), TransferError> {
        let (file, mut waiting, mut md5) = (
            Arc::clone(&self.file),
            std::mem::take(&mut self.waiting),
            self.md5,
        );
        let written = blocking(move || {
            (&*file).write_all(&waiting)?;
            md5.update(&waiting);
            waiting.clear();
            Ok((waiting, md5))
        });
        (self.waiting, self.md5) = written
            .await?
            .map_err(|error| TransferError::writing(&self.target, error))?;
        Ok(())
    }
}
