//! Copies many files on disk, each put in place when it is complete.
//!
//! A copy shares the blocks of its source where the file system can do that; else the kernel copies, or, where it cannot do that either, this process. It is a
//! new file as the official client makes one: with the mode that new files get, and the time of now.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::time::timeout;

use self::reflink::reflink;
use super::limit::Permit;
use super::link::Flow;
use super::source::SourceFile;
use super::tally::{Fault, Tally, admitted, all, blocking, bounded, concurrently};
use super::target::PendingFile;
use super::{BatchError, Cancel, Control, ItemRef, Progress, TransferError, TransferOptions};
use crate::checksum::md5_files;

mod reflink;

/// Bytes that are copied before the next look at the controls: on a slow network drive too they move within a second.
const SEGMENT: u64 = 8 * 1024 * 1024;

/// How long a transfer that failed or was stopped waits for its threads. One that hangs in a system call does not end.
const CLEANING: Duration = Duration::from_millis(400);

/// How long a thread sleeps between two looks at whether others have ended.
const LOOKING: Duration = Duration::from_millis(1);

/// A file to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyItem {
    /// The component, for the report of an error.
    pub component_id: Option<String>,
    /// The file to be read.
    pub source: PathBuf,
    /// The file to be written; one that exists is replaced, unless the options [keep](super::Existing::Kept) it. Its folder must exist.
    pub target: PathBuf,
}

/// A file that was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The copy.
    pub target: PathBuf,
    /// Its size in bytes.
    pub size: u64,
}

/// Copies the files and returns what was copied in the order of the items. The first failure ends the transfer.
///
/// All sources are looked at before anything is copied, and none may change until its turn is over: what a caller knows of it would be wrong.
pub async fn copy(
    items: Vec<CopyItem>,
    options: &TransferOptions,
    progress: &Progress,
    control: &Control,
) -> Result<Vec<Copied>, BatchError> {
    let references = items.iter().enumerate().map(CopyItem::reference);
    let tally = Arc::new(Tally::new(references.collect()));
    let progress = &progress.of(items.iter().map(|item| item.target.as_path()));
    // Declared first, so that it is dropped last, also with a transfer that nobody waits for any longer.
    let (working, mut idle) = Idle::new();
    let (stop, guard) = control.guarded();
    let run = Copier {
        tally: &tally,
        options,
        progress,
        control,
        stop: &stop,
        working: &working,
    };
    let limiter = options.concurrency.limiter();
    let copying = async {
        let items = stream::iter(inspected(items).await?.into_iter().enumerate());
        let copies = admitted(items, &limiter, control)
            .map(|((index, (item, source)), place)| run.copy(index, item, source, place).boxed());
        concurrently(copies).await
    };
    let outcome = bounded(control, options.total, copying).await;
    // Until all threads have ended files may still arrive.
    drop((guard, working));
    idle.wait().await;
    outcome.map_err(|fault| tally.error(fault))
}

/// Looks at the source of each item, and reports all that cannot be copied, not only the first.
async fn inspected(items: Vec<CopyItem>) -> Result<Vec<(CopyItem, SourceFile)>, Fault> {
    let inspect = |item: CopyItem| SourceFile::inspect(&item.source).map(|source| (item, source));
    all(blocking(move || items.into_iter().map(inspect).collect()).await?)
}

/// Waits, at the latest when it is dropped, until every thread that copies has ended and taken away what it had not finished; on success that is at once.
struct Idle(Option<mpsc::Receiver<Infallible>>);

impl Idle {
    /// Returns what threads hold a clone of while they copy, and what waits for them.
    fn new() -> (mpsc::Sender<Infallible>, Self) {
        let (working, idle) = mpsc::channel(1);
        (working, Self(Some(idle)))
    }

    /// Waits without keeping a thread of the runtime.
    async fn wait(&mut self) {
        if let Some(idle) = &mut self.0 {
            // Ends with the last sender.
            let _ = timeout(CLEANING, idle.recv()).await;
        }
        self.0 = None;
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        let started = Instant::now();
        let is_working = |idle: &mut mpsc::Receiver<_>| idle.try_recv() == Err(TryRecvError::Empty);
        while self.0.as_mut().is_some_and(is_working) && started.elapsed() < CLEANING {
            thread::sleep(LOOKING);
        }
    }
}

impl CopyItem {
    fn reference((index, item): (usize, &Self)) -> ItemRef {
        ItemRef {
            index,
            component_id: item.component_id.clone(),
            path: item.target.clone(),
        }
    }
}

#[derive(Clone, Copy)]
struct Copier<'a> {
    tally: &'a Arc<Tally>,
    options: &'a TransferOptions,
    progress: &'a Progress,
    control: &'a Control,
    stop: &'a Cancel,
    working: &'a mpsc::Sender<Infallible>,
}

impl Copier<'_> {
    async fn copy(
        self,
        index: usize,
        item: CopyItem,
        source: SourceFile,
        place: Permit,
    ) -> Result<(usize, Copied), Fault> {
        let flow = Arc::new(Flow::new(index, self.progress));
        let place = Arc::new(place);
        let copy = FileCopy {
            index,
            item,
            source,
            tally: Arc::clone(self.tally),
            options: self.options.clone(),
            progress: self.progress.clone(),
            control: self.control.clone(),
            stop: self.stop.clone(),
            flow: Arc::clone(&flow),
            place: Arc::downgrade(&place),
        };
        let working = self.working.clone();
        let copied = blocking(move || {
            let copied = copy.run();
            drop(working);
            copied
        });
        let copied = copied.await.flatten().map_err(|error| (index, error))?;
        place.succeeded(&flow);
        Ok((index, copied))
    }
}

/// The copy of one file, on a thread that may block.
struct FileCopy {
    index: usize,
    item: CopyItem,
    source: SourceFile,
    tally: Arc<Tally>,
    options: TransferOptions,
    progress: Progress,
    control: Control,
    stop: Cancel,
    flow: Arc<Flow>,
    /// Belongs to whoever waits for the copy: a thread that hangs in a system call must not keep it from others.
    place: Weak<Permit>,
}

impl FileCopy {
    fn run(self) -> Result<Copied, TransferError> {
        let source = &self.source;
        let opened = source.open()?;
        let (pending, file) = PendingFile::create(&self.item.target)?;
        self.flow.sized(source.size);
        let size = self
            .content(source, &opened, &file)
            .map_err(|error| self.blame(&opened, error))?;
        if self.stop.is_cancelled() {
            return Err(TransferError::Cancelled);
        }
        source.check_unchanged()?;
        if size != source.size {
            return Err(source.changed());
        }
        if self.options.verify {
            self.verify(&pending)?;
        }
        pending.publish(&file, self.options.fsync, self.options.existing)?;
        self.tally.arrived(self.index, &self.progress);
        Ok(Copied {
            target: self.item.target,
            size,
        })
    }

    /// Copies until the source ends or the copy is stopped; returns the bytes copied.
    fn content(&self, source: &SourceFile, from: &File, to: &File) -> io::Result<u64> {
        if self.admitted(0) && reflink(from, to) {
            self.flow.advance(source.size);
            return Ok(source.size);
        }
        let (mut from, mut to, mut size) = (from, to, 0);
        while self.admitted(SEGMENT.min(source.size - size)) {
            let copied = io::copy(&mut from.by_ref().take(SEGMENT), &mut to)?;
            self.flow.advance(copied);
            size += copied;
            if copied < SEGMENT || size >= source.size {
                break;
            }
        }
        Ok(size)
    }

    /// Waits until `bytes` may move; returns whether they may before the copy is stopped.
    fn admitted(&self, bytes: u64) -> bool {
        let place = self.place.upgrade();
        let admission = self.control.admit(bytes, place.as_deref());
        let admission = self.stop.run(self.flow.excuse(admission));
        Handle::current().block_on(admission).is_some() && !self.stop.is_cancelled()
    }

    /// Tells which of the files an error is about: the kernel, which copies, does not. A source that cannot be read where the copy broke off is the one.
    fn blame(&self, mut source: &File, error: io::Error) -> TransferError {
        match source.read_exact(&mut [0]) {
            Err(reason) if reason.kind() != io::ErrorKind::UnexpectedEof => {
                TransferError::reading(&self.item.source, reason)
            }
            _ => TransferError::writing(&self.item.target, error),
        }
    }

    /// Reads both files again, side by side.
    fn verify(&self, pending: &PendingFile) -> Result<(), TransferError> {
        let paths = [self.item.source.clone(), pending.path().to_owned()];
        let mut digests = Vec::with_capacity(paths.len());
        let results = md5_files(&paths, &self.options.hash, &self.stop, &|_, _| {});
        for (result, path) in results.into_iter().zip(&paths) {
            match result {
                Err(_) if self.stop.is_cancelled() => return Err(TransferError::Cancelled),
                found => digests.push(found.map_err(|error| TransferError::reading(path, error))?),
            }
        }
        if digests[0] == digests[1] {
            Ok(())
        } else {
            Err(TransferError::CopyDiffers {
                path: self.item.target.clone(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_for_threads_holds_no_other_tasks_up() {
        let (working, mut idle) = Idle::new();
        let started = Instant::now();
        // Ends only if the other side gets its turn.
        tokio::join!(idle.wait(), async { drop(working) });
        assert!(started.elapsed() < CLEANING);
    }

    #[test]
    fn who_gives_a_copy_up_waits_for_its_threads() {
        let (working, idle) = Idle::new();
        let thread = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            let ended = Instant::now();
            drop(working);
            ended
        });
        drop(idle);
        let dropped = Instant::now();
        assert!(dropped >= thread.join().unwrap());
    }
}
