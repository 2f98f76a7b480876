//! Operations: what one call to `/api` asks for.
//!
//! A body is a JSON array of operations, the answer a JSON array of results in the same order. Writes are typed here because clients optimise them before they are sent
//! and the server checks them; everything else is built by whoever needs it, as [`Operation::Other`].

use std::sync::Arc;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{EntityData, Value};

/// One operation of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Asks for the entities that an expression selects.
    Query {
        /// Query language text, such as `select name from Task limit 1`.
        expression: String,
    },
    /// Creates an entity.
    Create(Write),
    /// Changes attributes of an entity.
    Update(Write),
    /// Deletes an entity.
    Delete {
        /// Schema name.
        entity_type: Arc<str>,
        /// Primary key values in the order of the type's primary key.
        entity_key: Vec<Value>,
    },
    /// Any other action with its members, `action` excluded.
    Other {
        /// Name of the action, such as `encode_media`.
        action: Arc<str>,
        /// Members in the order they are written.
        members: Vec<(Arc<str>, Value)>,
    },
}

/// What a create or an update writes.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Schema name.
    pub entity_type: Arc<str>,
    /// Primary key values in the order of the type's primary key.
    pub entity_key: Vec<Value>,
    /// Attributes to set.
    pub attributes: Vec<(Arc<str>, Value)>,
}

impl Operation {
    /// Returns the name of the action, as it travels.
    pub fn action(&self) -> &str {
        match self {
            Self::Query { .. } => "query",
            Self::Create(_) => "create",
            Self::Update(_) => "update",
            Self::Delete { .. } => "delete",
            Self::Other { action, .. } => action,
        }
    }
}

impl Write {
    /// Sets the attribute `name`, replacing an earlier value in its place.
    pub fn set(&mut self, name: Arc<str>, value: Value) {
        match self.attributes.iter_mut().find(|(key, _)| *key == name) {
            Some(slot) => slot.1 = value,
            None => self.attributes.push((name, value)),
        }
    }
}

impl Serialize for Operation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("action", self.action())?;
        match self {
            Self::Query { expression } => {
                map.serialize_entry("expression", expression)?;
            }
            Self::Create(write) | Self::Update(write) => write.serialize_members(&mut map)?,
            Self::Delete {
                entity_type,
                entity_key,
            } => {
                map.serialize_entry("entity_type", &**entity_type)?;
                map.serialize_entry("entity_key", entity_key)?;
            }
            Self::Other { members, .. } => {
                for (name, value) in members {
                    map.serialize_entry(&**name, value)?;
                }
            }
        }
        map.end()
    }
}

impl Write {
    fn serialize_members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("entity_type", &*self.entity_type)?;
        map.serialize_entry("entity_key", &self.entity_key)?;
        // ftrack expects the type once more inside the data.
        map.serialize_entry(
            "entity_data",
            &EntityData {
                entity_type: self.entity_type.clone(),
                attributes: self.attributes.clone(),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(operation: &Operation, json: &str) {
        assert_eq!(serde_json::to_string(operation).unwrap(), json);
    }

    #[test]
    fn writes_what_the_server_reads() {
        check(
            &Operation::Query {
                expression: "select id from User".into(),
            },
            r#"{"action":"query","expression":"select id from User"}"#,
        );
        check(
            &Operation::Create(Write {
                entity_type: "User".into(),
                entity_key: vec![Value::from("u")],
                attributes: vec![("id".into(), Value::from("u"))],
            }),
            r#"{"action":"create","entity_type":"User","entity_key":["u"],"entity_data":{"__entity_type__":"User","id":"u"}}"#,
        );
        // By name: of a reference and its id the server takes the last.
        check(
            &Operation::Update(Write {
                entity_type: "Task".into(),
                entity_key: vec![Value::from("t")],
                attributes: vec![
                    ("status_id".into(), Value::from("s")),
                    ("status".into(), Value::Null),
                    ("Z".into(), Value::Bool(true)),
                ],
            }),
            r#"{"action":"update","entity_type":"Task","entity_key":["t"],"entity_data":{"Z":true,"__entity_type__":"Task","status":null,"status_id":"s"}}"#,
        );
        check(
            &Operation::Delete {
                entity_type: "Metadata".into(),
                entity_key: vec![Value::from("p"), Value::from("k")],
            },
            r#"{"action":"delete","entity_type":"Metadata","entity_key":["p","k"]}"#,
        );
        check(
            &Operation::Other {
                action: "query_server_information".into(),
                members: vec![],
            },
            r#"{"action":"query_server_information"}"#,
        );
    }

    #[test]
    fn setting_twice_keeps_the_last_value_in_the_first_place() {
        let mut write = Write {
            entity_type: "User".into(),
            entity_key: vec![],
            attributes: vec![("a".into(), Value::Int(1)), ("b".into(), Value::Int(2))],
        };
        write.set("a".into(), Value::Int(3));
        write.set("c".into(), Value::Null);
        let names: Vec<_> = write.attributes.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(write.attributes[0].1, Value::Int(3));
    }
}
