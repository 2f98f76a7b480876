//! Changes in the order they were made, until a commit sends them or a rollback forgets them.

use std::sync::Arc;

use ftrack_protocol::{EntityKey, Operation, Value, Write};

use crate::coalesce::{Recorded, coalesce};
use crate::commit::{NewIds, apply};
use crate::error::{Error, Result};
use crate::identity_map::{ClearScope, EntityId, IdentityMap, SlotValue};
use crate::merge::{Answer, merge_answers};
use crate::schema_set::{AttributeId, AttributeKind, DataType, DefaultValue, EntityType};

/// The operation log of a session.
#[derive(Clone, Debug, Default)]
pub struct UnitOfWork {
    log: Vec<Recorded>,
    new_ids: NewIds,
}

/// What the server answered to one operation of a commit.
#[derive(Clone, Debug, PartialEq)]
pub enum Committed {
    /// An entity was created.
    Created(EntityId),
    /// An entity was changed.
    Updated(EntityId),
    /// An entity was deleted.
    Deleted,
    /// The answer to another kind of operation.
    Other(Answer),
}

impl UnitOfWork {
    /// Returns how many steps are recorded.
    pub fn len(&self) -> usize {
        self.log.len()
    }

    /// Tells whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.log.is_empty()
    }

    /// Tells whether the creation of this entity is recorded.
    pub fn creates(&self, key: &EntityKey) -> bool {
        self.log.iter().any(|step| {
            let Recorded::Operation(Operation::Create(write)) = step else {
                return false;
            };
            let values = write.entity_key.iter().map(Value::as_str);
            write.entity_type == key.entity_type
                && values.eq(key.values.iter().map(|value| Some(&**value)))
        })
    }

    /// Returns the ids that were made for new entities, and not given by the caller.
    pub fn new_ids(&self) -> &NewIds {
        &self.new_ids
    }

    /// Makes a new entity with the defaults of its type and these values, and records its creation.
    ///
    /// Values of references and collections are recorded as an update after the creation, because they may refer back to the new entity.
    pub fn create(
        &mut self,
        map: &IdentityMap,
        entity_type: &EntityType,
        values: Vec<(AttributeId, SlotValue)>,
    ) -> Result<EntityId> {
        let (plain, relations): (Vec<_>, Vec<_>) =
            values.into_iter().partition(|(attribute, _)| {
                matches!(
                    entity_type.attribute(*attribute).kind,
                    AttributeKind::Scalar(_)
                )
            });
        for (attribute, value) in &relations {
            wire_value(map, entity_type, *attribute, value)?;
        }
        let id = map.insert_detached(entity_type.id);
        set_defaults(map, id, entity_type);
        let new_id = new_id(entity_type).filter(|new| plain.iter().all(|(given, _)| given != new));
        for (attribute, value) in plain {
            map.set_local(id, attribute, value);
        }
        let id = map.attach(id).ok_or_else(|| no_identity(entity_type))?;
        self.log.push(creation(map, id, entity_type)?.into());
        if new_id.is_some() {
            self.new_ids
                .extend(map.key(id).into_iter().flat_map(|key| key.values));
        }
        for (attribute, value) in relations {
            self.set(map, id, attribute, value)?;
        }
        Ok(id)
    }

    /// Sets a value and records it.
    pub fn set(
        &mut self,
        map: &IdentityMap,
        id: EntityId,
        attribute: AttributeId,
        value: SlotValue,
    ) -> Result<()> {
        let entity_type = map.entity_type(id);
        let definition = entity_type.attribute(attribute);
        if !definition.mutable && map.value(id, attribute).is_some() {
            return Err(Error::invalid(format!(
                "{}.{} cannot change once it is set",
                entity_type.name, definition.name
            )));
        }
        let sent = wire_value(map, entity_type, attribute, &value)?;
        self.log.push(Recorded::Operation(Operation::Update(Write {
            entity_type: entity_type.name.clone(),
            entity_key: entity_key(map, id)?,
            attributes: vec![(definition.name.clone(), sent)],
        })));
        map.set_local(id, attribute, value);
        Ok(())
    }

    /// Takes a value back, so that the server's shows again.
    pub fn unset(&mut self, map: &IdentityMap, id: EntityId, attribute: AttributeId) -> Result<()> {
        let entity_type = map.entity_type(id);
        self.log.push(Recorded::Unset {
            entity_type: entity_type.name.clone(),
            entity_key: entity_key(map, id)?,
            attribute: entity_type.attribute(attribute).name.clone(),
        });
        map.unset_local(id, attribute);
        Ok(())
    }

    /// Records that an entity goes away.
    pub fn delete(&mut self, map: &IdentityMap, id: EntityId) -> Result<()> {
        self.log.push(Recorded::Operation(Operation::Delete {
            entity_type: map.entity_type(id).name.clone(),
            entity_key: entity_key(map, id)?,
        }));
        Ok(())
    }

    /// Records any other operation.
    pub fn push(&mut self, step: impl Into<Recorded>) {
        self.log.push(step.into());
    }

    /// Returns the batch that a commit would send.
    pub fn batch(&self) -> Vec<Operation> {
        coalesce(self.log.iter().cloned())
    }

    /// Takes over what [`UnitOfWork::batch`] has written and the server's answer to it, and forgets all local values and the log.
    ///
    /// New entities keep the identity they were sent with, whatever the answer holds of them.
    pub fn accept(
        &mut self,
        map: &IdentityMap,
        batch: &[Operation],
        answer: &[u8],
    ) -> Result<Vec<Committed>> {
        self.log.clear();
        self.new_ids.clear();
        map.clear_all_local(ClearScope::KeepPrimaryKey);
        let answers = apply(map, batch).and_then(|()| merge_answers(map, answer));
        map.clear_all_local(ClearScope::All);
        Ok(answers?.into_iter().map(Committed::from).collect())
    }

    /// Forgets all changes; new entities can no longer be found.
    pub fn rollback(&mut self, map: &IdentityMap) {
        self.new_ids.clear();
        for step in self.log.drain(..) {
            let Recorded::Operation(Operation::Create(write)) = step else {
                continue;
            };
            let key: Vec<&str> = write.entity_key.iter().filter_map(Value::as_str).collect();
            if let Some(entity_type) = map.schemas().find(&write.entity_type) {
                map.remove(entity_type.id, &key);
            }
        }
        map.clear_all_local(ClearScope::All);
    }
}

impl From<Answer> for Committed {
    fn from(answer: Answer) -> Self {
        let action = answer.get("action").and_then(Answer::as_str);
        match (action, answer.get("data")) {
            (Some("create"), Some(Answer::Entity(id))) => Self::Created(*id),
            (Some("update"), Some(Answer::Entity(id))) => Self::Updated(*id),
            (Some("delete"), _) => Self::Deleted,
            _ => Self::Other(answer),
        }
    }
}

fn wire_value(
    map: &IdentityMap,
    entity_type: &EntityType,
    attribute: AttributeId,
    value: &SlotValue,
) -> Result<Value> {
    map.wire_value(value).ok_or_else(|| {
        Error::invalid(format!(
            "the value of {}.{} refers to an entity without identity",
            entity_type.name,
            entity_type.attribute(attribute).name
        ))
    })
}

/// Returns the attribute that is all of the primary key and whose value is made where none is given.
fn new_id(entity_type: &EntityType) -> Option<AttributeId> {
    match *entity_type.primary_key {
        [id] if entity_type.attribute(id).default == DefaultValue::UniqueId => Some(id),
        _ => None,
    }
}

fn set_defaults(map: &IdentityMap, id: EntityId, entity_type: &EntityType) {
    for (index, attribute) in entity_type.attributes.iter().enumerate() {
        let value = match &attribute.default {
            DefaultValue::None => continue,
            DefaultValue::UniqueId => SlotValue::Id(uuid::Uuid::new_v4()),
            DefaultValue::Value(json) => default_value(json, &attribute.kind),
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a schema with more attributes is refused"
        )]
        map.set_local(id, AttributeId(index as u16), value);
    }
}

fn default_value(json: &serde_json::Value, kind: &AttributeKind) -> SlotValue {
    let is_date = *kind == AttributeKind::Scalar(DataType::DateTime);
    if let (true, Some(Ok(date))) = (is_date, json.as_str().map(str::parse)) {
        return SlotValue::DateTime(date);
    }
    // A JSON tree is always a value.
    serde_json::from_value(json.clone()).map_or(SlotValue::Null, SlotValue::from_value)
}

/// Returns the creation of an entity with all values set on it so far.
fn creation(map: &IdentityMap, id: EntityId, entity_type: &EntityType) -> Result<Operation> {
    let attributes = map
        .set_attributes(id)
        .into_iter()
        .filter_map(|attribute| {
            let value = map.local(id, attribute)?;
            let name = entity_type.attribute(attribute).name.clone();
            Some((name, map.wire_value(&value)?))
        })
        .collect();
    Ok(Operation::Create(Write {
        entity_type: entity_type.name.clone(),
        entity_key: entity_key(map, id)?,
        attributes,
    }))
}

fn entity_key(map: &IdentityMap, id: EntityId) -> Result<Vec<Value>> {
    let key = map
        .key(id)
        .ok_or_else(|| no_identity(map.entity_type(id)))?;
    Ok(key.values.iter().cloned().map(Value::Text).collect())
}

fn no_identity(entity_type: &EntityType) -> Error {
    let names: Vec<Arc<str>> = entity_type
        .primary_key
        .iter()
        .map(|id| entity_type.attribute(*id).name.clone())
        .collect();
    Error::invalid(format!(
        "a new {} needs a value of {}",
        entity_type.name,
        names.join(" and ")
    ))
}
