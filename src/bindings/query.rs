//! Texts of the query language.

use ftrack_protocol::query;
use pyo3::prelude::*;

/// Returns a text as a value in an expression, in quotes.
#[pyfunction]
pub fn quoted(text: &str) -> String {
    query::quoted(text)
}
