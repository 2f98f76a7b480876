//! Recorded operations on their way to the server.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use ftrack_client::coalesce::{Recorded, coalesce};
use ftrack_client::commit::NewIds;
use ftrack_protocol::{ENTITY_TYPE_KEY, Operation, Value, Write};
use pyo3::exceptions::{PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use pyo3::{intern, types::PyMapping};

use crate::{convert, imports};

/// The shortest batch that has the effect of all recorded operations.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct Batch {
    pub operations: Arc<[Operation]>,
    pub new_ids: NewIds,
}

#[pymethods]
impl Batch {
    #[new]
    fn new(operations: &Bound<'_, PyList>, session: &Bound<'_, PyAny>) -> PyResult<Self> {
        let names = Names::default();
        let mut recorded = Vec::with_capacity(operations.len());
        let mut new_ids = NewIds::new();
        for operation in operations {
            let reader = Reader {
                operation: &operation,
                session,
                names: &names,
            };
            let step = reader.read()?;
            new_ids.extend(reader.new_id(&step)?);
            recorded.push(step);
        }
        Ok(Self {
            operations: coalesce(recorded).into(),
            new_ids,
        })
    }

    fn __len__(&self) -> usize {
        self.operations.len()
    }

    /// Returns the operations as dictionaries, with references in place of entities.
    fn payloads<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        self.operations
            .iter()
            .map(|operation| payload(py, operation))
            .collect()
    }
}

/// The names of types and attributes that were read last. Python has one object of each, which is told by its address.
#[derive(Default)]
struct Names<'py>(RefCell<VecDeque<(Bound<'py, PyString>, Arc<str>)>>);

impl<'py> Names<'py> {
    /// As many as the types of one batch have, mostly.
    const MOST: usize = 32;

    fn read(&self, name: &Bound<'py, PyAny>) -> PyResult<Arc<str>> {
        let name = name.cast::<PyString>()?;
        let mut known = self.0.borrow_mut();
        if let Some((_, text)) = known.iter().find(|(object, _)| object.is(name)) {
            return Ok(Arc::clone(text));
        }
        let text: Arc<str> = Arc::from(&*name.to_cow()?);
        if known.len() == Self::MOST {
            known.pop_front();
        }
        known.push_back((name.clone(), Arc::clone(&text)));
        Ok(text)
    }
}

/// Reads one recorded operation.
struct Reader<'a, 'py> {
    operation: &'a Bound<'py, PyAny>,
    session: &'a Bound<'py, PyAny>,
    names: &'a Names<'py>,
}

impl<'py> Reader<'_, 'py> {
    fn read(&self) -> PyResult<Recorded> {
        let [create, update, delete] = imports::operations(self.operation.py())?;
        if self.operation.is_instance(create)? {
            Ok(Operation::Create(self.create()?).into())
        } else if self.operation.is_instance(update)? {
            self.update()
        } else if self.operation.is_instance(delete)? {
            let entity_key = self.key()?.into_iter().map(|(_, value)| value).collect();
            Ok(Operation::Delete {
                entity_type: self.entity_type()?,
                entity_key,
            }
            .into())
        } else {
            let text = format!(
                "Cannot commit. Unrecognised operation type {} detected.",
                self.operation.get_type()
            );
            Err(PyValueError::new_err(text))
        }
    }

    fn create(&self) -> PyResult<Write> {
        let key = self.key()?;
        let mut write = Write {
            entity_type: self.entity_type()?,
            entity_key: key.iter().map(|(_, value)| value.clone()).collect(),
            attributes: key,
        };
        let data = self
            .operation
            .getattr(intern!(self.operation.py(), "entity_data"))?;
        for (name, value) in self.set_members(&data)? {
            write.set(name, value);
        }
        Ok(write)
    }

    /// Returns the id that the session made for the entity that is created, if it did.
    fn new_id(&self, step: &Recorded) -> PyResult<Option<Arc<str>>> {
        let Recorded::Operation(Operation::Create(write)) = step else {
            return Ok(None);
        };
        let name = intern!(self.operation.py(), "has_new_id");
        // Scripts may have classes of their own, which do not initialise it.
        let is_new = match self.operation.getattr_opt(name)? {
            Some(is_new) => is_new.is_truthy()?,
            None => false,
        };
        match &*write.entity_key {
            [id] if is_new => Ok(id.as_str().map(Arc::from)),
            _ => Ok(None),
        }
    }

    fn update(&self) -> PyResult<Recorded> {
        let py = self.operation.py();
        let entity_type = self.entity_type()?;
        let entity_key = self.key()?.into_iter().map(|(_, value)| value).collect();
        let name = self.operation.getattr(intern!(py, "attribute_name"))?;
        let attribute = self.names.read(&name)?;
        let value = self.operation.getattr(intern!(py, "new_value"))?;
        if value.is(imports::not_set(py)?) {
            return Ok(Recorded::Unset {
                entity_type,
                entity_key,
                attribute,
            });
        }
        let value = self.value(&name, &value)?;
        let attributes = vec![(attribute, value)];
        Ok(Operation::Update(Write {
            entity_type,
            entity_key,
            attributes,
        })
        .into())
    }

    fn entity_type(&self) -> PyResult<Arc<str>> {
        let name = intern!(self.operation.py(), "entity_type");
        self.names.read(&self.operation.getattr(name)?)
    }

    fn key(&self) -> PyResult<Vec<(Arc<str>, Value)>> {
        let key = self
            .operation
            .getattr(intern!(self.operation.py(), "entity_key"))?;
        self.set_members(&key)
    }

    /// Returns the value of an attribute as it travels.
    fn value(&self, name: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> PyResult<Value> {
        convert::value_from_python(self.session, value).map_err(|error| {
            let py = value.py();
            let reason = if error.is_instance_of::<PyUnicodeEncodeError>(py) {
                // As Python makes of file names that are no UTF-8.
                "has surrogates and cannot be written in UTF-8".to_owned()
            } else if error.is_instance_of::<convert::UnsendableError>(py) {
                error.value(py).to_string()
            } else {
                return error;
            };
            self.refused(name, value, &reason).unwrap_or(error)
        })
    }

    /// Returns the error for a value that cannot travel.
    fn refused(
        &self,
        name: &Bound<'py, PyAny>,
        value: &Bound<'py, PyAny>,
        reason: &str,
    ) -> PyResult<PyErr> {
        let py = value.py();
        let entity_type = self.operation.getattr(intern!(py, "entity_type"))?;
        let key = self.operation.getattr(intern!(py, "entity_key"))?;
        let key: Vec<Bound<'_, PyAny>> = key
            .call_method0("values")?
            .try_iter()?
            .collect::<PyResult<_>>()?;
        let key: Vec<String> = key.iter().map(ToString::to_string).collect();
        let text = format!(
            "{} of {entity_type} {} is {}, which {reason}. Set another value, or clear session.recorded_operations.",
            name.repr()?,
            key.join(", "),
            value.repr()?,
        );
        Ok(PyValueError::new_err(text))
    }

    /// Returns the members of a mapping that are set.
    fn set_members(&self, mapping: &Bound<'py, PyAny>) -> PyResult<Vec<(Arc<str>, Value)>> {
        let not_set = imports::not_set(mapping.py())?;
        let mut members = Vec::new();
        let mut add = |name: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>| {
            if !value.is(not_set) {
                members.push((self.names.read(name)?, self.value(name, value)?));
            }
            PyResult::Ok(())
        };
        if let Ok(dictionary) = mapping.cast_exact::<PyDict>() {
            // Encoding a value runs Python, which could change what is being read.
            let items: Vec<_> = dictionary.iter().collect();
            for (name, value) in items {
                add(&name, &value)?;
            }
        } else {
            for item in mapping.cast::<PyMapping>()?.items()? {
                let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
                add(&name, &value)?;
            }
        }
        Ok(members)
    }
}

fn payload<'py>(py: Python<'py>, operation: &Operation) -> PyResult<Bound<'py, PyDict>> {
    let payload = PyDict::new(py);
    match operation {
        Operation::Create(write) => set_write(&payload, "create", write)?,
        Operation::Update(write) => set_write(&payload, "update", write)?,
        Operation::Delete {
            entity_type,
            entity_key,
        } => {
            payload.set_item("action", "delete")?;
            set_subject(&payload, entity_type, entity_key)?;
        }
        Operation::Query { expression } => {
            payload.set_item("action", "query")?;
            payload.set_item("expression", expression)?;
        }
        Operation::Other { action, members } => {
            payload.set_item("action", &**action)?;
            for (name, value) in members {
                payload.set_item(&**name, convert::value_to_python(py, value)?)?;
            }
        }
    }
    Ok(payload)
}

fn set_write(payload: &Bound<'_, PyDict>, action: &str, write: &Write) -> PyResult<()> {
    let py = payload.py();
    payload.set_item("action", action)?;
    set_subject(payload, &write.entity_type, &write.entity_key)?;
    let data = PyDict::new(py);
    data.set_item(ENTITY_TYPE_KEY, &*write.entity_type)?;
    for (name, value) in &write.attributes {
        data.set_item(&**name, convert::value_to_python(py, value)?)?;
    }
    payload.set_item("entity_data", data)
}

fn set_subject(
    payload: &Bound<'_, PyDict>,
    entity_type: &str,
    entity_key: &[Value],
) -> PyResult<()> {
    let py = payload.py();
    let key: PyResult<Vec<_>> = entity_key
        .iter()
        .map(|value| convert::value_to_python(py, value))
        .collect();
    payload.set_item("entity_type", entity_type)?;
    payload.set_item("entity_key", key?)
}
