//! A handle to an entity, for applications in Rust.

use std::fmt;
use std::sync::Arc;

use ftrack_protocol::{EntityKey, Value};

use crate::entity_state::{EntityId, SlotValue};
use crate::error::{Error, Result};
use crate::identity_map::IdentityMap;
use crate::schema_set::EntityType;

/// One entity of a session's cache.
///
/// Handles are cheap to clone. They stay usable after the session has started a new cache, but no longer follow it.
#[derive(Clone)]
pub struct Entity {
    map: Arc<IdentityMap>,
    id: EntityId,
}

/// A value as applications see it.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// A plain value.
    Plain(Value),
    /// A reference.
    Entity(Entity),
    /// A collection.
    Entities(Vec<Entity>),
}

impl Entity {
    /// Makes a handle of an entity of `map`.
    pub fn new(map: Arc<IdentityMap>, id: EntityId) -> Self {
        Self { map, id }
    }

    /// Returns the map that holds this entity.
    pub fn map(&self) -> &Arc<IdentityMap> {
        &self.map
    }

    /// Returns the number of this entity in its map.
    pub fn id(&self) -> EntityId {
        self.id
    }

    /// Returns the type of this entity.
    pub fn entity_type(&self) -> &EntityType {
        self.map.entity_type(self.id)
    }

    /// Returns the identity, or none if the primary key is not set.
    pub fn key(&self) -> Option<EntityKey> {
        self.map.key(self.id)
    }

    /// Returns the value of an attribute as far as it is known here; none if it was never set or fetched.
    pub fn known(&self, name: &str) -> Result<Option<Field>> {
        let attribute = self.entity_type().get(name)?;
        let value = self.map.value(self.id, attribute);
        Ok(value.map(|value| self.field(&value)))
    }

    fn field(&self, value: &SlotValue) -> Field {
        let handle = |id: &EntityId| Self::new(self.map.clone(), *id);
        match value {
            SlotValue::Entity(id) => Field::Entity(handle(id)),
            SlotValue::Collection(ids) => Field::Entities(ids.iter().map(handle).collect()),
            plain => Field::Plain(plain.to_value().unwrap_or_default()),
        }
    }
}

impl Field {
    /// Returns the value as `map` holds it, or an error if it is an entity of another map.
    pub(crate) fn into_slot(self, map: &Arc<IdentityMap>) -> Result<SlotValue> {
        let id_in_map = |entity: &Entity| {
            if Arc::ptr_eq(&entity.map, map) {
                return Ok(entity.id);
            }
            Err(Error::invalid(format!(
                "{entity:?} belongs to another session or an earlier cache"
            )))
        };
        Ok(match self {
            Self::Plain(value) => SlotValue::from_value(value),
            Self::Entity(entity) => SlotValue::Entity(id_in_map(&entity)?),
            Self::Entities(entities) => {
                SlotValue::Collection(entities.iter().map(id_in_map).collect::<Result<_>>()?)
            }
        })
    }

    /// Returns the text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Plain(value) => value.as_str(),
            Self::Entity(_) | Self::Entities(_) => None,
        }
    }

    /// Returns the entity, if this is one.
    pub fn as_entity(&self) -> Option<&Entity> {
        match self {
            Self::Entity(entity) => Some(entity),
            Self::Plain(_) | Self::Entities(_) => None,
        }
    }
}

impl From<Value> for Field {
    fn from(value: Value) -> Self {
        Self::Plain(value)
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self::Plain(Value::from(text))
    }
}

impl From<&Entity> for Field {
    fn from(entity: &Entity) -> Self {
        Self::Entity(entity.clone())
    }
}

impl From<Vec<Entity>> for Field {
    fn from(entities: Vec<Entity>) -> Self {
        Self::Entities(entities)
    }
}

impl PartialEq for Entity {
    /// Entities are equal if their identities are, whichever cache they are from.
    fn eq(&self, other: &Self) -> bool {
        let same_handle = Arc::ptr_eq(&self.map, &other.map) && self.id == other.id;
        same_handle || self.key().is_some_and(|key| other.key() == Some(key))
    }
}

impl fmt::Debug for Entity {
    /// Writes type and key, as in `Task(44dd9fb2-4164-11df-9218-0019bb4983d8)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key() {
            Some(key) => fmt::Display::fmt(&key, f),
            None => write!(f, "{}(Unknown)", self.entity_type().name),
        }
    }
}
