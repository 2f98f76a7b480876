//! Entity types, prepared for decoding.

use std::sync::Arc;

use ftrack_client::schema_set;
use pyo3::prelude::*;

use crate::error;

/// The entity types of a server.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct SchemaSet {
    pub inner: Arc<schema_set::SchemaSet>,
}

#[pymethods]
impl SchemaSet {
    #[new]
    fn new(schemas: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = schemas.py();
        let text: String = py
            .import("json")?
            .call_method1("dumps", (schemas,))?
            .extract()?;
        let inner = schema_set::SchemaSet::from_json(text.as_bytes())
            .map_err(|error| error::from_client(py, &error))?;
        Ok(Self { inner })
    }
}
