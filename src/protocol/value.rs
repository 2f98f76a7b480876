//! Attribute values and their wire encoding.
//!
//! JSON carries more than JSON's types: `{"__type__":"datetime","value":"2022-10-10T10:12:09"}` is a datetime and an object with `__entity_type__` is an entity, either a
//! bare reference (type and primary key) or with any number of its attributes. [`Value`] holds them decoded; serialising gives the wire form back.

use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::DateTime;

/// The key that marks an object as a typed scalar.
pub const TYPE_KEY: &str = "__type__";
/// The key that marks an object as an entity.
pub const ENTITY_TYPE_KEY: &str = "__entity_type__";

/// A decoded value.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// JSON `null`.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(Arc<str>),
    /// A point in time, sent as a typed object.
    DateTime(DateTime),
    /// An entity: a reference, or as much of it as was sent.
    Entity(EntityData),
    /// An ordered list.
    List(Vec<Value>),
    /// A plain object, in the order it was written.
    Map(Vec<(Arc<str>, Value)>),
}

/// An entity as it travels: its type and the attributes that were sent.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityData {
    /// Schema name, such as `Task`.
    pub entity_type: Arc<str>,
    /// Attributes in the order they were written, primary key included.
    pub attributes: Vec<(Arc<str>, Value)>,
}

impl EntityData {
    /// Returns the value of the attribute `name`, if it was sent.
    pub fn get(&self, name: &str) -> Option<&Value> {
        lookup(&self.attributes, name)
    }
}

impl Value {
    /// Makes a text value.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Returns the text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the member `name` of a plain object or an entity.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Map(members) => lookup(members, name),
            Self::Entity(entity) => entity.get(name),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

fn lookup<'a>(members: &'a [(Arc<str>, Value)], name: &str) -> Option<&'a Value> {
    members
        .iter()
        .find(|(key, _)| &**key == name)
        .map(|(_, value)| value)
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::DateTime(value) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry(TYPE_KEY, "datetime")?;
                map.serialize_entry("value", &value.to_string())?;
                map.end()
            }
            Self::Entity(entity) => entity.serialize(serializer),
            Self::List(items) => serializer.collect_seq(items),
            Self::Map(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in sorted(members) {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl Serialize for EntityData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.attributes.len() + 1))?;
        let members = sorted(&self.attributes);
        let (before, after) =
            members.split_at(members.partition_point(|(name, _)| *name < ENTITY_TYPE_KEY));
        for (name, value) in before {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry(ENTITY_TYPE_KEY, &*self.entity_type)?;
        for (name, value) in after {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Returns the members of an object by name, in which order the official client sends them: where a reference and its id are both set, the server takes the last.
fn sorted(members: &[(Arc<str>, Value)]) -> Vec<(&str, &Value)> {
    let mut sorted: Vec<_> = members
        .iter()
        .map(|(name, value)| (&**name, value))
        .collect();
    sorted.sort_by_key(|(name, _)| *name);
    sorted
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers past 64 bits are floats in JSON anyway"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Float(value as f64), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(1024));
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<Arc<str>, Value>()? {
            members.push(member);
        }
        classify(members).map_err(de::Error::custom)
    }
}

/// Turns the members of an object into what they mean.
fn classify(mut members: Vec<(Arc<str>, Value)>) -> Result<Value, crate::DateTimeError> {
    let typed = lookup(&members, TYPE_KEY).and_then(Value::as_str);
    if matches!(typed, Some("datetime" | "date"))
        && let Some(text) = lookup(&members, "value").and_then(Value::as_str)
    {
        return text.parse().map(Value::DateTime);
    }
    let marker = members
        .iter()
        .position(|(key, _)| &**key == ENTITY_TYPE_KEY);
    if let Some(position) = marker
        && let Value::Text(entity_type) = &members[position].1
    {
        let entity_type = entity_type.clone();
        members.remove(position);
        return Ok(Value::Entity(EntityData {
            entity_type,
            attributes: members,
        }));
    }
    Ok(Value::Map(members))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn typed_objects_become_datetimes() {
        assert_eq!(
            decode(r#"{"__type__":"datetime","value":"2022-10-10T10:12:09"}"#),
            Value::DateTime("2022-10-10T10:12:09".parse().unwrap())
        );
        assert_eq!(
            decode(r#"{"__type__":"date","value":"2022-01-05"}"#),
            Value::DateTime("2022-01-05".parse().unwrap())
        );
    }

    #[test]
    fn objects_with_a_type_become_entities() {
        let value = decode(r#"{"id":"a","__entity_type__":"Status","name":null}"#);
        let Value::Entity(entity) = &value else {
            panic!("{value:?} is not an entity");
        };
        assert_eq!(&*entity.entity_type, "Status");
        assert_eq!(entity.get("id"), Some(&Value::from("a")));
        assert_eq!(entity.get("name"), Some(&Value::Null));
        assert_eq!(entity.get("sort"), None);
        assert_eq!(
            serde_json::to_string(&value).unwrap(),
            r#"{"__entity_type__":"Status","id":"a","name":null}"#
        );
    }

    #[test]
    fn a_datetime_that_is_none_is_an_error_that_names_it() {
        let error = serde_json::from_str::<Value>(r#"{"__type__":"datetime","value":"soon"}"#)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("\"soon\" is not an ISO 8601 datetime"),
            "{error}"
        );
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            (-1.0e15..1.0e15_f64)
                .prop_filter("integers come back as such", |f| f.fract() != 0.0)
                .prop_map(Value::Float),
            "\\PC*".prop_map(Value::text),
            (-10_000_000_000_000_i64..10_000_000_000_000)
                .prop_map(|micros| Value::DateTime(DateTime::from_micros(micros, 0))),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            let members = prop::collection::btree_map("[a-z]{1,8}", inner.clone(), 0..5).prop_map(
                |members| {
                    members
                        .into_iter()
                        .map(|(key, value)| (Arc::from(key), value))
                        .collect::<Vec<_>>()
                },
            );
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(Value::List),
                members.clone().prop_map(Value::Map),
                ("[A-Z][a-z]{1,8}", members).prop_map(|(entity_type, attributes)| {
                    Value::Entity(EntityData {
                        entity_type: entity_type.into(),
                        attributes,
                    })
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn encoding_then_decoding_gives_the_same_value(value in values()) {
            let json = serde_json::to_string(&value).unwrap();
            let decoded: Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(decoded, value);
        }
    }
}
