//! Paths of file sequences.

use ftrack_client::sequence;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// Files that differ in one number of their path.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct Sequence {
    inner: sequence::Sequence,
    writing: Writing,
}

/// How the text of a path stands for the path.
#[derive(Clone, Copy)]
enum Writing {
    /// As it is.
    Plain,
    /// A character for each byte, as the name of the file is no UTF-8. What makes a sequence of a path is ASCII, which is the same in both.
    Bytes,
}

#[pymethods]
impl Sequence {
    #[getter]
    fn padding(&self) -> usize {
        self.inner.padding
    }

    #[getter]
    fn pattern<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        self.writing.read(py, &self.inner.pattern())
    }

    fn members<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Bound<'py, PyString>, String)>> {
        self.inner
            .members()
            .map(|member| Ok((self.writing.read(py, &member.path)?, member.name)))
            .collect()
    }
}

impl Writing {
    /// Returns the path that Python knows for what was written.
    fn read<'py>(self, py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyString>> {
        match self {
            Self::Plain => Ok(PyString::new(py, text)),
            Self::Bytes => {
                // Each character was made of a byte.
                let bytes = text
                    .chars()
                    .filter_map(|character| u8::try_from(character).ok());
                let bytes = PyBytes::new(py, &bytes.collect::<Vec<_>>());
                let path = py.import("os")?.call_method1("fsdecode", (bytes,))?;
                Ok(path.cast_into()?)
            }
        }
    }
}

/// Reads a sequence path; returns nothing for the path of a single file.
#[pyfunction]
pub fn parse_sequence(path: &Bound<'_, PyString>) -> PyResult<Option<Sequence>> {
    let py = path.py();
    let (text, writing) = if let Ok(text) = path.to_cow() {
        (text.into_owned(), Writing::Plain)
    } else {
        let bytes = py.import("os")?.call_method1("fsencode", (path,))?;
        let bytes: Vec<u8> = bytes.extract()?;
        (bytes.into_iter().map(char::from).collect(), Writing::Bytes)
    };
    match sequence::Sequence::parse(&text) {
        Ok(inner) => Ok(Some(Sequence { inner, writing })),
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
