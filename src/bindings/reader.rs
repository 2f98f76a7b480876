//! Content on a server as a file-like object.

use std::sync::Arc;

use ftrack_client::transfer::Reader;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokio::sync::Mutex;

use crate::{blocking, error};

/// Content on a server that is fetched as it is read.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct ContentReader {
    /// None once it is closed.
    reader: Arc<Mutex<Option<Reader>>>,
}

#[pymethods]
impl ContentReader {
    /// Returns at most `limit` bytes from the current position; all that is left if it is negative.
    #[pyo3(signature = (limit=-1), text_signature = "($self, limit=-1)")]
    fn read<'py>(&self, py: Python<'py>, limit: isize) -> PyResult<Bound<'py, PyBytes>> {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let reader = Arc::clone(&self.reader);
        let read = blocking::wait(py, "read a file", async move {
            let mut reader = reader.lock().await;
            Some(reader.as_mut()?.read(most).await)
        })?;
        let content = read.ok_or_else(closed)?;
        let content = content.map_err(|error| error::from_reading(py, &error))?;
        Ok(PyBytes::new(py, &content))
    }

    /// Moves the current position and returns it.
    #[pyo3(signature = (offset, whence=0))]
    fn seek(&self, py: Python<'_>, offset: i64, whence: u8) -> PyResult<u64> {
        let start = match whence {
            0 => 0,
            1 => self.tell(py)?,
            2 => self.size(py)?,
            _ => return Err(PyValueError::new_err("whence has to be 0, 1 or 2.")),
        };
        let position = start.checked_add_signed(offset).ok_or_else(|| {
            PyValueError::new_err("There is no position before the start of a file.")
        })?;
        self.open(py, move |reader| reader.seek(position))?;
        Ok(position)
    }

    /// Returns the current position.
    fn tell(&self, py: Python<'_>) -> PyResult<u64> {
        self.open(py, |reader| reader.position())
    }

    /// Lets go of the connection; nothing can be read any more.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, |reader| drop(reader.take()))
    }
}

impl ContentReader {
    /// Makes the object for what `reader` reads.
    pub fn new(reader: Reader) -> Self {
        Self {
            reader: Arc::new(Mutex::new(Some(reader))),
        }
    }

    fn size(&self, py: Python<'_>) -> PyResult<u64> {
        let reader = Arc::clone(&self.reader);
        let size = blocking::wait(py, "ask for the size of a file", async move {
            let mut reader = reader.lock().await;
            Some(reader.as_mut()?.size().await)
        })?;
        let size = size.ok_or_else(closed)?;
        size.map_err(|error| error::from_reading(py, &error))
    }

    fn open<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Reader) -> T + Send + 'static,
    ) -> PyResult<T> {
        self.with(py, |reader| reader.as_mut().map(work))?
            .ok_or_else(closed)
    }

    /// Waits for its turn if another thread is reading, which may take as long as the network does.
    fn with<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Option<Reader>) -> T + Send + 'static,
    ) -> PyResult<T> {
        if let Ok(mut reader) = self.reader.try_lock() {
            return Ok(work(&mut reader));
        }
        let reader = Arc::clone(&self.reader);
        blocking::wait(py, "wait for a file", async move {
            work(&mut *reader.lock().await)
        })
    }
}

fn closed() -> PyErr {
    PyValueError::new_err("I/O operation on closed file.")
}
