//! All pages of a query, read one after the other.

use ftrack_client::paging::PageReader;
use parking_lot::Mutex;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::entity_map::EntityMap;
use crate::{blocking, error};

/// Reads the pages of a query, and asks for each while the one before it is taken in.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct Pages {
    reader: Mutex<PageReader>,
    map: Py<EntityMap>,
}

#[pymethods]
impl Pages {
    /// Returns the entities of the next page, and the offset of the one after it; none when everything was read.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<(Bound<'py, PyList>, Option<u64>)>> {
        let failed = |error| error::from_client(py, &error);
        let request = self.reader.lock().request().map_err(failed)?;
        let Some(request) = request else {
            return Ok(None);
        };
        let answer = blocking::wait(py, "call the API", request.answer())?.map_err(failed)?;
        let page = py.detach(|| self.reader.lock().take_in(&answer));
        let map = self.map.bind(py);
        map.get().touch();
        let page = page.map_err(failed)?;
        Ok(Some((
            EntityMap::page(map, &page.entities)?,
            page.next_offset,
        )))
    }

    // What is referred to never changes, so there is nothing to clear: the session at the other end of a cycle is cleared.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.map)
    }
}

impl Pages {
    /// Makes the object for what `reader` reads into `map`.
    pub fn new(reader: PageReader, map: &Bound<'_, EntityMap>) -> Self {
        Self {
            reader: Mutex::new(reader),
            map: map.clone().unbind(),
        }
    }
}
