//! Waiting for the network without holding up Python.
//!
//! The work runs on the runtime of the process while the calling thread waits for it, detached from the interpreter. Ten times a second that thread looks for signals, so that
//! Ctrl-C works everywhere.

use std::future::Future;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use ftrack_client::runtime;
use pyo3::prelude::*;

use crate::error;

/// How long a signal may go unnoticed.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// Runs `work` to its end and returns what it gives. A signal whose handler raises drops the work, wherever it is.
///
/// `action` completes the sentence "native code failed to ..." for a panic.
pub fn wait<T, F>(py: Python<'_>, action: &str, work: F) -> PyResult<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let runtime = runtime::handle().map_err(|error| error::from_client(py, &error))?;
    let (sender, receiver) = channel();
    let task = runtime.spawn(async move {
        // Nobody listens any more only after a signal.
        let _ = sender.send(work.await);
    });
    let result = receive(py, action, receiver);
    if result.is_err() {
        task.abort();
    }
    result
}

/// Runs `work` on a thread of its own, for work that is no future. A signal leaves it to end by itself.
pub fn run<T, F>(py: Python<'_>, action: &str, work: F) -> PyResult<T>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let _ = sender.send(work());
    });
    receive(py, action, receiver)
}

fn receive<T: Send>(py: Python<'_>, action: &str, receiver: Receiver<T>) -> PyResult<T> {
    let mut receiver = Some(receiver);
    loop {
        let waiting = receiver.take();
        let (answer, waiting) = py.detach(move || match waiting {
            Some(waiting) => (waiting.recv_timeout(SIGNAL_INTERVAL), Some(waiting)),
            None => (Err(RecvTimeoutError::Disconnected), None),
        });
        receiver = waiting;
        match answer {
            Ok(value) => return Ok(value),
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            Err(RecvTimeoutError::Disconnected) => return Err(error::from_panic(action)),
        }
    }
}
