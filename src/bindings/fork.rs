//! Forks of the process: none happens while native code holds a lock that the child would find locked for ever.

use std::time::{Duration, Instant};

use ftrack_client::fork_gate::{FORK_GATE, TURN};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// How long a fork waits for native work: an answer of many megabytes is decoded in less.
const LONGEST_WORK: Duration = Duration::from_secs(5);

/// Has Python's forks wait for native work, from the first call on.
pub fn watch(py: Python<'_>) -> PyResult<()> {
    static WATCHED: PyOnceLock<()> = PyOnceLock::new();
    WATCHED
        .get_or_try_init(py, || {
            // Not on Windows, which has no forks.
            let Some(register) = py.import("os")?.getattr_opt("register_at_fork")? else {
                return Ok(());
            };
            let hooks = PyDict::new(py);
            hooks.set_item("before", wrap_pyfunction!(before_fork, py)?)?;
            hooks.set_item("after_in_parent", wrap_pyfunction!(after_in_parent, py)?)?;
            hooks.set_item("after_in_child", wrap_pyfunction!(after_in_child, py)?)?;
            register.call((), Some(&hooks)).map(drop)
        })
        .copied()
}

/// Waits for the work under way, and lets none begin.
#[pyfunction]
fn before_fork(py: Python<'_>) {
    let begin = Instant::now();
    FORK_GATE.close();
    // The work may need a thread that waits for Python.
    while FORK_GATE.is_busy() && begin.elapsed() < LONGEST_WORK {
        py.detach(|| std::thread::sleep(TURN));
    }
}

#[pyfunction]
fn after_in_parent() {
    FORK_GATE.open();
}

#[pyfunction]
fn after_in_child() {
    FORK_GATE.reset();
}
