//! The native part of `ftrack_rs.Transfer`: how transfers run, how far they are, and what to do with them.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;

use ftrack_client::transfer::journal::{Journal, Record};
use ftrack_client::transfer::{
    Concurrency, Control, FileProgress, Fsync, Progress, ProgressSnapshot, TransferOptions,
};
use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::client::Client;
use crate::journal::TransferIntent;
use crate::passed_files::PassedFiles;

/// Controls the transfers that are given it.
#[pyclass(frozen, module = "ftrack_rs._core")]
#[derive(Default)]
pub struct TransferControl {
    pub control: Control,
    pub progress: Progress,
    concurrency: Concurrency,
    verify: bool,
    fsync: Fsync,
    /// Called ten times a second while the transfer of one call runs.
    on_tick: Option<Py<PyAny>>,
    /// What is kept of the call beyond this process.
    record: Option<Arc<Record>>,
}

#[pymethods]
impl TransferControl {
    #[new]
    #[pyo3(signature = (bandwidth, concurrency, verify=false, fsync="never"))]
    fn new(
        bandwidth: Option<NonZeroU64>,
        concurrency: Option<NonZeroUsize>,
        verify: bool,
        fsync: &str,
    ) -> PyResult<Self> {
        let control = Control::new();
        control.limit_bandwidth(bandwidth);
        Ok(Self {
            control,
            progress: Progress::new(),
            concurrency: concurrency.map_or(Concurrency::Adaptive, |count| {
                Concurrency::Fixed(count.get())
            }),
            verify,
            fsync: fsync_of(fsync)?,
            on_tick: None,
            record: None,
        })
    }

    /// Returns the control of one call, which is a part of this one.
    #[pyo3(signature = (on_tick, intent=None))]
    fn of_call(&self, on_tick: Py<PyAny>, intent: Option<&Bound<'_, TransferIntent>>) -> Self {
        Self {
            control: self.control.clone(),
            progress: self.progress.clone(),
            concurrency: self.concurrency,
            verify: self.verify,
            fsync: self.fsync,
            on_tick: Some(on_tick),
            record: intent.map(|intent| Arc::clone(&intent.get().record)),
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

    /// Returns how many files and parts of files move at the same time, if that is fixed.
    #[getter]
    fn concurrency(&self) -> Option<usize> {
        match self.concurrency {
            Concurrency::Adaptive => None,
            Concurrency::Fixed(count) => Some(count),
        }
    }

    /// Begins to count files that Python moves: of each the name and the probable size.
    #[expect(clippy::needless_pass_by_value, reason = "Python gives them away")]
    fn passed_files(control: Py<Self>, files: Vec<(PathBuf, u64)>) -> PassedFiles {
        PassedFiles::new(control, &files)
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

    /// Returns of each file the path, the size, how many bytes were moved, and whether it arrived.
    fn files(&self, py: Python<'_>) -> Vec<(PathBuf, u64, u64, bool)> {
        let files = py.detach(|| self.progress.files());
        let row = |file: FileProgress| (file.path, file.size, file.transferred, file.is_finished);
        files.into_iter().map(row).collect()
    }

    // Nothing to clear: what is called back is changeable, as each cycle that leads here has to be somewhere.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.on_tick)
    }
}

impl TransferControl {
    /// Tells Python that the transfer still runs; what that raises is to end it.
    pub fn tick(&self, py: Python<'_>) -> PyResult<()> {
        match &self.on_tick {
            Some(on_tick) => on_tick.call0(py).map(drop),
            None => Ok(()),
        }
    }

    /// Returns the options of a transfer, by `client` if it is not on disk.
    pub fn options(&self, client: Option<&Client>) -> TransferOptions {
        let usual = TransferOptions::default();
        TransferOptions {
            concurrency: self.concurrency,
            verify: self.verify,
            fsync: self.fsync,
            stall: client.map_or(usual.stall, Client::timeout),
            journal: self.record.clone().map(|record| record as Arc<dyn Journal>),
            ..usual
        }
    }
}

fn fsync_of(name: &str) -> PyResult<Fsync> {
    match name {
        "never" => Ok(Fsync::Never),
        "file" => Ok(Fsync::File),
        "folder" => Ok(Fsync::FileAndFolder),
        _ => Err(PyValueError::new_err(format!(
            "fsync has to be 'never', 'file' or 'folder', not '{name}'."
        ))),
    }
}
