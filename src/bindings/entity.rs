//! The native base of all entity classes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use ftrack_client::identity_map::{EntityId, SlotValue};
use ftrack_client::schema_set::TypeId;
use ftrack_protocol::{EntityData, EntityKey};
use parking_lot::Mutex;
use pyo3::basic::CompareOp;
use pyo3::exceptions::PyAttributeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use uuid::Uuid;

use crate::entity_map::EntityMap;
use crate::{convert, imports};

/// A handle to what is known of an entity.
///
/// One that is bound looks into an identity map. Before that, while it is made, or for good if it was only decoded, it keeps the values the server has in a dictionary of its own.
/// Local values are always kept here, as the Python objects they were given as.
#[pyclass(frozen, subclass, dict, weakref, mapping, module = "ftrack_rs._core")]
pub struct EntityHandle {
    /// True in every handle that was made. `CPython` tracks an object before its contents are written, and allocating the instance dictionary in between may start a collection,
    /// which then sees zeroed memory: false here, but not a valid `OnceLock`.
    made: bool,
    binding: OnceLock<Binding>,
    /// Made with the first local value and never taken away, so that a look needs no lock.
    local: OnceLock<Py<PyDict>>,
    own: Mutex<Own>,
}

impl Default for EntityHandle {
    fn default() -> Self {
        Self {
            made: true,
            binding: OnceLock::new(),
            local: OnceLock::new(),
            own: Mutex::default(),
        }
    }
}

struct Binding {
    map: Py<EntityMap>,
    id: EntityId,
    /// The type, which never changes: reading it here spares a look into the map.
    entity_type: TypeId,
}

/// What belongs to the handle and not to the map.
#[derive(Default)]
struct Own {
    session: Option<Py<PyAny>>,
    detached: Option<Py<PyDict>>,
}

/// Returns a random UUID, which is what the ids of new entities are.
#[pyfunction]
pub fn new_uuid() -> String {
    Uuid::new_v4().to_string()
}

#[pymethods]
impl EntityHandle {
    #[new]
    #[pyo3(signature = (*_arguments, **_keywords))]
    fn new(_arguments: &Bound<'_, PyTuple>, _keywords: Option<&Bound<'_, PyDict>>) -> Self {
        Self::default()
    }

    #[getter]
    fn session(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if let Some(session) = &self.own.lock().session {
            return Ok(session.clone_ref(py));
        }
        match self.binding.get() {
            Some(binding) => Ok(binding.map.get().session(py).clone().unbind()),
            None => Err(PyAttributeError::new_err(
                "The entity belongs to no session.",
            )),
        }
    }

    #[setter]
    fn set_session(&self, session: Py<PyAny>) {
        let before = self.own.lock().session.replace(session);
        drop(before);
    }

    /// Returns the value of an attribute; loads it if need be.
    fn __getitem__<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if let Ok(text) = name.cast::<PyString>()
            && let Some(value) = slf.get().loaded(slf.py(), text)?
        {
            return Ok(value);
        }
        slf.call_method1(intern!(slf.py(), "_get_unloaded"), (name,))
    }

    fn __richcmp__<'py>(
        slf: &Bound<'py, Self>,
        other: &Bound<'py, PyAny>,
        operator: CompareOp,
    ) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let equal = match operator {
            CompareOp::Eq => Self::is_equal(slf, other)?,
            CompareOp::Ne => !Self::is_equal(slf, other)?,
            _ => return Ok(py.NotImplemented()),
        };
        Ok(equal.into_pyobject(py)?.to_owned().into_any().unbind())
    }

    fn __hash__(slf: &Bound<'_, Self>) -> PyResult<u64> {
        let mut hasher = DefaultHasher::new();
        Self::identity(slf)?.hash(&mut hasher);
        Ok(hasher.finish())
    }

    /// Returns the local value of an attribute, or `NOT_SET`.
    fn _get_local<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let value = self
            .locals(py)
            .map(|local| local.get_item(name))
            .transpose()?;
        value
            .flatten()
            .map_or_else(|| imports::not_set(py).cloned(), Ok)
    }

    /// Sets the local value of an attribute; `NOT_SET` removes it.
    fn _set_local<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        if !value.is(imports::not_set(py)?) {
            return self.locals_mut(py).set_item(name, value);
        }
        match self.locals(py) {
            Some(local) if local.contains(name)? => local.del_item(name),
            _ => Ok(()),
        }
    }

    /// Returns a copy of all local values.
    fn _get_locals<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        match self.locals(py) {
            Some(local) => local.copy(),
            None => Ok(PyDict::new(py)),
        }
    }

    /// Removes all local values.
    fn _clear_locals(&self, py: Python<'_>) {
        if let Some(local) = self.locals(py) {
            local.clear();
        }
    }

    /// Returns what the server has for an attribute as far as known, or `NOT_SET`; collections as lists.
    fn _get_remote<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let Some(binding) = self.binding.get() else {
            let value = self
                .detached(py)
                .map(|it| it.bind(py).get_item(name))
                .transpose()?;
            return value
                .flatten()
                .map_or_else(|| imports::not_set(py).cloned(), Ok);
        };
        match binding.remote(py, &name.to_cow()?) {
            Some(value) => convert::slot_to_python(binding.map.bind(py), &value),
            None => imports::not_set(py).cloned(),
        }
    }

    /// Sets what is known of the server's value of an attribute; `NOT_SET` forgets it.
    fn _set_remote<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyString>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        let Some(binding) = self.binding.get() else {
            let detached = self.detached(py).unwrap_or_else(|| {
                // Before anything is locked: it may start a collection, and that Python code which looks at this very entity.
                let made = PyDict::new(py).unbind();
                let mut own = self.own.lock();
                own.detached.get_or_insert(made).clone_ref(py)
            });
            return detached.bind(py).set_item(name, value);
        };
        binding.set_remote(py, &name.to_cow()?, value)
    }

    /// Returns a number that changes whenever something may have been learned from the server.
    #[getter]
    fn _generation(&self) -> u64 {
        self.binding
            .get()
            .map_or(0, |binding| binding.map.get().generation())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if !self.made {
            return Ok(());
        }
        if let Some(binding) = self.binding.get() {
            visit.call(&binding.map)?;
        }
        visit.call(self.local.get())?;
        if let Some(own) = self.own.try_lock() {
            visit.call(&own.session)?;
            visit.call(&own.detached)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let own = std::mem::take(&mut *self.own.lock());
        drop(own);
    }
}

impl EntityHandle {
    /// Makes `entity` show entity `id` of `map`, with what it had itself; does nothing if it shows one already.
    pub fn bind<'py>(
        entity: &Bound<'py, Self>,
        map: &Bound<'py, EntityMap>,
        id: EntityId,
    ) -> PyResult<()> {
        let binding = Binding {
            map: map.clone().unbind(),
            id,
            entity_type: map.get().inner.entity_type(id).id,
        };
        if entity.get().binding.set(binding).is_err() {
            return Ok(());
        }
        let detached = entity.get().own.lock().detached.take();
        detached.map_or(Ok(()), |values| absorb(map, id, values.bind(entity.py())))
    }

    /// Returns whether the handle shows an entity of a map.
    pub fn is_bound(&self) -> bool {
        self.binding.get().is_some()
    }

    /// Returns whether there are local values.
    pub fn has_locals(&self, py: Python<'_>) -> bool {
        self.locals(py).is_some_and(|local| !local.is_empty())
    }

    /// Returns what refers to the entity, if it is bound and its primary key is known.
    pub fn reference(&self) -> Option<EntityData> {
        let binding = self.binding.get()?;
        binding.map.get().inner.reference(binding.id)
    }

    /// Returns the number that `entity` has in `map`. Of one from elsewhere, what it knows itself is taken over.
    pub fn id_in<'py>(
        entity: &Bound<'py, Self>,
        map: &Bound<'py, EntityMap>,
    ) -> PyResult<EntityId> {
        let handle = entity.get();
        if let Some(binding) = handle.binding.get()
            && binding.map.is(map)
        {
            return Ok(binding.id);
        }
        let key = Self::identity(entity)?;
        let id = EntityMap::identify(map, &key.entity_type, &key.values)?;
        if let Some(values) = handle.detached(entity.py()) {
            absorb(map, id, values.bind(entity.py()))?;
        }
        Ok(id)
    }

    /// Returns the type and the primary key of `entity`, or a `KeyError` if the key is not set.
    pub fn identity(entity: &Bound<'_, Self>) -> PyResult<EntityKey> {
        if let Some(binding) = entity.get().binding.get()
            && let Some(key) = binding.map.get().inner.key(binding.id)
        {
            return Ok(key);
        }
        let py = entity.py();
        let identity = py
            .import("ftrack_rs.inspection")?
            .call_method1("identity", (entity,))?;
        let (entity_type, values): (String, Vec<String>) = identity.extract()?;
        Ok(EntityKey::new(
            Arc::from(entity_type),
            values.into_iter().map(Arc::<str>::from),
        ))
    }

    fn is_equal(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
        if slf.is(other) {
            return Ok(true);
        }
        let Ok(other) = other.cast::<Self>() else {
            return Ok(false);
        };
        let py = slf.py();
        match (Self::identity(slf), Self::identity(other)) {
            (Ok(left), Ok(right)) => Ok(left == right),
            (Err(error), _) | (_, Err(error)) => {
                let unknown = error.is_instance_of::<pyo3::exceptions::PyKeyError>(py)
                    || error.is_instance_of::<PyAttributeError>(py);
                if unknown { Ok(false) } else { Err(error) }
            }
        }
    }

    /// Returns a value that needs no more than a look: nothing that would have to be loaded, and no collection.
    fn loaded<'py>(
        &self,
        py: Python<'py>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(binding) = self.binding.get() else {
            // Without its type, collections cannot be told apart; but a text is none.
            let local = self
                .locals(py)
                .map(|local| local.get_item(name))
                .transpose()?;
            return Ok(local
                .flatten()
                .filter(PyAnyMethods::is_instance_of::<PyString>));
        };
        let map = binding.map.bind(py);
        let Some(attribute) = map.get().attribute(binding.entity_type, name)? else {
            return Ok(None);
        };
        if let Some(local) = self.locals(py)
            && let Some(value) = local.get_item(name)?
        {
            return Ok(Some(value));
        }
        let value = map.get().inner.remote(binding.id, attribute);
        value
            .map(|value| convert::slot_to_python(map, &value))
            .transpose()
    }

    /// Returns the values of the server that a handle keeps itself.
    fn detached(&self, py: Python<'_>) -> Option<Py<PyDict>> {
        let own = self.own.lock();
        own.detached.as_ref().map(|values| values.clone_ref(py))
    }

    fn locals<'py>(&self, py: Python<'py>) -> Option<&Bound<'py, PyDict>> {
        self.local.get().map(|local| local.bind(py))
    }

    fn locals_mut<'py>(&self, py: Python<'py>) -> &Bound<'py, PyDict> {
        self.locals(py).unwrap_or_else(|| {
            let made = PyDict::new(py).unbind();
            // Another thread may have been faster while this one made a dictionary.
            self.local.get_or_init(|| made).bind(py)
        })
    }
}

impl Binding {
    fn remote(&self, py: Python<'_>, name: &str) -> Option<SlotValue> {
        let map = &self.map.bind(py).get().inner;
        let attribute = map.entity_type(self.id).find(name)?;
        map.remote(self.id, attribute)
    }

    fn set_remote(&self, py: Python<'_>, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        set_remote(self.map.bind(py), self.id, name, value)
    }
}

/// Takes over the values that a detached entity had.
fn absorb(map: &Bound<'_, EntityMap>, id: EntityId, values: &Bound<'_, PyDict>) -> PyResult<()> {
    // Listed first: converting a value may run Python code that changes the dictionary.
    let values: Vec<_> = values.iter().collect();
    for (name, value) in values {
        set_remote(map, id, &name.cast::<PyString>()?.to_cow()?, &value)?;
    }
    Ok(())
}

fn set_remote(
    map: &Bound<'_, EntityMap>,
    id: EntityId,
    name: &str,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let inner = &map.get().inner;
    let entity_type = inner.entity_type(id);
    let Some(attribute) = entity_type.find(name) else {
        return Ok(());
    };
    if value.is(imports::not_set(map.py())?) {
        inner.unset_remote(id, attribute);
    } else {
        let is_collection = entity_type.attribute(attribute).kind.is_collection();
        inner.set_remote(
            id,
            attribute,
            convert::slot_from_python(map, value, is_collection)?,
        );
    }
    map.get().touch();
    Ok(())
}
