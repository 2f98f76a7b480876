//! Copies many files on disk, each put in place when it is complete.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use futures_util::{FutureExt as _, StreamExt as _, stream};

use super::source::SourceFile;
use super::tally::{Fault, Tally, blocking, concurrently};
use super::target::PendingFile;
use super::{BatchError, Cancel, ItemRef, Progress, TransferError, TransferOptions};

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
    cancel: &Cancel,
) -> Result<Vec<Copied>, BatchError> {
    let reference = |(index, item): (usize, &CopyItem)| ItemRef {
        index,
        component_id: None,
        path: item.target.clone(),
    };
    let tally = Tally::new(items.iter().enumerate().map(reference).collect());
    let (stop, _guard) = cancel.guarded();
    let work = Copier {
        tally: &tally,
        progress,
        stop: &stop,
    };
    let copies = stream::iter(items.into_iter().enumerate())
        .map(|(index, item)| work.copy(index, item).boxed());
    tally
        .settle(cancel, concurrently(copies, options.concurrency))
        .await
}

#[derive(Clone, Copy)]
struct Copier<'a> {
    tally: &'a Tally,
    progress: &'a Progress,
    stop: &'a Cancel,
}

impl Copier<'_> {
    async fn copy(self, index: usize, item: CopyItem) -> Result<(usize, Copied), Fault> {
        let (progress, stop) = (self.progress.clone(), self.stop.clone());
        let copied = blocking(move || copy_file(index, &item, &progress, &stop))
            .await
            .flatten();
        let copied = copied.map_err(|error| (index, error))?;
        self.tally.arrived(index, self.progress);
        Ok((index, copied))
    }
}

fn copy_file(
    index: usize,
    item: &CopyItem,
    progress: &Progress,
    stop: &Cancel,
) -> Result<Copied, TransferError> {
    let source = SourceFile::inspect(&item.source)?;
    let opened = source.open()?;
    let (pending, file) = PendingFile::create(&item.target)?;
    progress.expect(1, source.size);
    let size = copy_content(index, &opened, &file, progress, stop)
        .map_err(|error| TransferError::writing(&item.target, error))?;
    if stop.is_cancelled() {
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
fn copy_content(
    index: usize,
    mut source: &File,
    mut target: &File,
    progress: &Progress,
    stop: &Cancel,
) -> io::Result<u64> {
    let mut size = 0;
    while !stop.is_cancelled() {
        let copied = io::copy(&mut source.by_ref().take(SEGMENT), &mut target)?;
        progress.transferred(index, copied);
        size += copied;
        if copied < SEGMENT {
            break;
        }
    }
    Ok(size)
}
