//! The embedded server, and pictures to try it with.

use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use ftrack_sandbox::media::test_pattern;
use ftrack_sandbox::seed::SeedError;
use ftrack_sandbox::{
    CallFilter, CallRecord, EncodingOptions, Endpoint, EventOptions, EventRecord, Fault,
    FaultParseError, Sandbox, SandboxOptions, SnapshotError,
};
use parking_lot::Mutex;
use pyo3::exceptions::{PyFileExistsError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::blocking;

/// A running server.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct NativeSandbox {
    /// Compared before anything is locked: in a forked process nobody is left to let go of a lock.
    process: u32,
    url: String,
    api_user: String,
    api_key: String,
    data_dir: PathBuf,
    /// Empty once the server has stopped.
    inner: Arc<Mutex<Option<Sandbox>>>,
}

/// How a server is set up, as a dictionary that holds all of it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct NativeOptions {
    data_dir: Option<PathBuf>,
    host: String,
    port: u16,
    seed: String,
    snapshot: Option<PathBuf>,
    api_user: String,
    ffmpeg: Option<PathBuf>,
    /// Seconds.
    url_expiry: f64,
    body_limit: Option<usize>,
    batch_limit: Option<usize>,
    query_depth_limit: Option<usize>,
    /// Seconds.
    heartbeat: f64,
    /// Seconds.
    heartbeat_timeout: f64,
}

impl NativeOptions {
    fn into_options(self) -> PyResult<SandboxOptions> {
        let seed = self.seed.parse();
        let seed = seed.map_err(|error: SeedError| PyValueError::new_err(error.to_string()))?;
        let host = self.host.parse().map_err(|_| {
            PyValueError::new_err(format!("{:?} is no IP address to listen on", self.host))
        })?;
        let seconds = |name: &str, value: f64| {
            Duration::try_from_secs_f64(value)
                .map_err(|error| PyValueError::new_err(format!("{name}: {error}")))
        };
        let upload_validity = seconds("url_expiry", self.url_expiry)?;
        let heartbeat = seconds("heartbeat", self.heartbeat)?;
        let close_timeout = seconds("heartbeat_timeout", self.heartbeat_timeout)?;
        if heartbeat.is_zero() {
            return Err(PyValueError::new_err("heartbeat: it takes some time"));
        }
        let usual = SandboxOptions::default();
        Ok(SandboxOptions {
            host,
            port: self.port,
            data_dir: self.data_dir,
            seed,
            snapshot: self.snapshot,
            api_user: self.api_user,
            upload_validity,
            body_limit: self.body_limit.unwrap_or(usual.body_limit),
            batch_limit: self.batch_limit.unwrap_or(usual.batch_limit),
            query_depth_limit: self.query_depth_limit.unwrap_or(usual.query_depth_limit),
            encoding: EncodingOptions {
                ffmpeg: self.ffmpeg,
                ..usual.encoding
            },
            events: EventOptions {
                heartbeat,
                close_timeout,
                ..usual.events
            },
            ..usual
        })
    }
}

#[pymethods]
impl NativeSandbox {
    /// Starts a server and waits until it is ready.
    #[new]
    fn new(py: Python<'_>, options: NativeOptions) -> PyResult<Self> {
        let options = options.into_options()?;
        let started = blocking::run(py, "start the server", move || Sandbox::start(options))?;
        let sandbox = started.map_err(|error| PyOSError::new_err(error.to_string()))?;
        Ok(Self {
            process: sandbox.process(),
            url: sandbox.url().to_owned(),
            api_user: sandbox.api_user().to_owned(),
            api_key: sandbox.api_key().to_owned(),
            data_dir: sandbox.data_dir().to_owned(),
            inner: Arc::new(Mutex::new(Some(sandbox))),
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

    /// Returns the latest requests to an endpoint, oldest first, each as a dictionary.
    fn calls<'py>(
        &self,
        py: Python<'py>,
        action: Option<String>,
        endpoint: &str,
    ) -> PyResult<Bound<'py, PyList>> {
        let known = Endpoint::from_name(endpoint)
            .ok_or_else(|| PyValueError::new_err(format!("no endpoint is called {endpoint:?}")))?;
        let filter = CallFilter {
            endpoint: Some(known),
            action,
        };
        let records = self.with(py, |sandbox| sandbox.calls(filter))?;
        let calls = PyList::empty(py);
        for record in records {
            calls.append(call_to_dict(py, record)?)?;
        }
        Ok(calls)
    }

    /// Returns the latest events of a topic, oldest first, each as a dictionary.
    fn events<'py>(&self, py: Python<'py>, topic: Option<&str>) -> PyResult<Bound<'py, PyList>> {
        let events = PyList::empty(py);
        for record in self.with(py, |sandbox| sandbox.events().records(topic))? {
            events.append(event_to_dict(py, record)?)?;
        }
        Ok(events)
    }

    /// Forgets all requests and events.
    fn clear_calls(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, Sandbox::clear_calls)
    }

    /// Sets a fault, given in its text form, and returns its id.
    fn fault(&self, py: Python<'_>, text: &str) -> PyResult<u64> {
        let fault: Fault = text
            .parse()
            .map_err(|error: FaultParseError| PyValueError::new_err(error.to_string()))?;
        Ok(self.with(py, |sandbox| sandbox.fault(fault))?.0)
    }

    /// Returns the faults that are set, each as a dictionary.
    fn faults<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let faults = PyList::empty(py);
        for status in self.with(py, Sandbox::faults)? {
            let fault = PyDict::new(py);
            fault.set_item("id", status.id.0)?;
            fault.set_item("fault", status.fault.to_string())?;
            fault.set_item("matched", status.matched)?;
            fault.set_item("fired", status.fired)?;
            faults.append(fault)?;
        }
        Ok(faults)
    }

    /// Removes all faults.
    fn clear_faults(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, Sandbox::clear_faults)
    }

    /// Returns the mails that would have been sent, oldest first, each as a dictionary.
    fn outbox<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let inner = self.here()?;
        let read = blocking::run(py, "read the mails", move || {
            inner.lock().as_ref().map(Sandbox::outbox)
        })?;
        let read = read.ok_or_else(stopped)?;
        let mails = PyList::empty(py);
        for mail in read.map_err(|error| PyOSError::new_err(error.to_string()))? {
            let entry = PyDict::new(py);
            entry.set_item("kind", mail.kind)?;
            entry.set_item("recipient_id", mail.recipient_id)?;
            entry.set_item("address", mail.address)?;
            entry.set_item("sender_id", mail.sender_id)?;
            entry.set_item("sent_at", mail.sent_at)?;
            mails.append(entry)?;
        }
        Ok(mails)
    }

    /// Returns to the state the server started with.
    fn reset(&self, py: Python<'_>) -> PyResult<()> {
        self.run(py, "reset the server", Sandbox::reset)
    }

    /// Writes data and files to a new folder.
    fn snapshot(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.run(py, "save the server", move |sandbox| {
            sandbox.snapshot(&path)
        })
    }

    /// Stops the server; does nothing the second time, and in another process than the one that started it.
    fn stop(&self, py: Python<'_>) {
        if let Ok(inner) = self.here() {
            py.detach(|| {
                let sandbox = inner.lock().take();
                drop(sandbox);
            });
        }
    }
}

impl NativeSandbox {
    /// Returns the server, unless it runs in the process from which this one was forked.
    fn here(&self) -> PyResult<Arc<Mutex<Option<Sandbox>>>> {
        if self.process == process::id() {
            Ok(Arc::clone(&self.inner))
        } else {
            Err(PyOSError::new_err(SnapshotError::Elsewhere.to_string()))
        }
    }

    fn with<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Sandbox) -> T + Send,
    ) -> PyResult<T> {
        let inner = self.here()?;
        // A reset or a snapshot holds it for long.
        py.detach(|| inner.lock().as_ref().map(work))
            .ok_or_else(stopped)
    }

    fn run<F>(&self, py: Python<'_>, action: &'static str, work: F) -> PyResult<()>
    where
        F: FnOnce(&Sandbox) -> Result<(), SnapshotError> + Send + 'static,
    {
        let inner = self.here()?;
        let done = blocking::run(py, action, move || inner.lock().as_ref().map(work))?;
        done.ok_or_else(stopped)?.map_err(|error| match error {
            SnapshotError::Exists { .. } => PyFileExistsError::new_err(error.to_string()),
            _ => PyOSError::new_err(error.to_string()),
        })
    }
}

fn stopped() -> PyErr {
    PyOSError::new_err(SnapshotError::Stopped.to_string())
}

fn call_to_dict(py: Python<'_>, record: CallRecord) -> PyResult<Bound<'_, PyDict>> {
    let bytes = |body: Option<bytes::Bytes>| body.map(|body| PyBytes::new(py, &body));
    let call = PyDict::new(py);
    call.set_item("endpoint", record.endpoint.name())?;
    call.set_item("method", record.method)?;
    call.set_item("path", record.path)?;
    call.set_item("actions", record.actions.iter().collect::<Vec<_>>())?;
    call.set_item("declared_bytes", record.declared_bytes)?;
    call.set_item("request_bytes", record.request_bytes)?;
    call.set_item("response_bytes", record.response_bytes)?;
    call.set_item("status", record.status)?;
    call.set_item("faults", record.faults)?;
    call.set_item("request_body", bytes(record.request_body))?;
    call.set_item("response_body", bytes(record.response_body))?;
    call.set_item("micros", record.micros)?;
    Ok(call)
}

fn event_to_dict(py: Python<'_>, record: EventRecord) -> PyResult<Bound<'_, PyDict>> {
    let event = PyDict::new(py);
    event.set_item("topic", record.topic)?;
    event.set_item("user", record.user)?;
    event.set_item("published_bytes", record.published_bytes)?;
    event.set_item("deliveries", record.deliveries)?;
    event.set_item("delivered_bytes", record.delivered_bytes)?;
    event.set_item("refused", record.refused)?;
    event.set_item("event", record.event.map(|json| PyBytes::new(py, &json)))?;
    Ok(event)
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
