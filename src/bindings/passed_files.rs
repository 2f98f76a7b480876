//! Files that pass through Python on their way: native code only counts them, and holds them up where a transfer is held up.

use std::path::{Path, PathBuf};

use ftrack_client::transfer::Progress;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::transfer_control::TransferControl;
use crate::{blocking, error};

/// Counts files that Python moves.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct PassedFiles {
    progress: Progress,
    control: Py<TransferControl>,
}

#[pymethods]
impl PassedFiles {
    /// Waits until bytes of a file may move, and counts them as moved; `ticking` unless another thread calls [`PassedFiles::tick`] meanwhile.
    #[pyo3(signature = (index, bytes, *, ticking=true))]
    fn admit(&self, py: Python<'_>, index: usize, bytes: u64, ticking: bool) -> PyResult<()> {
        let handle = self.control.get();
        let control = handle.control.clone();
        let tick = |py: Python<'_>| if ticking { handle.tick(py) } else { Ok(()) };
        let admitted = if control.is_free() {
            tick(py)?;
            true
        } else {
            blocking::wait_ticking(py, "wait for a transfer", &tick, async move {
                control.admitted(bytes).await
            })?
        };
        if !admitted {
            return Err(error::cancelled(py));
        }
        self.progress.transferred(index, bytes);
        Ok(())
    }

    /// Tells that files move in other threads.
    fn tick(&self, py: Python<'_>) -> PyResult<()> {
        let handle = self.control.get();
        if handle.control.is_cancelled() {
            return Err(error::cancelled(py));
        }
        handle.tick(py)
    }

    /// Counts a file of so many bytes as moved.
    fn finish(&self, index: usize, size: u64) {
        self.progress.sized(index, size);
        self.progress.finished_file(index);
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.control)
    }
}

impl PassedFiles {
    /// Begins to count files, of which the names and the probable sizes are known.
    pub fn new(control: Py<TransferControl>, files: &[(PathBuf, u64)]) -> Self {
        let names = files.iter().map(|(name, _)| Path::new(name));
        let progress = control.get().progress.of(names);
        for (index, (_, size)) in files.iter().enumerate() {
            progress.sized(index, *size);
        }
        Self { progress, control }
    }
}
