//! The embedded server, and pictures to try it with.

use std::path::PathBuf;

use ftrack_sandbox::media::test_pattern;
use ftrack_sandbox::seed::{Seed, SeedError};
use ftrack_sandbox::{EncodingOptions, Sandbox, SandboxOptions};
use parking_lot::Mutex;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::blocking;

/// A running server.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct NativeSandbox {
    url: String,
    api_user: String,
    api_key: String,
    data_dir: PathBuf,
    inner: Mutex<Option<Sandbox>>,
}

#[pymethods]
impl NativeSandbox {
    /// Starts a server and waits until it is ready.
    #[new]
    fn new(
        py: Python<'_>,
        data_dir: Option<PathBuf>,
        port: u16,
        seed: &str,
        ffmpeg: Option<PathBuf>,
    ) -> PyResult<Self> {
        let seed: Seed = seed
            .parse()
            .map_err(|error: SeedError| PyValueError::new_err(error.to_string()))?;
        let options = SandboxOptions {
            port,
            data_dir,
            seed,
            encoding: EncodingOptions {
                ffmpeg,
                ..EncodingOptions::default()
            },
            ..SandboxOptions::default()
        };
        let started = blocking::run(py, "start the server", move || Sandbox::start(options))?;
        let sandbox = started.map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(Self {
            url: sandbox.url().to_owned(),
            api_user: sandbox.api_user().to_owned(),
            api_key: sandbox.api_key().to_owned(),
            data_dir: sandbox.data_dir().to_owned(),
            inner: Mutex::new(Some(sandbox)),
        })
    }

    #[getter]
    fn url(&self) -> &str {
        &self.url
    }

    #[getter]
    fn api_user(&self) -> &str {
        &self.api_user
    }

    #[getter]
    fn api_key(&self) -> &str {
        &self.api_key
    }

    #[getter]
    fn data_dir(&self) -> PathBuf {
        self.data_dir.clone()
    }

    /// Returns the latest calls, oldest first, each as a dictionary.
    fn calls<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let records = self
            .inner
            .lock()
            .as_ref()
            .map(Sandbox::calls)
            .unwrap_or_default();
        let calls = PyList::empty(py);
        for record in records {
            let call = PyDict::new(py);
            call.set_item("actions", record.actions)?;
            call.set_item("request_bytes", record.request_bytes)?;
            call.set_item("response_bytes", record.response_bytes)?;
            call.set_item("micros", record.micros)?;
            calls.append(call)?;
        }
        Ok(calls)
    }

    /// Stops the server; does nothing the second time.
    fn stop(&self, py: Python<'_>) {
        let sandbox = self.inner.lock().take();
        py.detach(|| drop(sandbox));
    }
}

/// Draws an animated sequence of PNG files and returns their paths.
#[pyfunction]
pub fn draw_frames(
    py: Python<'_>,
    folder: PathBuf,
    stem: String,
    count: usize,
    width: u32,
    height: u32,
) -> PyResult<Vec<PathBuf>> {
    if width == 0 || height == 0 {
        return Err(PyValueError::new_err("pictures need a width and a height"));
    }
    let drawn = blocking::run(py, "draw frames", move || {
        test_pattern::draw_frames(&folder, &stem, count, width, height)
    })?;
    Ok(drawn?)
}
