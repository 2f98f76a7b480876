//! Paths of file sequences.

use ftrack_client::sequence;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Files that differ in one number of their path.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct Sequence {
    inner: sequence::Sequence,
}

#[pymethods]
impl Sequence {
    #[getter]
    fn padding(&self) -> usize {
        self.inner.padding
    }

    #[getter]
    fn pattern(&self) -> String {
        self.inner.pattern()
    }

    fn members(&self) -> Vec<(String, String)> {
        self.inner
            .members()
            .map(|member| (member.path, member.name))
            .collect()
    }
}

/// Reads a sequence path; returns nothing for the path of a single file.
#[pyfunction]
pub fn parse_sequence(py: Python<'_>, path: &str) -> PyResult<Option<Sequence>> {
    match sequence::Sequence::parse(path) {
        Ok(inner) => Ok(Some(Sequence { inner })),
        Err(error) if error.is_plain_path() => Ok(None),
        Err(error) => {
            let parse_error = py.import("ftrack_rs.exception")?.getattr("ParseError")?;
            let text = error.to_string();
            Err(parse_error
                .call1((text.clone(),))
                .map_or_else(|_| PyValueError::new_err(text), PyErr::from_value))
        }
    }
}
