//! What is left of transfers when their process dies.

use std::path::PathBuf;
use std::sync::Arc;

use ftrack_client::error::chain;
use ftrack_client::publish::Noted;
use ftrack_client::transfer::journal::{
    Call, Intent, Intents, JournalError, Record, State, Unfinished,
};
use parking_lot::Mutex;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::sentence;

/// Address of the server, name of the user, id of the location, path, and data.
type CallParts = (String, String, String, String, String);

/// The unfinished transfers of a user.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct Journal {
    inner: Intents,
}

#[pymethods]
impl Journal {
    #[new]
    fn new() -> PyResult<Self> {
        let inner = Intents::of_user().map_err(|error| failure(&error))?;
        Ok(Self { inner })
    }

    #[getter]
    fn folder(&self) -> PathBuf {
        self.inner.folder().to_owned()
    }

    /// Takes over the transfer of the same call, or notes a new one.
    fn begin(
        &self,
        py: Python<'_>,
        call: CallParts,
        files: Vec<PathBuf>,
        has_container: bool,
    ) -> PyResult<TransferIntent> {
        let (server, user, location_id, path, data) = call;
        let call = Call {
            server,
            user,
            location_id,
            path,
            data,
        };
        py.detach(move || self.inner.begin(&call, &files, has_container))
            .map(TransferIntent::from)
            .map_err(|error| failure(&error))
    }

    /// Returns the transfers that did not come to their end.
    fn unfinished<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let found = py.detach(|| self.inner.unfinished());
        let found = found.map_err(|error| failure(&error))?;
        found
            .into_iter()
            .map(|transfer| description(py, transfer))
            .collect()
    }

    /// Forgets a transfer unless a process works on it.
    fn forget(&self, py: Python<'_>, id: &str) -> PyResult<bool> {
        py.detach(|| self.inner.forget(id))
            .map_err(|error| failure(&error))
    }
}

/// A transfer that this process is responsible for.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct TransferIntent {
    /// What the engine tells and asks.
    pub record: Arc<Record>,
    container_id: Option<String>,
    file_ids: Vec<String>,
    is_unchanged: bool,
    is_new: bool,
    /// Nothing once it is finished or released.
    intent: Mutex<Option<Intent>>,
}

#[pymethods]
impl TransferIntent {
    #[getter]
    fn container_id(&self) -> Option<&str> {
        self.container_id.as_deref()
    }

    #[getter]
    fn file_ids(&self) -> Vec<String> {
        self.file_ids.clone()
    }

    #[getter]
    fn is_new(&self) -> bool {
        self.is_new
    }

    #[getter]
    fn is_unchanged(&self) -> bool {
        self.is_unchanged
    }

    /// Forgets the transfer, which came to its end.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        let intent = self.intent.lock().take();
        py.detach(|| intent.map_or(Ok(()), Intent::finish))
            .map_err(|error| failure(&error))
    }

    /// Leaves the transfer to whoever makes the same call again.
    fn release(&self, py: Python<'_>) {
        let intent = self.intent.lock().take();
        py.detach(|| drop(intent));
    }
}

impl TransferIntent {
    /// Returns what is kept for a publish.
    pub fn noted(&self) -> Noted {
        Noted {
            file_ids: self.file_ids.clone(),
            is_continued: !self.is_new,
        }
    }
}

impl From<Intent> for TransferIntent {
    fn from(intent: Intent) -> Self {
        Self {
            record: Arc::clone(intent.record()),
            container_id: intent.container_id().map(str::to_owned),
            file_ids: intent.file_ids().to_vec(),
            is_unchanged: intent.state() == State::Unchanged,
            is_new: intent.state() == State::New,
            intent: Mutex::new(Some(intent)),
        }
    }
}

fn description(py: Python<'_>, transfer: Unfinished) -> PyResult<Bound<'_, PyDict>> {
    let Unfinished {
        id,
        call,
        touched_at,
        files,
        finished_files,
        bytes,
        finished_bytes,
        is_running,
    } = transfer;
    let dict = PyDict::new(py);
    dict.set_item("id", id)?;
    dict.set_item("server", call.server)?;
    dict.set_item("user", call.user)?;
    dict.set_item("location_id", call.location_id)?;
    dict.set_item("path", call.path)?;
    dict.set_item("data", call.data)?;
    dict.set_item("touched_at", touched_at)?;
    dict.set_item("files", files)?;
    dict.set_item("finished_files", finished_files)?;
    dict.set_item("bytes", bytes)?;
    dict.set_item("finished_bytes", finished_bytes)?;
    dict.set_item("is_running", is_running)?;
    Ok(dict)
}

fn failure(error: &JournalError) -> PyErr {
    PyOSError::new_err(sentence(&chain(error)))
}
