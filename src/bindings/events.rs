//! The connection to the event server.
//!
//! What comes is handed to Python by threads that the runtime has for work that may wait. None of them belongs to a connection: one is taken when there is something to hand
//! over, and given back afterwards, so that hubs cost no threads, and a callback that keeps Python to itself stops no socket.

use std::future::Future as _;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use ftrack_client::config::Config;
use ftrack_client::error::Error;
use ftrack_client::event_hub::{self, Backoff, Connection, Heartbeats, Options};
use ftrack_client::runtime;
use ftrack_client::transfer::Cancel;
use parking_lot::{Mutex, RwLock};
use pyo3::prelude::*;

use crate::client::secrets;
use crate::{blocking, error};

/// How long the end of the interpreter waits for a reader that is at work.
const PATIENCE: Duration = Duration::from_secs(4);

/// Carries packets to and from one event server as one user.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct EventConnection {
    config: Config,
    options: Options,
    /// Ends attempts to connect.
    closed: Cancel,
    current: Mutex<Option<Arc<Connection>>>,
}

#[pymethods]
impl EventConnection {
    #[new]
    fn new(
        server_url: String,
        api_user: String,
        api_key: String,
        headers: Vec<(String, String)>,
        cookies: Vec<(String, String)>,
        answer_heartbeats: bool,
    ) -> Self {
        let mut options = Options::default();
        if !answer_heartbeats {
            options.heartbeats = Heartbeats::Delivered;
        }
        Self {
            config: Config {
                headers: secrets(headers),
                cookies: secrets(cookies),
                ..Config::new(server_url, api_user, api_key)
            },
            options,
            closed: Cancel::new(),
            current: Mutex::new(None),
        }
    }

    /// Whether the server is there, as far as is known.
    #[getter]
    fn connected(&self) -> bool {
        self.current().is_some_and(|current| current.is_connected())
    }

    /// Seconds since anything was heard of the server; zero before the first connection.
    #[getter]
    fn silence(&self) -> f64 {
        self.current()
            .map_or(0.0, |current| current.silence().as_secs_f64())
    }

    /// Connects to the event server.
    fn connect(&self, py: Python<'_>) -> PyResult<()> {
        let (config, options) = (self.config.clone(), self.options.clone());
        let closed = self.closed.clone();
        let connected = blocking::wait(py, "connect to the event server", async move {
            closed.run(event_hub::connect(&config, &options)).await
        })?;
        let outcome = connected.unwrap_or_else(|| Err(Error::invalid("the event hub was closed")));
        let connection = outcome.map_err(|error| error::from_event_hub(py, &error))?;
        self.install(connection);
        Ok(())
    }

    /// Hands what happens to the methods of `reader` from now on, one call at a time, each perhaps on another thread; calls `served` when there is nothing more to come.
    fn serve(slf: Py<Self>, py: Python<'_>, reader: Py<PyAny>, served: Py<PyAny>) -> PyResult<()> {
        let runtime = runtime::handle().map_err(|error| error::from_event_hub(py, &error))?;
        runtime.spawn(async move {
            serve(slf, PythonObject(Arc::new(reader))).await;
            let served = PythonObject(Arc::new(served));
            served.call(|served| served.call0().map(drop)).await;
        });
        Ok(())
    }

    /// Hands nothing more to any reader; has to be called before the interpreter ends, as no thread may enter it afterwards.
    #[staticmethod]
    fn stop_serving(py: Python<'_>) {
        py.detach(|| {
            if let Some(mut has_ended) = INTERPRETER_ENDED.try_write_for(PATIENCE) {
                *has_ended = true;
            }
        });
    }

    /// Sends a packet and waits until it has left this process: for room while very many wait already, and then for a second at most.
    fn send(&self, py: Python<'_>, packet: String) -> PyResult<()> {
        let Some(current) = self.current() else {
            let error = Error::invalid("the event hub is not connected");
            return Err(error::from_event_hub(py, &error));
        };
        let runtime = runtime::handle().map_err(|error| error::from_event_hub(py, &error))?;
        let mut sending = Box::pin(async move { current.send(packet).await });
        // Mostly there is nothing to wait for, and no other thread has to be asked.
        let sent_at_once = py.detach(|| {
            let _entered = runtime.enter();
            sending
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
        });
        let sent = match sent_at_once {
            Poll::Ready(sent) => sent,
            Poll::Pending => blocking::wait(py, "send to the event server", sending)?,
        };
        sent.map_err(|error| error::from_event_hub(py, &error))
    }

    /// Ends the connection, or attempts to make one, after all packets have left; takes a few seconds at most. It cannot be connected again.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.closed.cancel();
        let Some(current) = self.current() else {
            return Ok(());
        };
        blocking::wait(py, "close the connection to the event server", async move {
            current.close().await;
        })
    }
}

impl EventConnection {
    fn current(&self) -> Option<Arc<Connection>> {
        self.current.lock().clone()
    }

    /// Keeps a connection, unless this was closed while it was made.
    fn install(&self, connection: Connection) {
        let mut current = self.current.lock();
        if !self.closed.is_cancelled() {
            *current = Some(Arc::new(connection));
        }
    }

    /// Waits for packets; `None` once the connection has ended.
    async fn receive(&self) -> Option<Vec<String>> {
        self.current()?.receive().await
    }

    /// Tries to connect until it succeeds, with at most `cap` seconds between attempts, and returns true; or false once this was closed.
    async fn connect_again(&self, cap: f64) -> bool {
        let cap = Duration::try_from_secs_f64(cap).unwrap_or(Backoff::DEFAULT_CAP);
        let attempts = event_hub::connect_again(&self.config, &self.options, Backoff::new(cap));
        if let Some(connection) = self.closed.run(attempts).await {
            self.install(connection);
        }
        !self.closed.is_cancelled()
    }
}

/// Hands over packets, connections that end and those that are made again, until there is nothing more to come.
async fn serve(connection: Py<EventConnection>, reader: PythonObject) {
    let events = connection.get();
    loop {
        while let Some(packets) = events.receive().await {
            let taken = |reader: &Bound<'_, PyAny>| {
                reader.call_method1("_on_packets", (packets,)).map(drop)
            };
            reader.call(taken).await;
        }
        let ended = |reader: &Bound<'_, PyAny>| reader.call_method0("_on_end")?.extract();
        let Some(Some(cap)) = reader.call(ended).await else {
            return;
        };
        let connected = events.connect_again(cap).await;
        let told = move |reader: &Bound<'_, PyAny>| {
            reader.call_method1("_on_again", (connected,)).map(drop)
        };
        reader.call(told).await;
        if !connected {
            return;
        }
    }
}

/// Whether nothing may enter the interpreter any more.
///
/// Whoever enters holds it for reading until done, also while Python runs: that is what the end has to wait for. It cannot lock up, as whoever waits for it is detached, and the one
/// who writes gives up after [`PATIENCE`].
static INTERPRETER_ENDED: RwLock<bool> = RwLock::new(false);

/// An object that is called from the runtime.
struct PythonObject(Arc<Py<PyAny>>);

impl PythonObject {
    /// Runs `work` where it may wait for Python; `None` if it fails, or Python is about to end.
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T> + Send + 'static,
    ) -> Option<T> {
        let object = Arc::clone(&self.0);
        let attached = move |py: Python<'_>| {
            let object = object.bind(py);
            work(object).map_err(|error| error.write_unraisable(py, Some(object)))
        };
        let called = tokio::task::spawn_blocking(move || {
            let has_ended = INTERPRETER_ENDED.read();
            if *has_ended {
                None
            } else {
                Python::try_attach(attached)
            }
        });
        called.await.ok()??.ok()
    }
}
