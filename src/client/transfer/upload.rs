//! Uploads many files to ftrack.server.
//!
//! Batches of files pass through three stages: hashing on blocking threads, one call for the signed URLs of the whole batch, and sending. The stages overlap:
//! while the files of one batch are sent, those of the next are hashed.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::sync::mpsc;

use super::limit::{Limiter, Permit};
use super::put::Sender;
use super::source::SourceFile;
use super::tally::{Fault, Tally, admitted, blocking, concurrently};
use super::ticket::{Ticket, TicketRequest, ask};
use super::{Api, BatchError, Control, ItemRef, Progress, TransferError, TransferOptions};
use crate::checksum::{Digest, FileDigest, md5_files};

/// The most operations of one call: answers stay small enough to be signed well within the time limit of a request.
const CALL_OPERATIONS: usize = 500;

/// The first batch ends with the file that brings it to this size, so that sending starts long before everything is hashed.
const FIRST_BATCH_BYTES: u64 = 1024 * 1024 * 1024;

/// Each batch may be so many times larger than the one before: by then hashing is ahead of sending, and fewer calls are better.
const BATCH_GROWTH: u64 = 4;

/// A file that becomes the content of a component. The component need not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadItem {
    /// The component.
    pub component_id: String,
    /// The file.
    pub path: PathBuf,
    /// The name under which the file is downloaded later.
    pub file_name: String,
}

/// A file that arrived on ftrack.server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The component.
    pub component_id: String,
    /// The size of the file in bytes.
    pub size: u64,
    /// The MD5 of the file, which the storage was asked to check.
    pub md5: Digest,
}

/// Uploads the files and returns what arrived, in the order of the items.
///
/// All files are checked before anything is sent. The first failure ends the transfer. Nothing is registered in a location here: that is for the caller,
/// when everything arrived.
pub async fn upload(
    api: &dyn Api,
    items: Vec<UploadItem>,
    options: &TransferOptions,
    progress: &Progress,
    control: &Control,
) -> Result<Vec<Uploaded>, BatchError> {
    let tally = Tally::new(
        items
            .iter()
            .enumerate()
            .map(|(index, item)| item.reference(index))
            .collect(),
    );
    let sender = Sender {
        client: api.http().clone(),
        options: options.clone(),
        progress: progress.of(items.iter().map(|item| item.path.as_path())),
        control: control.clone(),
    };
    let run = Run {
        api,
        items: &items,
        sender: &sender,
        limiter: &options.concurrency.limiter(),
        tally: &tally,
    };
    tally.settle(control, options.total, run.run()).await
}

impl UploadItem {
    fn reference(&self, index: usize) -> ItemRef {
        ItemRef {
            index,
            component_id: Some(self.component_id.clone()),
            path: self.path.clone(),
        }
    }
}

#[derive(Clone, Copy)]
struct Run<'a> {
    api: &'a dyn Api,
    items: &'a [UploadItem],
    sender: &'a Sender,
    limiter: &'a Limiter,
    tally: &'a Tally,
}

/// A file that is ready to be sent.
struct Job {
    index: usize,
    source: Arc<SourceFile>,
    md5: Digest,
    ticket: Ticket,
}

impl Run<'_> {
    async fn run(self) -> Result<Vec<Uploaded>, Fault> {
        let sources = self.inspect().await?;
        for (index, source) in sources.iter().enumerate() {
            self.sender.progress.sized(index, source.size);
        }
        // The bound keeps URLs from being asked for, and from ageing, long before they are used.
        let (ready, jobs) = mpsc::channel(CALL_OPERATIONS);
        let ((), uploaded) = tokio::try_join!(self.prepare(&sources, ready), self.send(jobs))?;
        Ok(uploaded)
    }

    /// Checks all files and reports all that cannot be sent, not only the first.
    async fn inspect(self) -> Result<Vec<Arc<SourceFile>>, Fault> {
        let paths: Vec<_> = self.items.iter().map(|item| item.path.clone()).collect();
        let inspected = blocking(move || {
            paths
                .iter()
                .map(|path| SourceFile::inspect(path))
                .collect::<Vec<_>>()
        })
        .await?;
        let mut sources = Vec::with_capacity(inspected.len());
        let mut faults = Vec::new();
        for (index, result) in inspected.into_iter().enumerate() {
            match result {
                Ok(source) => sources.push(Arc::new(source)),
                Err(error) => faults.push((Some(index), error)),
            }
        }
        if faults.is_empty() {
            Ok(sources)
        } else {
            Err(Fault(faults))
        }
    }

    /// Hashes the files batch by batch and gets the URLs of each batch.
    async fn prepare(
        self,
        sources: &[Arc<SourceFile>],
        ready: mpsc::Sender<Job>,
    ) -> Result<(), Fault> {
        let sizes: Vec<_> = sources.iter().map(|source| source.size).collect();
        for batch in batches(&sizes) {
            let digests = self.hash(batch.start, &sources[batch.clone()]).await?;
            let requests: Vec<_> = batch
                .clone()
                .zip(&digests)
                .map(|(index, md5)| self.request(index, &sources[index], *md5))
                .collect();
            let tickets = ask(self.api, &requests).await?;
            for ((index, md5), ticket) in batch.zip(digests).zip(tickets) {
                // A job is not taken only when another one has failed; that one is reported.
                let _ = ready
                    .send(Job {
                        index,
                        source: Arc::clone(&sources[index]),
                        md5,
                        ticket,
                    })
                    .await;
            }
        }
        Ok(())
    }

    fn request<'b>(
        &'b self,
        index: usize,
        source: &'b SourceFile,
        md5: Digest,
    ) -> TicketRequest<'b> {
        let item = &self.items[index];
        TicketRequest {
            path: &item.path,
            component_id: &item.component_id,
            file_name: &item.file_name,
            size: source.size,
            md5,
        }
    }

    /// Hashes the files from item `first` on.
    async fn hash(self, first: usize, sources: &[Arc<SourceFile>]) -> Result<Vec<Digest>, Fault> {
        let TransferOptions { budget, hash, .. } = &self.sender.options;
        let options = hash.within(budget.size() / 2);
        let reserved = budget.reserve(options.memory(sources.len())).await;
        let paths: Vec<_> = sources.iter().map(|source| source.path.clone()).collect();
        let progress = self.sender.progress.clone();
        let (cancel, _stop) = self.sender.control.guarded();
        let results = blocking(move || {
            let _reserved = reserved;
            let advanced = |index, bytes| progress.hashed(first + index, bytes);
            md5_files(&paths, &options, &cancel, &advanced)
        });
        let mut digests = Vec::with_capacity(sources.len());
        for (result, source) in results.await?.into_iter().zip(sources) {
            digests.push(checked(result, source).map_err(|error| (first + digests.len(), error))?);
        }
        Ok(digests)
    }

    /// Sends the files as they become ready, several at a time.
    async fn send(self, mut jobs: mpsc::Receiver<Job>) -> Result<Vec<Uploaded>, Fault> {
        let jobs = stream::poll_fn(move |context| jobs.poll_recv(context));
        let sending =
            admitted(jobs, self.limiter).map(|(job, permit)| self.send_one(job, permit).boxed());
        concurrently(sending).await
    }

    async fn send_one(
        self,
        Job {
            index,
            source,
            md5,
            ticket,
        }: Job,
        permit: Permit,
    ) -> Result<(usize, Uploaded), Fault> {
        self.sender
            .send(index, &source, &ticket, &permit)
            .await
            .map_err(|error| (index, error))?;
        self.tally.arrived(index, &self.sender.progress);
        Ok((
            index,
            Uploaded {
                component_id: self.items[index].component_id.clone(),
                size: source.size,
                md5,
            },
        ))
    }
}

/// Returns the digest if it is that of the file as it was inspected.
fn checked(result: io::Result<FileDigest>, source: &SourceFile) -> Result<Digest, TransferError> {
    match result {
        Ok(FileDigest { md5, size }) if size == source.size => Ok(md5),
        Ok(_) => Err(source.changed()),
        Err(error) => Err(TransferError::reading(&source.path, error)),
    }
}

/// Cuts the files into batches of at most [`CALL_OPERATIONS`] files and of a growing number of bytes.
fn batches(sizes: &[u64]) -> Vec<Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut bytes, mut limit) = (0, 0_u64, FIRST_BATCH_BYTES);
    for (index, size) in sizes.iter().enumerate() {
        bytes = bytes.saturating_add(*size);
        if bytes >= limit || index + 1 - start == CALL_OPERATIONS || index + 1 == sizes.len() {
            batches.push(start..index + 1);
            (start, bytes, limit) = (index + 1, 0, limit.saturating_mul(BATCH_GROWTH));
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_end_at_their_bounds() {
        assert_eq!(batches(&[]), []);
        assert_eq!(batches(&[1; 50]).len(), 1);
        assert_eq!(batches(&[1; 1001]), [0..500, 500..1000, 1000..1001]);
        let limit = FIRST_BATCH_BYTES;
        assert_eq!(
            batches(&[1, limit, limit, 3 * limit, u64::MAX, 1]),
            [0..2, 2..4, 4..5, 5..6]
        );
    }
}
