//! Copies many files on disk, each put in place when it is complete.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::time::Instant;

use futures_util::{FutureExt as _, StreamExt as _, stream};

use super::limit::Permit;
use super::source::SourceFile;
use super::tally::{Fault, Tally, admitted, blocking, concurrently};
use super::target::PendingFile;
use super::{BatchError, Cancel, Control, ItemRef, Progress, TransferError, TransferOptions};

/// Bytes that are copied before the next look at the cancel switch. The kernel copies them without passing them through this process, where it can.
const SEGMENT: u64 = 16 * 1024 * 1024;

/// A file to be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyItem {
    /// The file to be read.
    pub source: PathBuf,
    /// The file to be written; one that exists is replaced. Its folder must exist.
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

/// Copies the files, with their permissions, and returns what was copied in the order of the items. The first failure ends the transfer.
pub async fn copy(
    items: Vec<CopyItem>,
    options: &TransferOptions,
    progress: &Progress,
    control: &Control,
) -> Result<Vec<Copied>, BatchError> {
    let reference = |(index, item): (usize, &CopyItem)| ItemRef {
        index,
        component_id: None,
        path: item.target.clone(),
    };
    let tally = Tally::new(items.iter().enumerate().map(reference).collect());
    let progress = &progress.of(items.iter().map(|item| item.target.as_path()));
    let (stop, _guard) = control.guarded();
    let work = Copier {
        tally: &tally,
        progress,
        stop: &stop,
        control,
    };
    let limiter = options.concurrency.limiter();
    let items = stream::iter(items.into_iter().enumerate());
    let copies = admitted(items, &limiter)
        .map(|((index, item), permit)| work.copy(index, item, permit).boxed());
    tally
        .settle(control, options.total, concurrently(copies))
        .await
}

#[derive(Clone, Copy)]
struct Copier<'a> {
    tally: &'a Tally,
    progress: &'a Progress,
    stop: &'a Cancel,
    control: &'a Control,
}

impl Copier<'_> {
    async fn copy(
        self,
        index: usize,
        item: CopyItem,
        permit: Permit,
    ) -> Result<(usize, Copied), Fault> {
        let steps = Steps {
            index,
            progress: self.progress.clone(),
            control: self.control.clone(),
            stop: self.stop.clone(),
        };
        let started = Instant::now();
        let copied = blocking(move || copy_file(&item, &steps)).await.flatten();
        let copied = copied.map_err(|error| (index, error))?;
        permit.succeeded(copied.size, started.elapsed());
        self.tally.arrived(index, self.progress);
        Ok((index, copied))
    }
}

/// What the copying of one file reports to and obeys, on its blocking thread.
struct Steps {
    index: usize,
    progress: Progress,
    control: Control,
    stop: Cancel,
}

fn copy_file(item: &CopyItem, steps: &Steps) -> Result<Copied, TransferError> {
    let source = SourceFile::inspect(&item.source)?;
    let opened = source.open()?;
    let (pending, file) = PendingFile::create(&item.target)?;
    steps.progress.sized(steps.index, source.size);
    let size = copy_content(&opened, &file, steps)
        .map_err(|error| TransferError::writing(&item.target, error))?;
    if steps.stop.is_cancelled() {
        return Err(TransferError::Cancelled);
    }
    source.check_unchanged()?;
    if size != source.size {
        return Err(source.changed());
    }
    let permissions = opened
        .metadata()
        .map_err(|error| TransferError::reading(&item.source, error))?
        .permissions();
    file.set_permissions(permissions)
        .map_err(|error| TransferError::writing(&item.target, error))?;
    pending.publish()?;
    Ok(Copied {
        target: item.target.clone(),
        size,
    })
}

/// Copies until the source ends or the copy is stopped; returns the bytes copied.
fn copy_content(mut source: &File, mut target: &File, steps: &Steps) -> io::Result<u64> {
    let Steps {
        index,
        progress,
        control,
        stop,
    } = steps;
    let mut size = 0;
    // What has been copied counts for the next segment, whose length is not known before.
    let mut copied = 0;
    while control.admit_blocking(copied, stop) {
        copied = io::copy(&mut source.by_ref().take(SEGMENT), &mut target)?;
        progress.transferred(*index, copied);
        size += copied;
        if copied < SEGMENT {
            break;
        }
    }
    Ok(size)
}
