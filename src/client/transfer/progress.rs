//! How far a transfer is.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// Counts the steps of a transfer and, if wanted, reports each of them. Clones share their counts.
#[derive(Clone, Default)]
pub struct Progress(Arc<Counters>);

#[derive(Default)]
struct Counters {
    files: AtomicU64,
    finished_files: AtomicU64,
    total_bytes: AtomicU64,
    hashed_bytes: AtomicU64,
    transferred_bytes: AtomicU64,
    report: Option<Box<dyn Fn(ProgressEvent) + Send + Sync>>,
}

impl Progress {
    /// Makes counters to be looked at with [`Progress::snapshot`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes counters that also call `report` at every step, from any thread. It must return quickly.
    pub fn with_report(report: impl Fn(ProgressEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Counters {
            report: Some(Box::new(report)),
            ..Counters::default()
        }))
    }

    /// Returns the counts of this moment.
    pub fn snapshot(&self) -> ProgressSnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ProgressSnapshot {
            files: read(&self.0.files),
            finished_files: read(&self.0.finished_files),
            total_bytes: read(&self.0.total_bytes),
            hashed_bytes: read(&self.0.hashed_bytes),
            transferred_bytes: read(&self.0.transferred_bytes),
        }
    }

    pub(super) fn expect(&self, files: usize, bytes: u64) {
        self.0.files.fetch_add(files as u64, Ordering::Relaxed);
        self.0.total_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn hashed(&self, index: usize, bytes: u64) {
        self.step(Phase::Hash, index, bytes.cast_signed());
    }

    pub(super) fn transferred(&self, index: usize, bytes: u64) {
        self.step(Phase::Transfer, index, bytes.cast_signed());
    }

    /// Takes back `bytes` of a file that is moved again from its start.
    pub(super) fn rewound(&self, index: usize, bytes: u64) {
        if bytes > 0 {
            self.step(Phase::Transfer, index, -bytes.cast_signed());
        }
    }

    pub(super) fn finished_file(&self) {
        self.0.finished_files.fetch_add(1, Ordering::Relaxed);
    }

    fn step(&self, phase: Phase, index: usize, bytes: i64) {
        let counter = match phase {
            Phase::Hash => &self.0.hashed_bytes,
            Phase::Transfer => &self.0.transferred_bytes,
        };
        // Adding the two's complement subtracts, and the count never passes zero: only what was added is taken back.
        counter.fetch_add(bytes.cast_unsigned(), Ordering::Relaxed);
        if let Some(report) = &self.0.report {
            report(ProgressEvent {
                index,
                phase,
                bytes,
            });
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.snapshot(), formatter)
    }
}
