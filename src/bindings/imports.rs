//! Python objects that native code needs, looked up once.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

/// Returns `ftrack_rs.symbol.NOT_SET`.
pub fn not_set(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CELL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CELL.import(py, "ftrack_rs.symbol", "NOT_SET")
}

/// Returns `ftrack_rs.entity.base.Entity`.
pub fn entity(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CELL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CELL.import(py, "ftrack_rs.entity.base", "Entity")
}

/// Returns the function `ftrack_rs.session.encoding.Encoding.entity_reference`.
pub fn entity_reference(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static CELL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let look_up = || {
        let class = py
            .import("ftrack_rs.session.encoding")?
            .getattr("Encoding")?;
        PyResult::Ok(class.getattr("entity_reference")?.unbind())
    };
    Ok(CELL.get_or_try_init(py, look_up)?.bind(py))
}

/// Returns `ftrack_rs.collection.Collection`.
pub fn collection(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CELL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CELL.import(py, "ftrack_rs.collection", "Collection")
}

/// Returns `ftrack_rs.collection.MappedCollectionProxy`.
pub fn mapped_collection(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CELL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CELL.import(py, "ftrack_rs.collection", "MappedCollectionProxy")
}

/// Returns the classes of created, updated and deleted entities in `ftrack_rs.operation`.
pub fn operations(py: Python<'_>) -> PyResult<[&Bound<'_, PyType>; 3]> {
    static CREATE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static UPDATE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static DELETE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    const MODULE: &str = "ftrack_rs.operation";
    Ok([
        CREATE.import(py, MODULE, "CreateEntityOperation")?,
        UPDATE.import(py, MODULE, "UpdateEntityOperation")?,
        DELETE.import(py, MODULE, "DeleteEntityOperation")?,
    ])
}

/// Returns `arrow.Arrow`; arrow is imported when the first datetime is looked at, and not before.
pub fn arrow(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static CELL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    CELL.import(py, "arrow", "Arrow")
}
