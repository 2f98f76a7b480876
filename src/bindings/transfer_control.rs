//! The native part of `ftrack_rs.Transfer`: how transfers run, how far they are, and what to do with them.

use std::num::{NonZeroU64, NonZeroUsize};

use ftrack_client::transfer::{Concurrency, Control, Progress, ProgressSnapshot, TransferOptions};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::client::Client;

/// Controls the transfers that are given it.
#[pyclass(frozen, module = "ftrack_rs._core")]
#[derive(Default)]
pub struct TransferControl {
    pub control: Control,
    pub progress: Progress,
    concurrency: Concurrency,
}

#[pymethods]
impl TransferControl {
    #[new]
    fn new(bandwidth: Option<NonZeroU64>, concurrency: Option<NonZeroUsize>) -> Self {
        let control = Control::new();
        control.limit_bandwidth(bandwidth);
        Self {
            control,
            progress: Progress::new(),
            concurrency: concurrency.map_or(Concurrency::Adaptive, |count| {
                Concurrency::Fixed(count.get())
            }),
        }
    }

    /// Stops the transfers.
    fn cancel(&self) {
        self.control.cancel();
    }

    /// Lets no more bytes move.
    fn pause(&self) {
        self.control.pause();
    }

    /// Ends a pause.
    fn resume(&self) {
        self.control.resume();
    }

    /// Limits the bytes of all transfers in a second, or lifts the limit.
    fn limit_bandwidth(&self, bandwidth: Option<NonZeroU64>) {
        self.control.limit_bandwidth(bandwidth);
    }

    /// Returns what has been counted so far.
    fn snapshot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let ProgressSnapshot {
            files,
            finished_files,
            total_bytes,
            hashed_bytes,
            transferred_bytes,
        } = self.progress.snapshot();
        let counts = PyDict::new(py);
        counts.set_item("files", files)?;
        counts.set_item("finished_files", finished_files)?;
        counts.set_item("total_bytes", total_bytes)?;
        counts.set_item("hashed_bytes", hashed_bytes)?;
        counts.set_item("transferred_bytes", transferred_bytes)?;
        Ok(counts)
    }
}

impl TransferControl {
    /// Returns the options of a transfer by `client`.
    pub fn options(&self, client: &Client) -> TransferOptions {
        TransferOptions {
            concurrency: self.concurrency,
            stall: client.timeout(),
            ..TransferOptions::default()
        }
    }
}
