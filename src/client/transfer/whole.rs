//! Files that are sent whole: each is hashed before, so that the storage can check it by its MD5.
//!
//! Batches of files pass through three stages: hashing on blocking threads, one call for the signed URLs of the whole batch, and sending. The stages overlap:
//! while the files of one batch are sent, those of the next are hashed.

use std::ops::Range;
use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::sync::mpsc;

use super::limit::Permit;
use super::parts::Part;
use super::put::{Put, Sender};
use super::seen::md5_of;
use super::tally::{Fault, admitted, concurrently};
use super::ticket::{Content, RENEWALS, Ticket, ask, ask_one};
use super::upload::{Checked, Run};
use super::{TransferError, Uploaded};
use crate::checksum::Digest;

/// The most operations of one call: answers stay small enough to be signed well within the time limit of a request.
const CALL_OPERATIONS: usize = 500;

/// The first batch ends with the file that brings it to this size, so that sending starts long before everything is hashed.
const FIRST_BATCH_BYTES: u64 = 64 * 1024 * 1024;

/// Each batch may be so many times larger than the one before: by then hashing is ahead of sending, and fewer calls are better.
const BATCH_GROWTH: u64 = 4;

/// A file that is ready to be sent.
struct Job {
    file: Checked,
    md5: Digest,
    ticket: Ticket,
}

/// Sends the files and returns what arrived, with the index of each.
pub(super) async fn send(
    run: Run<'_>,
    files: Vec<Checked>,
) -> Result<Vec<(usize, Uploaded)>, Fault> {
    // The bound keeps URLs from being asked for, and from ageing, long before they are used.
    let (ready, mut jobs) = mpsc::channel(CALL_OPERATIONS);
    let jobs = stream::poll_fn(move |context| jobs.poll_recv(context));
    let sending = admitted(jobs, run.limiter, &run.sender.control)
        .map(|(job, permit)| send_one(run, job, permit).boxed());
    let ((), uploaded) = tokio::try_join!(prepare(run, files, ready), concurrently(sending))?;
    Ok(uploaded)
}

/// Hashes the files batch by batch and gets the URLs of each batch.
async fn prepare(run: Run<'_>, files: Vec<Checked>, ready: mpsc::Sender<Job>) -> Result<(), Fault> {
    let sizes: Vec<_> = files.iter().map(|file| file.source.size).collect();
    for batch in batches(&sizes) {
        let batch = &files[batch];
        let digests = hash(run, batch).await?;
        let pairs = batch.iter().zip(&digests);
        let requests: Vec<_> = pairs
            .map(|(file, md5)| run.request(file, Content::Whole(*md5)))
            .collect();
        let tickets = ask(run.api, &requests).await?;
        for ((file, md5), ticket) in batch.iter().cloned().zip(digests).zip(tickets) {
            // A job is not taken only when another one has failed; that one is reported.
            let _ = ready.send(Job { file, md5, ticket }).await;
        }
    }
    Ok(())
}

/// Returns the MD5 of each file; those that are known already are not read for that.
async fn hash(run: Run<'_>, files: &[Checked]) -> Result<Vec<Digest>, Fault> {
    let unknown: Vec<_> = files.iter().filter(|file| file.md5.is_none()).collect();
    let sources = unknown.iter().map(|file| Arc::clone(&file.source));
    let indexes: Vec<_> = unknown.iter().map(|file| file.index).collect();
    let progress = run.sender.progress.clone();
    let advanced = move |position: usize, bytes| progress.hashed(indexes[position], bytes);
    let Sender {
        options, control, ..
    } = run.sender;
    let mut hashed = md5_of(sources.collect(), options, control, advanced)
        .await?
        .into_iter();
    let digests = files.iter().map(|file| {
        // There is a result for each file whose MD5 is not known.
        let md5 = file.md5.map(Ok).or_else(|| hashed.next());
        let md5 = md5.unwrap_or(Err(TransferError::WorkerLost));
        md5.map_err(|error| (file.index, error).into())
    });
    digests.collect()
}

async fn send_one(
    run: Run<'_>,
    job: Job,
    permit: Permit,
) -> Result<(usize, (usize, Uploaded)), Fault> {
    let Job { file, md5, ticket } = job;
    put(run, &file, md5, ticket, permit)
        .await
        .map_err(|error| (file.index, error))?;
    Ok((file.index, run.arrived(&file, Some(md5))))
}

/// Sends one file, by another URL if the first has expired.
async fn put(
    run: Run<'_>,
    file: &Checked,
    md5: Digest,
    mut ticket: Ticket,
    permit: Permit,
) -> Result<(), TransferError> {
    let permit = Arc::new(permit);
    let mut renewals = RENEWALS;
    loop {
        let put = Put {
            index: file.index,
            source: &file.source,
            part: Part::whole(file.source.size),
            url: &ticket.url,
            headers: ticket.headers.clone(),
            lanes: None,
        };
        match run.sender.put(&put, &permit).await {
            Err(failure) if failure.wants_new_url() && renewals > 0 => renewals -= 1,
            outcome => return Ok(outcome.map(drop)?),
        }
        ticket = ask_one(run.api, run.request(file, Content::Whole(md5))).await?;
    }
}

/// Cuts the files into batches of at most [`CALL_OPERATIONS`] files and of a growing number of bytes.
pub(super) fn batches(sizes: &[u64]) -> Vec<Range<usize>> {
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
