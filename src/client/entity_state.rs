//! What is known of one entity: per attribute the value the server has, and the value set here but not committed yet.
//!
//! A session may hold a million of these, so absence means "not set", ids are sixteen bytes instead of text, and everything rare is behind a pointer.

mod slots;

use std::fmt;
use std::sync::Arc;

use ftrack_protocol::{DateTime, Value};
use uuid::Uuid;

pub use slots::Slots;

use crate::schema_set::{AttributeId, TypeId};

/// An entity within its [`IdentityMap`](crate::identity_map::IdentityMap).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityId(pub u32);

/// A value of an attribute, as small as it gets.
///
/// Texts are made by [`SlotValue::text`], so that an id is always [`SlotValue::Id`] and equal values are equal.
#[derive(Clone, Debug, PartialEq)]
pub enum SlotValue {
    /// The server has no value.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text that is a UUID in lower-case hyphenated form.
    Id(Uuid),
    /// Any other text.
    Text(Arc<str>),
    /// A point in time.
    DateTime(DateTime),
    /// An entity of the same map.
    Entity(EntityId),
    /// Entities of the same map, in order.
    Collection(Arc<[EntityId]>),
    /// A plain list or object.
    Json(Arc<Value>),
}

impl SlotValue {
    /// Makes a text value.
    pub fn text(text: &str) -> Self {
        match parse_id(text) {
            Some(id) => Self::Id(id),
            None => Self::Text(text.into()),
        }
    }

    /// Makes a value of anything that holds no entity at its top.
    pub fn from_value(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Int(value) => Self::Int(value),
            Value::Float(value) => Self::Float(value),
            Value::Text(text) => parse_id(&text).map_or(Self::Text(text), Self::Id),
            Value::DateTime(value) => Self::DateTime(value),
            other @ (Value::Entity(_) | Value::List(_) | Value::Map(_)) => {
                Self::Json(Arc::new(other))
            }
        }
    }

    /// Returns the value as it travels, or none for entities, whose keys only their map knows.
    pub fn to_value(&self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Float(value) => Value::Float(*value),
            Self::Id(id) => Value::Text(id_text(id).into()),
            Self::Text(text) => Value::Text(text.clone()),
            Self::DateTime(value) => Value::DateTime(*value),
            Self::Json(value) => (**value).clone(),
            Self::Entity(_) | Self::Collection(_) => return None,
        })
    }

    /// Returns the text that stands for this value in a primary key, if it can.
    pub fn key_text(&self) -> Option<Arc<str>> {
        Some(match self {
            Self::Id(id) => id_text(id).into(),
            Self::Text(text) => text.clone(),
            Self::Int(value) => value.to_string().into(),
            Self::Bool(value) => value.to_string().into(),
            _ => return None,
        })
    }
}

impl fmt::Display for SlotValue {
    /// Writes texts and numbers as they are, for messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key_text() {
            Some(text) => f.write_str(&text),
            None => write!(f, "{self:?}"),
        }
    }
}

/// Returns the id that `text` is, if it is one in the form that prints back unchanged.
pub fn parse_id(text: &str) -> Option<Uuid> {
    let canonical = text.len() == 36 && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    canonical.then(|| Uuid::try_parse(text).ok()).flatten()
}

fn id_text(id: &Uuid) -> String {
    id.hyphenated().to_string()
}

/// The identity of an entity inside its map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// One id, as nearly all types have.
    Id(Uuid),
    /// Anything else, value by value.
    Parts(Box<[Arc<str>]>),
}

impl Key {
    /// Makes a key of texts in the order of the primary key.
    pub fn new<T: AsRef<str>>(values: &[T]) -> Self {
        if let [value] = values
            && let Some(id) = parse_id(value.as_ref())
        {
            return Self::Id(id);
        }
        Self::Parts(values.iter().map(|value| value.as_ref().into()).collect())
    }

    /// Returns the texts the key was made of.
    pub fn values(&self) -> Box<[Arc<str>]> {
        match self {
            Self::Id(id) => [id_text(id).into()].into(),
            Self::Parts(parts) => parts.clone(),
        }
    }
}

/// What is known of one entity.
#[derive(Clone, Debug)]
pub struct EntityState {
    /// Most concrete type.
    pub entity_type: TypeId,
    /// Identity under which the map finds this entity; none while it is detached.
    pub key: Option<Key>,
    /// Values the server has.
    pub remote: Slots,
    /// Values set here and not committed.
    pub local: Option<Box<Slots>>,
}

impl EntityState {
    /// Makes a state of which nothing is known.
    pub fn new(entity_type: TypeId) -> Self {
        Self {
            entity_type,
            key: None,
            remote: Slots::default(),
            local: None,
        }
    }

    /// Returns the value set here.
    pub fn local(&self, attribute: AttributeId) -> Option<&SlotValue> {
        self.local.as_ref()?.get(attribute)
    }

    /// Returns the value set here, otherwise the server's.
    pub fn value(&self, attribute: AttributeId) -> Option<&SlotValue> {
        self.local(attribute).or_else(|| self.remote.get(attribute))
    }

    /// Tells whether a value is set here that differs from the server's.
    pub fn is_modified(&self, attribute: AttributeId) -> bool {
        self.local(attribute)
            .is_some_and(|local| self.remote.get(attribute) != Some(local))
    }

    /// Takes over a value of the server.
    ///
    /// A collection that was only read has a local copy equal to the server's; it follows the server.
    pub fn merge_remote(&mut self, attribute: AttributeId, value: SlotValue) {
        let follower = match (&value, self.local.as_mut()) {
            (SlotValue::Collection(_), Some(local)) => Some((local, value.clone())),
            _ => None,
        };
        let old = self.remote.set(attribute, value);
        if let Some((local, value)) = follower
            && let Some(held) = local.get(attribute)
            && old.as_ref() == Some(held)
        {
            local.set(attribute, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_states_are_small() {
        assert_eq!(size_of::<SlotValue>(), 24);
        assert!(
            size_of::<EntityState>() <= 80,
            "{}",
            size_of::<EntityState>()
        );
    }

    #[test]
    fn only_ids_that_print_back_unchanged_are_packed() {
        let id = "44dd9fb2-4164-11df-9218-0019bb4983d8";
        for text in [
            id,
            "44DD9FB2-4164-11DF-9218-0019BB4983D8",
            "44dd9fb2416411df92180019bb4983d8",
            "",
        ] {
            let value = SlotValue::text(text);
            assert_eq!(matches!(value, SlotValue::Id(_)), text == id);
            assert_eq!(value.to_value(), Some(Value::from(text)));
            assert_eq!(*Key::new(&[text]).values(), [Arc::from(text)]);
        }
    }

    #[test]
    fn a_collection_that_was_only_read_follows_the_server() {
        let notes = AttributeId(0);
        let list =
            |ids: &[u32]| SlotValue::Collection(ids.iter().map(|id| EntityId(*id)).collect());
        let mut state = EntityState::new(TypeId(0));
        state.merge_remote(notes, list(&[1]));
        state.local.get_or_insert_default().set(notes, list(&[1]));
        state.merge_remote(notes, list(&[1, 2]));
        assert_eq!(state.value(notes), Some(&list(&[1, 2])));
        state.local.get_or_insert_default().set(notes, list(&[2]));
        state.merge_remote(notes, list(&[1, 2, 3]));
        assert_eq!(state.value(notes), Some(&list(&[2])), "changed here");
    }
}
