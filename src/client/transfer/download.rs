//! Downloads many files, each put in place when it is complete and verified.
//!
//! The first request for a file asks for its beginning, and the answer tells how large it is. A large file comes in parts, several at a time, if the server lets
//! its versions be told apart; anything else comes in one piece. A download that was killed is continued by the next one for the same target.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use parking_lot::Mutex;
use reqwest::Client;
use tokio::sync::RwLock;
use tokio::time::timeout;

use self::checkpoint::Log;
use self::parts::Parts;
use self::writer::{MEMORY, Start, Writer};
use super::get::{Answer, Origin, Wanted};
use super::limit::{Limiter, Permit};
use super::link::{Attempts, Failure, Flow, Link};
use super::tally::{Fault, Tally, admitted, blocking, concurrently};
use super::target::PendingFile;
use super::version::Version;
use super::{BatchError, Cancel, Control, ItemRef, Progress, TransferError, TransferOptions};
use crate::checksum::Digest;

mod checkpoint;
mod parts;
mod writer;

/// Content that changes more often while its parts are fetched comes in one piece: some delivery networks have another `ETag` on each of their hosts.
const MOST_CHANGES: u32 = 2;

/// A file to be fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct DownloadItem {
    /// The component, for the report of an error.
    pub component_id: Option<String>,
    /// Where the content is. The query may hold keys, so it is never printed.
    pub url: String,
    /// The file to be written; one that exists is replaced, unless the options [keep](super::Existing::Kept) it. Its folder must exist.
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
    /// Its MD5. Of a file that came in parts it is only known if there was one to compare it with.
    pub md5: Option<Digest>,
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
    let limiter = options.concurrency.limiter();
    let (stop, _guard) = control.guarded();
    let run = Run {
        client,
        options,
        progress,
        control,
        stop: &stop,
        limiter: &limiter,
        tally: &tally,
        opaque_tags: &AtomicBool::new(false),
    };
    let items = stream::iter(items.into_iter().enumerate());
    let downloads = admitted(items, &limiter, control)
        .map(|((index, item), place)| run.item(index, item, place).boxed());
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

/// What all files of one transfer have in common.
#[derive(Clone, Copy)]
struct Run<'a> {
    client: &'a Client,
    options: &'a TransferOptions,
    progress: &'a Progress,
    control: &'a Control,
    /// Pulled also when nobody waits for the transfer any longer.
    stop: &'a Cancel,
    limiter: &'a Limiter,
    tally: &'a Tally,
    /// Whether the `ETag`s of this server were found to be no MD5s.
    opaque_tags: &'a AtomicBool,
}

/// One file on its way.
struct Fetch<'a> {
    run: Run<'a>,
    index: usize,
    item: &'a DownloadItem,
    origin: Origin,
    pending: PendingFile,
    /// Which parts of it were received.
    log: Log,
    /// Keeps the lock of the pending file.
    file: Arc<File>,
    /// Read-locked by all that may still write to it.
    writing: Arc<RwLock<()>>,
    /// The MD5 of what came under a tag that looks like another MD5.
    refuted: Mutex<Option<Digest>>,
}

/// What arrived.
#[derive(Clone, Copy)]
struct Content {
    size: u64,
    md5: Option<Digest>,
}

impl Run<'_> {
    async fn item(
        self,
        index: usize,
        item: DownloadItem,
        place: Permit,
    ) -> Result<(usize, Downloaded), Fault> {
        let arrived = self.file(index, &item, place).await;
        let Content { size, md5 } = arrived.map_err(|error| (index, error))?;
        self.tally.arrived(index, self.progress);
        let target = item.target;
        Ok((index, Downloaded { target, size, md5 }))
    }

    async fn file(
        self,
        index: usize,
        item: &DownloadItem,
        place: Permit,
    ) -> Result<Content, TransferError> {
        let origin = Origin::new(self.client, &item.url, &item.target, self.options.stall)?;
        let target = item.target.clone();
        let (pending, file) = blocking(move || PendingFile::resume(&target)).await??;
        let fetch = Fetch {
            run: self,
            index,
            item,
            origin,
            log: Log::beside(pending.path()),
            pending,
            file: Arc::new(file),
            writing: Arc::default(),
            refuted: Mutex::default(),
        };
        let content = fetch.attempts(place).await?;
        let Fetch {
            pending, log, file, ..
        } = fetch;
        drop(log);
        let (fsync, existing) = (self.options.fsync, self.options.existing);
        blocking(move || pending.publish(&file, fsync, existing)).await??;
        Ok(content)
    }
}

impl Fetch<'_> {
    /// Fetches the content, again when that may help.
    async fn attempts(&self, mut place: Permit) -> Result<Content, TransferError> {
        let mut attempts = Attempts::new(self.run.options.retry);
        let (mut changes, beginning) = (0, Wanted::Beginning(self.run.options.range));
        loop {
            let flow = Arc::new(Flow::new(self.index, self.run.progress));
            let wanted = if changes < MOST_CHANGES {
                beginning
            } else {
                Wanted::Whole
            };
            let failure = match self.attempt(&flow, wanted, place).await {
                Ok(content) => return Ok(content),
                Err(failure) => failure,
            };
            flow.rewind();
            changes += u32::from(failure.is_change());
            // Threads of this attempt may still write, which would spoil the next.
            let stall = self.run.options.stall;
            if timeout(stall, self.writing.write()).await.is_err() {
                return Err(failure.into());
            }
            attempts.pause(failure).await?;
            place = self.run.limiter.place(self.run.control).await;
        }
    }

    async fn attempt(
        &self,
        flow: &Arc<Flow>,
        wanted: Wanted<'_>,
        place: Permit,
    ) -> Result<Content, Failure> {
        let first = self.first(flow, wanted).await;
        let answer = first.inspect_err(|failure| failure.blame(&place))?;
        match answer.more() {
            Some(size) => {
                let parts = Parts::prepare(self, answer.version.clone(), size).await?;
                parts.fetch(answer, Arc::clone(flow), place).await
            }
            None => self.whole(flow, answer, place).await,
        }
    }

    /// Asks for everything instead of the beginning if what follows could belong to another version.
    async fn first(&self, flow: &Flow, wanted: Wanted<'_>) -> Result<Answer, Failure> {
        let mut answer = self.origin.get(flow, wanted).await?;
        if answer.more().is_some() && answer.version.tag.is_none() {
            answer = self.origin.get(flow, Wanted::Whole).await?;
        }
        if let Some(size) = answer.version.size {
            flow.sized(size);
        }
        match (self.item.size, answer.version.size) {
            (Some(expected), Some(actual)) if expected != actual => {
                Err(answer.link.wrong_size(expected, actual).into())
            }
            _ => Ok(answer),
        }
    }

    async fn whole(
        &self,
        flow: &Flow,
        mut answer: Answer,
        place: Permit,
    ) -> Result<Content, Failure> {
        let Run {
            options, control, ..
        } = self.run;
        let _reserved = flow.excuse(options.budget.reserve(MEMORY)).await;
        let mut writer = self.writer(Start::Anew).await?;
        let next = async |answer: &mut Answer| {
            let bytes = answer.next(flow, control, Some(&place)).await;
            bytes.inspect_err(|failure| failure.blame(&place))
        };
        while let Some(bytes) = next(&mut answer).await? {
            // Else what never ends would fill the disk.
            if let Some(expected) = self.item.size.filter(|size| flow.moved() > *size) {
                return Err(answer.link.wrong_size(expected, flow.moved()).into());
            }
            writer = writer.write(&bytes).await?;
        }
        let (size, md5) = (flow.moved(), Some(writer.finish().await?));
        place.succeeded(flow);
        self.verified(&answer.link, &answer.version, Content { size, md5 })
    }

    /// Compares what arrived with what was asked for and with what the server says of it.
    fn verified(
        &self,
        link: &Link,
        version: &Version,
        content: Content,
    ) -> Result<Content, Failure> {
        let Content { size, md5 } = content;
        if let Some(expected) = self.item.size.filter(|expected| *expected != size) {
            return Err(link.wrong_size(expected, size).into());
        }
        let Some(actual) = md5 else {
            return Ok(content);
        };
        if let Some(expected) = self.item.md5.filter(|expected| *expected != actual) {
            return Err(link.wrong_content(expected, actual).into());
        }
        match version.md5.filter(|tag| *tag != actual) {
            Some(expected) if !self.is_opaque(actual) => {
                Err(Failure::passing(link.wrong_content(expected, actual)))
            }
            _ => Ok(content),
        }
    }

    /// Returns whether tags only look like MD5s, as some storages have them: then the same content comes again.
    fn is_opaque(&self, actual: Digest) -> bool {
        let tags = self.run.opaque_tags;
        if self.refuted.lock().replace(actual) == Some(actual) {
            tags.store(true, Ordering::Relaxed);
        }
        tags.load(Ordering::Relaxed)
    }

    async fn writer(&self, start: Start) -> Result<Writer, TransferError> {
        let writing = Arc::clone(&self.writing).read_owned().await;
        Writer::open(&self.item.target, self.pending.path(), start, writing).await
    }

    fn unwritable(&self, error: io::Error) -> TransferError {
        TransferError::writing(&self.item.target, error)
    }
}
