//! The identity map of a session, with the one Python object of each entity that was looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ftrack_client::commit;
use ftrack_client::identity_map::{EntityId, IdentityMap};
use ftrack_client::merge;
use ftrack_client::schema_set::{AttributeId, EntityType, TypeId};
use parking_lot::Mutex;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyString, PyType};

use crate::attribute_names::AttributeNames;
use crate::batch::Batch;
use crate::entity::EntityHandle;
use crate::{error, fork, imports, schema};

/// The entities of a session.
///
/// Holds a strong reference to every entity that Python has seen: scripts keep state of their own on entities, such as the accessors of locations.
#[pyclass(frozen, weakref, module = "ftrack_rs._core")]
pub struct EntityMap {
    pub inner: Arc<IdentityMap>,
    session: Py<PyAny>,
    handles: Mutex<Vec<Option<Py<EntityHandle>>>>,
    /// The names of each type, listed when its first entity is read.
    attributes: Box<[PyOnceLock<AttributeNames>]>,
    /// Counts the times that something may have changed, so that what was derived from remote values can tell whether it is still current.
    generation: AtomicU64,
}

#[pymethods]
impl EntityMap {
    #[new]
    fn new(py: Python<'_>, session: Py<PyAny>, schemas: &schema::SchemaSet) -> PyResult<Self> {
        fork::watch(py)?;
        Ok(Self {
            inner: IdentityMap::new(Arc::clone(&schemas.inner)),
            session,
            handles: Mutex::new(Vec::new()),
            attributes: schemas
                .inner
                .types()
                .iter()
                .map(|_| PyOnceLock::new())
                .collect(),
            generation: AtomicU64::new(1),
        })
    }

    /// Returns the entity of a type and key, if something is known of it.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "what Python passes is converted to owned values"
    )]
    fn get<'py>(
        slf: &Bound<'py, Self>,
        entity_type: &str,
        key: Vec<String>,
    ) -> PyResult<Option<Bound<'py, EntityHandle>>> {
        let map = &slf.get().inner;
        let found = map
            .schemas()
            .find(entity_type)
            .and_then(|entity_type| map.find(entity_type.id, &key));
        found.map(|id| Self::handle(slf, id)).transpose()
    }

    /// Makes `entity` the one of this type and key, and returns it, or the one that there is already.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "what Python passes is converted to owned values"
    )]
    fn adopt<'py>(
        slf: &Bound<'py, Self>,
        entity: &Bound<'py, EntityHandle>,
        entity_type: &str,
        key: Vec<String>,
    ) -> PyResult<Bound<'py, EntityHandle>> {
        let id = Self::identify(slf, entity_type, &key)?;
        if entity.get().is_bound() || slf.get().existing(slf.py(), id).is_some() {
            return Self::handle(slf, id);
        }
        EntityHandle::bind(entity, slf, id)?;
        Ok(slf.get().keep(id, entity))
    }

    /// Makes `entity` the one of this type and key, and returns whether it is; nothing is done if something is known of that already.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "what Python passes is converted to owned values"
    )]
    fn admit(
        slf: &Bound<'_, Self>,
        entity: &Bound<'_, EntityHandle>,
        entity_type: &str,
        key: Vec<String>,
    ) -> PyResult<bool> {
        let (id, is_new) = Self::find_or_make(slf, entity_type, &key)?;
        if is_new && !entity.get().is_bound() {
            EntityHandle::bind(entity, slf, id)?;
            slf.get().keep(id, entity);
        }
        Ok(is_new)
    }

    /// Makes `value` the entity of this type and key, and returns whether it is that now.
    fn accept<'py>(
        slf: &Bound<'py, Self>,
        value: &Bound<'py, PyAny>,
        entity_type: &str,
        key: Vec<String>,
    ) -> PyResult<bool> {
        let Ok(entity) = value.cast::<EntityHandle>() else {
            return Ok(false);
        };
        Ok(Self::adopt(slf, entity, entity_type, key)?.is(entity))
    }

    /// Forgets the entity of a type and key; returns whether there was one.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "what Python passes is converted to owned values"
    )]
    fn remove(&self, entity_type: &str, key: Vec<String>) -> bool {
        let Some(entity_type) = self.inner.schemas().find(entity_type) else {
            return false;
        };
        let Some(id) = self.inner.remove(entity_type.id, &key) else {
            return false;
        };
        let handle = self
            .handles
            .lock()
            .get_mut(id.0 as usize)
            .and_then(Option::take);
        drop(handle);
        true
    }

    /// Returns the types and keys of all entities.
    fn keys(&self) -> Vec<(String, Vec<String>)> {
        let keys = self
            .inner
            .ids()
            .into_iter()
            .filter_map(|id| self.inner.key(id));
        keys.map(|key| {
            let values = key.values.iter().map(ToString::to_string).collect();
            (key.entity_type.to_string(), values)
        })
        .collect()
    }

    /// Returns all entities.
    fn values<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyList>> {
        Self::page(slf, &slf.get().inner.ids())
    }

    /// Returns the entities that have local values.
    fn modified<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, EntityHandle>> {
        let handles: Vec<_> = {
            let handles = self.handles.lock();
            handles
                .iter()
                .flatten()
                .map(|handle| handle.clone_ref(py))
                .collect()
        };
        handles
            .into_iter()
            .filter(|handle| handle.get().has_locals(py))
            .map(|handle| handle.into_bound(py))
            .collect()
    }

    /// Takes over what a commit wrote.
    fn apply(&self, py: Python<'_>, batch: &Batch) -> PyResult<()> {
        let applied = commit::apply(&self.inner, &batch.operations);
        self.touch();
        applied.map_err(|error| error::from_client(py, &error))
    }

    /// Takes over what the server answered to a commit.
    fn merge_answers(&self, py: Python<'_>, answer: &[u8]) -> PyResult<()> {
        let merged = py.detach(|| merge::merge_answers(&self.inner, answer).map(drop));
        self.touch();
        merged.map_err(|error| error::from_client(py, &error))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.session)?;
        // Whoever holds the lock at this moment also keeps everything alive.
        if let Some(handles) = self.handles.try_lock() {
            for handle in handles.iter().flatten() {
                visit.call(handle)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        let handles = std::mem::take(&mut *self.handles.lock());
        drop(handles);
    }
}

impl EntityMap {
    /// Returns the session.
    pub fn session<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.session.bind(py)
    }

    /// Returns the number of the attribute `name` of a type, if there is one and it is no collection.
    pub fn attribute(
        &self,
        entity_type: TypeId,
        name: &Bound<'_, PyString>,
    ) -> PyResult<Option<AttributeId>> {
        let py = name.py();
        let known = &self.attributes[usize::from(entity_type.0)];
        let definition = || self.inner.schemas().entity_type(entity_type);
        let names = known.get_or_init(py, || AttributeNames::of(py, definition()));
        if let Some(attribute) = names.find(name) {
            return Ok(Some(attribute));
        }
        // A text that was put together, or none of these names at all.
        let attribute = definition().find(&name.to_cow()?);
        Ok(attribute.filter(|it| !definition().attribute(*it).kind.is_collection()))
    }

    /// Returns the generation of what is known.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Starts a new generation.
    pub fn touch(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the number of the entity of a type and key, made if nothing is known of it.
    pub fn identify<T: AsRef<str>>(
        slf: &Bound<'_, Self>,
        entity_type: &str,
        key: &[T],
    ) -> PyResult<EntityId> {
        Self::find_or_make(slf, entity_type, key).map(|(id, _)| id)
    }

    /// Returns the number of the entity of a type and key, and whether nothing was known of it before.
    fn find_or_make<T: AsRef<str>>(
        slf: &Bound<'_, Self>,
        entity_type: &str,
        key: &[T],
    ) -> PyResult<(EntityId, bool)> {
        let map = &slf.get().inner;
        let entity_type = map.schemas().get(entity_type);
        let found = entity_type.and_then(|entity_type| map.get_or_insert(entity_type.id, key));
        found.map_err(|error| error::from_client(slf.py(), &error))
    }

    /// Returns the Python objects of entities, in order.
    pub fn page<'py>(slf: &Bound<'py, Self>, ids: &[EntityId]) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(slf.py());
        let mut maker = Maker::default();
        for id in ids {
            list.append(Self::handle_by(slf, *id, &mut maker)?)?;
        }
        Ok(list)
    }

    /// Returns the Python object of an entity, made when it is asked for the first time.
    pub fn handle<'py>(slf: &Bound<'py, Self>, id: EntityId) -> PyResult<Bound<'py, EntityHandle>> {
        Self::handle_by(slf, id, &mut Maker::default())
    }

    fn handle_by<'py>(
        slf: &Bound<'py, Self>,
        id: EntityId,
        maker: &mut Maker<'py>,
    ) -> PyResult<Bound<'py, EntityHandle>> {
        let map = slf.get();
        if let Some(existing) = map.existing(slf.py(), id) {
            return Ok(existing);
        }
        let entity_type = map.inner.entity_type(id);
        let entity = maker.make(slf, entity_type, id)?;
        Ok(map.keep(id, &entity))
    }

    fn existing<'py>(&self, py: Python<'py>, id: EntityId) -> Option<Bound<'py, EntityHandle>> {
        let handles = self.handles.lock();
        let handle = handles.get(id.0 as usize)?.as_ref()?;
        Some(handle.clone_ref(py).into_bound(py))
    }

    /// Keeps `entity` as the one object of `id`, unless another thread was faster; returns the one that is kept.
    fn keep<'py>(
        &self,
        id: EntityId,
        entity: &Bound<'py, EntityHandle>,
    ) -> Bound<'py, EntityHandle> {
        let mut handles = self.handles.lock();
        let index = id.0 as usize;
        if handles.len() <= index {
            handles.resize_with(index + 1, || None);
        }
        let kept = handles[index].get_or_insert_with(|| entity.clone().unbind());
        kept.clone_ref(entity.py()).into_bound(entity.py())
    }
}

/// Makes Python objects of entities; remembers the class of the last type, as pages mostly hold one.
#[derive(Default)]
struct Maker<'py> {
    last: Option<(TypeId, Class<'py>)>,
}

/// The Python class of an entity type.
#[derive(Clone)]
struct Class<'py> {
    class: Bound<'py, PyType>,
    /// Whether the initialiser is that of all entities, which does nothing for one that exists.
    is_plain: bool,
}

impl<'py> Maker<'py> {
    fn make(
        &mut self,
        map: &Bound<'py, EntityMap>,
        entity_type: &EntityType,
        id: EntityId,
    ) -> PyResult<Bound<'py, EntityHandle>> {
        let py = map.py();
        let Class { class, is_plain } = self.class(map, entity_type)?;
        let new = class.getattr(intern!(py, "__new__"))?;
        let entity = new.call1((class,))?.cast_into::<EntityHandle>()?;
        EntityHandle::bind(&entity, map, id)?;
        if !is_plain {
            let session = map.get().session(py);
            entity.call_method1(intern!(py, "__init__"), (session, py.None(), true))?;
        }
        Ok(entity)
    }

    fn class(
        &mut self,
        map: &Bound<'py, EntityMap>,
        entity_type: &EntityType,
    ) -> PyResult<Class<'py>> {
        if let Some((id, class)) = &self.last
            && *id == entity_type.id
        {
            return Ok(class.clone());
        }
        let class = Class::look_up(map, entity_type)?;
        self.last = Some((entity_type.id, class.clone()));
        Ok(class)
    }
}

impl<'py> Class<'py> {
    fn look_up(map: &Bound<'py, EntityMap>, entity_type: &EntityType) -> PyResult<Self> {
        let py = map.py();
        let types = map.get().session(py).getattr(intern!(py, "types"))?;
        let class = types.get_item(&*entity_type.name)?.cast_into::<PyType>()?;
        let initialiser = intern!(py, "__init__");
        let plain = imports::entity(py)?.getattr(initialiser)?;
        let is_plain = class.getattr(initialiser)?.is(&plain);
        Ok(Self { class, is_plain })
    }
}
