//! The connection to the event server.

use std::sync::Arc;
use std::time::Duration;

use ftrack_client::config::Config;
use ftrack_client::error::{Error, Result};
use ftrack_client::event_hub::{self, Backoff, Connection, Heartbeats, Options};
use ftrack_client::runtime;
use ftrack_client::transfer::Cancel;
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::{blocking, error};

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
                headers,
                cookies,
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
        let connected =
            self.unless_closed(
                py,
                async move { event_hub::connect(&config, &options).await },
            )?;
        let outcome = connected.unwrap_or_else(|| Err(Error::invalid("the event hub was closed")));
        let connection = outcome.map_err(|error| error::from_event_hub(py, &error))?;
        self.install(connection);
        Ok(())
    }

    /// Tries to connect until it succeeds, with at most `cap` seconds between attempts, and returns true; or false once this was closed.
    fn connect_again(&self, py: Python<'_>, cap: f64) -> PyResult<bool> {
        let (config, options) = (self.config.clone(), self.options.clone());
        let cap = Duration::try_from_secs_f64(cap).unwrap_or(Backoff::DEFAULT_CAP);
        let connected = self.unless_closed(py, async move {
            event_hub::connect_again(&config, &options, Backoff::new(cap)).await
        })?;
        if let Some(connection) = connected {
            self.install(connection);
        }
        Ok(self.connected())
    }

    /// Sends a packet; waits only while very many wait already.
    fn send(&self, py: Python<'_>, packet: String) -> PyResult<()> {
        let Some(current) = self.current() else {
            let error = Error::invalid("the event hub is not connected");
            return Err(error::from_event_hub(py, &error));
        };
        let sent: Result<()> = py.detach(|| runtime::handle()?.block_on(current.send(packet)));
        sent.map_err(|error| error::from_event_hub(py, &error))
    }

    /// Returns the packets that have come, waiting at most `timeout` seconds for the first; none once the connection has ended.
    fn receive(&self, py: Python<'_>, timeout: f64) -> PyResult<Option<Vec<String>>> {
        let Some(current) = self.current() else {
            return Ok(None);
        };
        let limit = Duration::try_from_secs_f64(timeout).unwrap_or_default();
        let received: Result<_> = py.detach(|| {
            let receiving = async { tokio::time::timeout(limit, current.receive()).await };
            Ok(runtime::handle()?.block_on(receiving))
        });
        let received = received.map_err(|error| error::from_event_hub(py, &error))?;
        Ok(received.unwrap_or_else(|_| Some(Vec::new())))
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

    fn unless_closed<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> PyResult<Option<T>> {
        let closed = self.closed.clone();
        blocking::wait(py, "connect to the event server", async move {
            closed.run(work).await
        })
    }
}
