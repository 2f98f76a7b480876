//! Waiting for the network without holding up Python.
//!
//! The work runs on the runtime of the process while the calling thread waits for it, detached from the interpreter. Ten times a second that thread looks for signals, so that
//! Ctrl-C works everywhere.

use std::future::Future;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use ftrack_client::runtime;
use parking_lot::Mutex;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

use crate::error;

/// How long a signal may go unnoticed.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(100);

/// How long work that was given up may take to clean up behind itself. Together with [`SIGNAL_INTERVAL`] well below the second within which Ctrl-C has to work.
const SETTLING: Duration = Duration::from_millis(500);

/// What else the waiting thread does ten times a second; an error ends the work.
pub type Tick<'a> = &'a dyn Fn(Python<'_>) -> PyResult<()>;

/// Runs `work` to its end and returns what it gives. A signal whose handler raises drops the work, wherever it is.
///
/// `action` completes the sentence "native code failed to ..." for a panic.
pub fn wait<T, F>(py: Python<'_>, action: &str, work: F) -> PyResult<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    wait_ticking(py, action, &|_| Ok(()), work)
}

/// Like [`wait`], and calls `tick` meanwhile.
pub fn wait_ticking<T, F>(py: Python<'_>, action: &str, tick: Tick<'_>, work: F) -> PyResult<T>
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
    let receiver = Mutex::new(receiver);
    let result = receive(py, action, &receiver, tick);
    if result.is_err() {
        task.abort();
        // The sender goes with the work, and what that cleans up: the process may end right after this.
        let _ = py.detach(|| receiver.lock().recv_timeout(SETTLING));
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
    // Unlike the plain function, which panics, this tells if the system has no more threads.
    let thread = thread::Builder::new().name(String::from("ftrack-work"));
    thread
        .spawn(move || {
            let _ = sender.send(work());
        })
        .map_err(|cause| {
            PyOSError::new_err(format!("Cannot start a thread to {action}: {cause}."))
        })?;
    receive(py, action, &Mutex::new(receiver), &|_| Ok(()))
}

/// Waits for what the work gives. The receiver is locked only while Python runs elsewhere.
fn receive<T: Send>(
    py: Python<'_>,
    action: &str,
    receiver: &Mutex<Receiver<T>>,
    tick: Tick<'_>,
) -> PyResult<T> {
    loop {
        match py.detach(|| receiver.lock().recv_timeout(SIGNAL_INTERVAL)) {
            Ok(value) => return Ok(value),
            Err(RecvTimeoutError::Timeout) => {
                py.check_signals()?;
                tick(py)?;
            }
            Err(RecvTimeoutError::Disconnected) => return Err(error::from_panic(action)),
        }
    }
}
