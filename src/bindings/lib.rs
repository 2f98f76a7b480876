//! The Python extension module `ftrack_rs._core`.
use pyo3::prelude::*;

/// Native part of `ftrack_rs`.
#[pymodule(gil_used = false)]
mod _core {}
