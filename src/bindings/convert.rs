//! Values between Python, the identity map and the wire.

use std::sync::Arc;

use ftrack_client::identity_map::{EntityId, SlotValue};
use ftrack_protocol::{DateTime, EntityData, TYPE_KEY, Value};
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::entity::EntityHandle;
use crate::entity_map::EntityMap;
use crate::imports;

pyo3::create_exception!(
    ftrack_rs._core,
    UnsendableError,
    PyValueError,
    "A value that has no form in which it could be sent; its text says why and follows \"which\"."
);

/// The limit of `serde_json`, with which answers are read: what is deeper most likely contains itself.
const MAX_DEPTH: usize = 128;

/// Returns a value of the identity map as Python sees it.
pub fn slot_to_python<'py>(
    map: &Bound<'py, EntityMap>,
    value: &SlotValue,
) -> PyResult<Bound<'py, PyAny>> {
    let py = map.py();
    Ok(match value {
        SlotValue::Null => py.None().into_bound(py),
        SlotValue::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        SlotValue::Int(value) => value.into_pyobject(py)?.into_any(),
        SlotValue::Float(value) => PyFloat::new(py, *value).into_any(),
        SlotValue::Id(id) => {
            let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
            PyString::new(py, id.hyphenated().encode_lower(&mut text)).into_any()
        }
        SlotValue::Text(text) => PyString::new(py, text).into_any(),
        SlotValue::DateTime(value) => datetime_to_python(py, *value)?,
        SlotValue::Entity(id) => EntityMap::handle(map, *id)?.into_any(),
        SlotValue::Collection(ids) => EntityMap::page(map, ids)?.into_any(),
        SlotValue::Json(value) => value_to_python(py, value)?,
    })
}

/// Returns a value as Python sees it; an entity becomes a dictionary, as it travels.
pub fn value_to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Value::Int(value) => value.into_pyobject(py)?.into_any(),
        Value::Float(value) => PyFloat::new(py, *value).into_any(),
        Value::Text(text) => PyString::new(py, text).into_any(),
        Value::DateTime(value) => datetime_to_python(py, *value)?,
        Value::Entity(entity) => {
            let dictionary = members_to_python(py, &entity.attributes)?;
            dictionary.set_item(ftrack_protocol::ENTITY_TYPE_KEY, &*entity.entity_type)?;
            dictionary.into_any()
        }
        Value::List(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(value_to_python(py, item)?)?;
            }
            list.into_any()
        }
        Value::Map(members) => members_to_python(py, members)?.into_any(),
    })
}

/// Returns what Python gave as a value of the identity map.
///
/// Entities in it become entities of the map; a list is a collection of them if `is_collection`.
pub fn slot_from_python(
    map: &Bound<'_, EntityMap>,
    value: &Bound<'_, PyAny>,
    is_collection: bool,
) -> PyResult<SlotValue> {
    if is_collection {
        return Ok(SlotValue::Collection(members(map, value)?));
    }
    if let Ok(entity) = value.cast::<EntityHandle>() {
        return Ok(SlotValue::Entity(EntityHandle::id_in(entity, map)?));
    }
    let session = map.get().session(map.py());
    Ok(SlotValue::from_value(value_from_python(session, value)?))
}

/// Returns what Python gave as it travels; entities become references.
///
/// What has no form of its own is handed to `session._encode`.
pub fn value_from_python(session: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<Value> {
    let depth = MAX_DEPTH;
    Encoder { session, depth }.value(value)
}

/// Turns what Python gave into what travels.
#[derive(Clone, Copy)]
struct Encoder<'a, 'py> {
    session: &'a Bound<'py, PyAny>,
    /// How many levels more may follow.
    depth: usize,
}

impl<'py> Encoder<'_, 'py> {
    fn value(self, value: &Bound<'py, PyAny>) -> PyResult<Value> {
        if let Some(plain) = plain_from_python(value)? {
            return Ok(plain);
        }
        if let Ok(entity) = value.cast::<EntityHandle>() {
            return reference(self.session, entity);
        }
        let inner = self.inner()?;
        if let Ok(list) = value.cast::<PyList>() {
            return inner.list(list.iter());
        }
        if let Ok(tuple) = value.cast::<PyTuple>() {
            return inner.list(tuple.iter());
        }
        if let Ok(dictionary) = value.cast::<PyDict>() {
            return inner.members(dictionary);
        }
        let py = self.session.py();
        if value.is_instance(imports::mapped_collection(py)?)? {
            return inner.value(&value.getattr(intern!(py, "collection"))?);
        }
        if value.is_instance(imports::collection(py)?)? {
            let data = value.getattr(intern!(py, "_data"))?;
            return inner.list(data.cast::<PyList>()?.iter());
        }
        // Counts as a level: it might return what it is given.
        let encoded = self
            .session
            .call_method1(intern!(py, "_encode"), (value,))?;
        inner.value(&encoded)
    }

    fn inner(self) -> PyResult<Self> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| {
            let text = format!("contains itself, or is nested more than {MAX_DEPTH} deep");
            UnsendableError::new_err(text)
        })?;
        Ok(Self { depth, ..self })
    }

    fn list(self, items: impl Iterator<Item = Bound<'py, PyAny>>) -> PyResult<Value> {
        let items: PyResult<_> = items.map(|item| self.value(&item)).collect();
        items.map(Value::List)
    }

    /// Reads a dictionary: an object, or what `session._encode` makes of a datetime.
    fn members(self, dictionary: &Bound<'py, PyDict>) -> PyResult<Value> {
        let mut members: Vec<(Arc<str>, Value)> = Vec::with_capacity(dictionary.len());
        // At once: the names and values may be of Python's own, and other threads run meanwhile.
        let items: Vec<_> = dictionary.iter().collect();
        for (name, value) in items {
            let name = name.str()?;
            members.push((Arc::from(&*name.to_cow()?), self.value(&value)?));
        }
        let object = Value::Map(members);
        let is_datetime = object.get(TYPE_KEY).and_then(Value::as_str) == Some("datetime");
        match object.get("value").and_then(Value::as_str) {
            Some(text) if is_datetime => {
                let parsed: Result<DateTime, _> = text.parse();
                parsed
                    .map(Value::DateTime)
                    .map_err(|error| PyValueError::new_err(error.to_string()))
            }
            _ => Ok(object),
        }
    }
}

fn plain_from_python(value: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
    Ok(Some(if value.is_none() {
        Value::Null
    } else if let Ok(text) = value.cast::<PyString>() {
        Value::text(&*text.to_cow()?)
    } else if let Ok(value) = value.cast::<PyBool>() {
        Value::Bool(value.is_true())
    } else if let Ok(number) = value.cast::<PyInt>() {
        // Values have 64 bits here, and a float would be another number.
        let number = number.extract();
        number
            .map(Value::Int)
            .map_err(|_| UnsendableError::new_err("does not fit 64 bits"))?
    } else if let Ok(number) = value.cast::<PyFloat>() {
        if !number.value().is_finite() {
            return Err(UnsendableError::new_err("cannot be written in JSON"));
        }
        Value::Float(number.value())
    } else {
        return Ok(None);
    }))
}

/// Returns what refers to an entity, as `session.entity_reference` makes it; natively, where that is nobody else's.
fn reference(session: &Bound<'_, PyAny>, entity: &Bound<'_, EntityHandle>) -> PyResult<Value> {
    let py = session.py();
    let make = session.getattr(intern!(py, "entity_reference"))?;
    let function = make.getattr_opt(intern!(py, "__func__"))?;
    let plain = imports::entity_reference(py)?;
    if function.is_some_and(|function| function.is(plain))
        && let Some(reference) = entity.get().reference()
    {
        return Ok(Value::Entity(reference));
    }
    let reference = make.call1((entity,))?;
    let mut entity_type = Arc::from("");
    let mut attributes = Vec::new();
    for (name, value) in reference.cast::<PyDict>()? {
        let (name, value): (String, String) = (name.extract()?, value.extract()?);
        if name == ftrack_protocol::ENTITY_TYPE_KEY {
            entity_type = value.into();
        } else {
            attributes.push((name.into(), Value::text(value)));
        }
    }
    Ok(Value::Entity(EntityData {
        entity_type,
        attributes,
    }))
}

fn members(map: &Bound<'_, EntityMap>, value: &Bound<'_, PyAny>) -> PyResult<Arc<[EntityId]>> {
    if value.is_none() {
        return Ok(Arc::from([]));
    }
    let members = value.try_iter()?.map(|item| {
        let item = item?;
        EntityHandle::id_in(item.cast()?, map)
    });
    members.collect()
}

fn members_to_python<'py>(
    py: Python<'py>,
    members: &[(Arc<str>, Value)],
) -> PyResult<Bound<'py, PyDict>> {
    let dictionary = PyDict::new(py);
    for (name, value) in members {
        dictionary.set_item(&**name, value_to_python(py, value)?)?;
    }
    Ok(dictionary)
}

/// Makes an `arrow.Arrow`, by way of a datetime: the constructors that every version of arrow has take no offset.
fn datetime_to_python(py: Python<'_>, value: DateTime) -> PyResult<Bound<'_, PyAny>> {
    static EPOCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let datetime = py.import(intern!(py, "datetime"))?;
    let epoch = EPOCH.get_or_try_init(py, || {
        let epoch = datetime.getattr("datetime")?.call1((1970, 1, 1));
        epoch.map(Bound::unbind)
    })?;
    let offset = i64::from(value.offset_seconds());
    let timedelta = datetime.getattr(intern!(py, "timedelta"))?;
    let since = timedelta.call1((0, offset, value.micros()))?;
    let local = epoch.bind(py).add(since)?;
    let from_datetime = imports::arrow(py)?.getattr(intern!(py, "fromdatetime"))?;
    if offset == 0 {
        return from_datetime.call1((local,));
    }
    let zone = datetime
        .getattr(intern!(py, "timezone"))?
        .call1((timedelta.call1((0, offset))?,))?;
    from_datetime.call1((local, zone))
}
