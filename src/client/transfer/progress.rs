//! How far a transfer is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// What was done with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// They were hashed.
    Hash,
    /// They were sent, received or copied.
    Transfer,
}

/// A step of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressEvent {
    /// The position of the file among the items of the transfer.
    pub index: usize,
    /// What was done.
    pub phase: Phase,
    /// Bytes since the last event; negative when a retry starts the file anew.
    pub bytes: i64,
}

/// The state of a transfer at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgressSnapshot {
    /// Files that are to be moved.
    pub files: u64,
    /// Files that arrived.
    pub finished_files: u64,
    /// Bytes of all files, as far as their sizes are known.
    pub total_bytes: u64,
    /// Bytes that were hashed before they are sent.
    pub hashed_bytes: u64,
    /// Bytes that were moved.
    pub transferred_bytes: u64,
}

/// The state of one file at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProgress {
    /// The file: the source of an upload, the target of a download or copy.
    pub path: PathBuf,
    /// Its size in bytes; 0 while it is not known.
    pub size: u64,
    /// Bytes that were moved.
    pub transferred: u64,
    /// Whether it arrived.
    pub is_finished: bool,
}

/// Counts the steps of transfers and, if wanted, reports each of them. Clones share their counts.
#[derive(Clone, Default)]
pub struct Progress {
    counts: Arc<Counts>,
    /// Where the files of this transfer begin among those of all transfers that share the counts.
    first: usize,
    /// Who is told of the steps of this transfer only.
    observer: Option<Arc<dyn Fn(ProgressEvent) + Send + Sync>>,
}

#[derive(Default)]
struct Counts {
    finished_files: AtomicU64,
    total_bytes: AtomicU64,
    hashed_bytes: AtomicU64,
    transferred_bytes: AtomicU64,
    files: Mutex<Vec<FileProgress>>,
    report: Option<Box<dyn Fn(ProgressEvent) + Send + Sync>>,
}

impl Progress {
    /// Makes counters to be looked at with [`Progress::snapshot`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes counters that also call `report` at every step, from any thread. It must return quickly.
    pub fn with_report(report: impl Fn(ProgressEvent) + Send + Sync + 'static) -> Self {
        let counts = Counts {
            report: Some(Box::new(report)),
            ..Counts::default()
        };
        Self {
            counts: Arc::new(counts),
            ..Self::default()
        }
    }

    /// Returns the same counts, and calls `observer` as well at every step of a transfer that is given this.
    #[must_use]
    pub fn observed(&self, observer: impl Fn(ProgressEvent) + Send + Sync + 'static) -> Self {
        Self {
            observer: Some(Arc::new(observer)),
            ..self.clone()
        }
    }

    /// Returns the counts of this moment.
    pub fn snapshot(&self) -> ProgressSnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ProgressSnapshot {
            files: self.counts.files.lock().len() as u64,
            finished_files: read(&self.counts.finished_files),
            total_bytes: read(&self.counts.total_bytes),
            hashed_bytes: read(&self.counts.hashed_bytes),
            transferred_bytes: read(&self.counts.transferred_bytes),
        }
    }

    /// Returns the state of each file, in the order in which they were given.
    pub fn files(&self) -> Vec<FileProgress> {
        self.counts.files.lock().clone()
    }

    /// Returns the progress of a transfer of these files, which shares the counts with this one.
    #[must_use]
    pub fn of<'a>(&self, paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut files = self.counts.files.lock();
        let first = files.len();
        files.extend(paths.into_iter().map(|path| FileProgress {
            path: path.to_owned(),
            size: 0,
            transferred: 0,
            is_finished: false,
        }));
        Self {
            counts: Arc::clone(&self.counts),
            first,
            observer: self.observer.clone(),
        }
    }

    /// Notes the size of a file, once it is known.
    pub fn sized(&self, index: usize, size: u64) {
        let known = self.with_file(index, |file| std::mem::replace(&mut file.size, size));
        self.counts
            .total_bytes
            .fetch_add(size.wrapping_sub(known), Ordering::Relaxed);
    }

    pub(super) fn hashed(&self, index: usize, bytes: u64) {
        self.counts.hashed_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.report(Phase::Hash, index, bytes.cast_signed());
    }

    /// Counts bytes of a file as moved.
    pub fn transferred(&self, index: usize, bytes: u64) {
        self.moved(index, bytes.cast_signed());
    }

    /// Takes back `bytes` of a file that is moved again from its start.
    pub(super) fn rewound(&self, index: usize, bytes: u64) {
        if bytes > 0 {
            self.moved(index, -bytes.cast_signed());
        }
    }

    /// Counts a file as arrived.
    pub fn finished_file(&self, index: usize) {
        self.with_file(index, |file| file.is_finished = true);
        self.counts.finished_files.fetch_add(1, Ordering::Relaxed);
    }

    fn moved(&self, index: usize, bytes: i64) {
        // Adding the two's complement subtracts, and no count passes zero: only what was added is taken back.
        let bits = bytes.cast_unsigned();
        self.with_file(index, |file| {
            file.transferred = file.transferred.wrapping_add(bits);
        });
        self.counts
            .transferred_bytes
            .fetch_add(bits, Ordering::Relaxed);
        self.report(Phase::Transfer, index, bytes);
    }

    fn with_file<T: Default>(
        &self,
        index: usize,
        change: impl FnOnce(&mut FileProgress) -> T,
    ) -> T {
        let mut files = self.counts.files.lock();
        files
            .get_mut(self.first + index)
            .map(change)
            .unwrap_or_default()
    }

    fn report(&self, phase: Phase, index: usize, bytes: i64) {
        let event = ProgressEvent {
            index,
            phase,
            bytes,
        };
        if let Some(report) = &self.counts.report {
            report(event);
        }
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.snapshot(), formatter)
    }
}
