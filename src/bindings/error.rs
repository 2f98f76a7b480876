//! Failures as the exceptions of `ftrack_rs.exception`.

use ftrack_client::error::{Error, ErrorKind, Outcome};
use ftrack_client::transfer::{BatchError, TransferErrorKind};
use ftrack_client::transport::Transport;
use ftrack_protocol::expression::ParseError;
use pyo3::exceptions::{PyKeyError, PyKeyboardInterrupt, PyRuntimeError, PyValueError};
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
        ErrorKind::Cancelled => PyKeyboardInterrupt::new_err(text.to_owned()),
        ErrorKind::Transfer | ErrorKind::Io => operation_failed(py, "transfer", text),
        // A server that cannot be reached or understood: the official client lets errors of its HTTP library through, which nobody can rely on here.
        _ => server_error(py, text),
    }
}

/// Returns the exception for a failure to exchange events.
pub fn from_event_hub(py: Python<'_>, error: &Error) -> PyErr {
    let details = PyDict::new(py);
    with_details(py, "EventHubConnectionError", error, details)
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

/// Returns the exception for files that could not be moved; its details name the components that were.
pub fn from_transfer(py: Python<'_>, action: &str, error: &BatchError) -> PyErr {
    let text = sentence(&chain(error));
    let transferred: Vec<&str> = error
        .transferred
        .iter()
        .filter_map(|item| item.component_id.as_deref())
        .collect();
    let name = match error.cause.kind() {
        TransferErrorKind::Cancelled => "TransferCancelledError",
        _ => OPERATION_FAILED,
    };
    accessor_error(py, name, action, &text, &transferred)
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

fn operation_failed(py: Python<'_>, action: &str, text: &str) -> PyErr {
    accessor_error(py, OPERATION_FAILED, action, text, &[])
}

fn accessor_error(
    py: Python<'_>,
    name: &str,
    action: &str,
    text: &str,
    transferred: &[&str],
) -> PyErr {
    let error = new(py, name, (action, py.None(), text));
    let added = error.value(py).getattr("details").and_then(|details| {
        let list = PyList::new(py, transferred)?;
        details.cast_into::<PyDict>()?.set_item("transferred", list)
    });
    added.err().unwrap_or(error)
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

/// Returns the text of an error with those of its causes.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
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
