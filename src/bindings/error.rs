//! Failures as the exceptions of `ftrack_rs.exception`.

use std::io;
use std::path::Path;

use ftrack_client::error::{Error, ErrorKind, Outcome, chain};
use ftrack_client::publish::PublishError;
use ftrack_client::transfer::{BatchError, ItemRef, TransferError, TransferErrorKind};
use ftrack_client::transport::Transport;
use ftrack_protocol::expression::ParseError;
use pyo3::exceptions::{PyKeyError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// The exception for most failures of transfers.
const OPERATION_FAILED: &str = "AccessorOperationFailedError";

/// Returns the exception for a failure of the client.
pub fn from_client(py: Python<'_>, error: &Error) -> PyErr {
    match error {
        // The form that scripts look into.
        Error::Server {
            exception, content, ..
        }
        | Error::Auth {
            exception, content, ..
        } => server_error(
            py,
            &format!("Server reported error: {exception}({content})"),
        ),
        Error::AnswerLost { outcome, .. } => answer_lost(py, error, *outcome),
        Error::UnknownEntityType { name } => new(py, "UnrecognisedEntityTypeError", (name,)),
        _ => from_kind(py, error.kind(), &sentence(&error.to_string())),
    }
}

/// Returns the exception for a kind of failure whose text says everything.
fn from_kind(py: Python<'_>, kind: ErrorKind, text: &str) -> PyErr {
    match kind {
        ErrorKind::InvalidArgument => PyValueError::new_err(text.to_owned()),
        ErrorKind::UnknownAttribute => PyKeyError::new_err(text.to_owned()),
        ErrorKind::NoResult => new(py, "NoResultFoundError", (text,)),
        ErrorKind::MultipleResults => new(py, "MultipleResultsFoundError", (text,)),
        ErrorKind::Io => operation_failed(py, "transfer", text),
        // A server that cannot be reached or understood: the official client lets errors of its HTTP library through, which nobody can rely on here.
        ErrorKind::Server
        | ErrorKind::Auth
        | ErrorKind::Connection
        | ErrorKind::Timeout
        | ErrorKind::Tls
        | ErrorKind::Decode
        | ErrorKind::UnknownEntityType => server_error(py, text),
    }
}

/// Returns the exception for a failure to exchange events.
pub fn from_event_hub(py: Python<'_>, error: &Error) -> PyErr {
    let details = PyDict::new(py);
    match details.set_item("is_refused", matches!(error, Error::Auth { .. })) {
        Ok(()) => with_details(py, "EventHubConnectionError", error, details),
        Err(error) => error,
    }
}

/// Returns the exception for changes whose answer was lost; its details tell what became of them.
fn answer_lost(py: Python<'_>, error: &Error, outcome: Option<Outcome>) -> PyErr {
    let details = PyDict::new(py);
    let applied = outcome.map(|outcome| outcome == Outcome::Made);
    match details.set_item("applied", applied) {
        Ok(()) => with_details(py, "AnswerLostError", error, details),
        Err(error) => error,
    }
}

/// Makes an exception whose details hold its text, so that braces in it stay as they are.
fn with_details(py: Python<'_>, name: &str, error: &Error, details: Bound<'_, PyDict>) -> PyErr {
    match details.set_item("reason", sentence(&error.to_string())) {
        Ok(()) => new(py, name, ("{reason}", details)),
        Err(error) => error,
    }
}

/// Returns the exception for a text that is no expression of events.
pub fn from_expression(py: Python<'_>, error: &ParseError) -> PyErr {
    let details = PyDict::new(py);
    match details.set_item("reason", error.to_string()) {
        Ok(()) => new(py, "ParseError", ("Failed to parse: {reason}.", details)),
        Err(error) => error,
    }
}

/// Returns the exception for files that could not be moved. Its details name the components that were, and those that were not; and where the operating system refused, the name of
/// its reason, the path, and which end of the transfer that is.
pub fn from_transfer(py: Python<'_>, action: &str, error: &BatchError) -> PyErr {
    let ids = |item: &ItemRef| item.component_id.clone();
    let transferred: Vec<_> = error.transferred.iter().filter_map(ids).collect();
    let failed: Vec<_> = error
        .failed
        .iter()
        .filter_map(|(item, _)| ids(item))
        .collect();
    let made = of_transfer(py, action, &error.cause, &sentence(&chain(error)));
    let added = details(&made, py).and_then(|details| {
        details.set_item("transferred", transferred)?;
        details.set_item("failed", failed)
    });
    added.err().unwrap_or(made)
}

/// Returns the exception for content that could not be read.
pub fn from_reading(py: Python<'_>, error: &TransferError) -> PyErr {
    of_transfer(py, "read", error, &sentence(&chain(error)))
}

/// Returns the exception for a transfer that was stopped.
pub fn cancelled(py: Python<'_>) -> PyErr {
    from_reading(py, &TransferError::Cancelled)
}

fn of_transfer(py: Python<'_>, action: &str, error: &TransferError, text: &str) -> PyErr {
    let name = match error.kind() {
        TransferErrorKind::Cancelled => "TransferCancelledError",
        _ => OPERATION_FAILED,
    };
    let made = new(py, name, (action, py.None(), text));
    let Some((reason, path)) = refusal(error) else {
        return made;
    };
    let end = match error.kind() {
        TransferErrorKind::Source => "source",
        _ => "target",
    };
    let added = details(&made, py).and_then(|details| {
        details.set_item("errno", reason)?;
        details.set_item("path", path)?;
        details.set_item("end", end)
    });
    added.err().unwrap_or(made)
}

/// Returns the exception for a publish that failed; its details hold the conflicts and how far each node came.
pub fn from_publish(
    py: Python<'_>,
    error: &PublishError,
    nodes: &str,
    is_published: Option<bool>,
) -> PyErr {
    let (name, conflicts) = match error {
        PublishError::Conflicts { conflicts } => ("PublishConflictError", conflicts.as_slice()),
        _ => ("PublishError", &[][..]),
    };
    let details = || {
        let details = PyDict::new(py);
        let read = py.import("json")?.getattr("loads")?;
        let conflicts = conflicts
            .iter()
            .map(|c| (&c.node, c.kind.name(), &c.message));
        details.set_item("conflicts", PyList::new(py, conflicts)?)?;
        details.set_item("nodes", read.call1((nodes,))?)?;
        details.set_item("is_published", is_published)?;
        // A template: details keep braces in the text as they are.
        details.set_item("reason", sentence(&chain(error)))?;
        Ok(details)
    };
    match details() {
        Ok(details) => new(py, name, ("{reason}", details)),
        Err(error) => error,
    }
}

/// Returns the exception for a request that got no answer.
pub fn from_http(py: Python<'_>, transport: &Transport, cause: reqwest::Error) -> PyErr {
    // The URL holds the key of the user.
    let cause = cause.without_url();
    let text = sentence(&format!(
        "could not reach {}: {}",
        transport.host(),
        chain(&cause)
    ));
    operation_failed(py, "request", &text)
}

/// Returns the exception for a defect of native code.
pub fn from_panic(action: &str) -> PyErr {
    PyRuntimeError::new_err(format!(
        "Native code failed to {action}; this is a defect of ftrack-rs."
    ))
}

fn server_error(py: Python<'_>, text: &str) -> PyErr {
    new(py, "ServerError", (text,))
}

/// Returns the name of the number in Python's module `errno`, if it is one that accessors tell apart.
fn refusal(error: &TransferError) -> Option<(&'static str, &Path)> {
    let (kind, path) = error.refused_by_system()?;
    let name = match kind {
        io::ErrorKind::AlreadyExists => "EEXIST",
        io::ErrorKind::NotFound => "ENOENT",
        io::ErrorKind::PermissionDenied => "EACCES",
        io::ErrorKind::NotADirectory => "ENOTDIR",
        io::ErrorKind::IsADirectory => "EISDIR",
        _ => return None,
    };
    Some((name, path))
}

fn operation_failed(py: Python<'_>, action: &str, text: &str) -> PyErr {
    new(py, OPERATION_FAILED, (action, py.None(), text))
}

fn details<'py>(error: &PyErr, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
    Ok(error.value(py).getattr("details")?.cast_into()?)
}

/// Makes an exception of `ftrack_rs.exception`; whatever prevents that is returned in its place.
fn new<'py, A>(py: Python<'py>, name: &str, arguments: A) -> PyErr
where
    A: pyo3::call::PyCallArgs<'py>,
{
    let made = py
        .import("ftrack_rs.exception")
        .and_then(|module| module.getattr(name)?.call1(arguments));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// Turns the text of an error into a sentence.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let mut sentence: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    sentence.push_str(letters.as_str());
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}
