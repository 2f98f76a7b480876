//! Reads the body of a call: an array of operations.

use std::sync::Arc;

use ftrack_protocol::{Value, Write};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, value::RawValue};

/// One operation, as far as it can be understood without the database.
#[derive(Debug)]
pub enum Operation {
    /// Answers what an expression selects.
    Query {
        /// The expression.
        expression: String,
    },
    /// Answers what entity types there are.
    QuerySchemas,
    /// Answers facts about the server.
    QueryServerInformation {
        /// The facts asked for; the usual ones if absent.
        values: Option<Vec<String>>,
    },
    /// Creates an entity.
    Create(Write),
    /// Changes an entity.
    Update(Write),
    /// Deletes an entity.
    Delete {
        /// The name of the entity type.
        entity_type: String,
        /// The primary key.
        key: Vec<Value>,
    },
    /// Gives a user a new API key or password.
    ResetRemote {
        /// `api_key` or `password`.
        reset_type: Value,
        /// The id of the user.
        key: Vec<Value>,
    },
    /// Prepares an upload.
    GetUploadMetadata(Members),
    /// Joins the parts of an upload.
    CompleteMultipartUpload(Members),
    /// Encodes a component for the web.
    EncodeMedia(Members),
    /// Something that needs no more than a nod.
    Acknowledge {
        /// The name of the action.
        action: String,
    },
    /// An action the server does not know.
    Unknown {
        /// The name of the action.
        action: String,
    },
}

/// The members of an operation as they were sent.
pub type Members = Map<String, serde_json::Value>;

impl Operation {
    /// Returns whether the operation may change the database.
    pub fn writes(&self) -> bool {
        matches!(
            self,
            Self::Create(_)
                | Self::Update(_)
                | Self::Delete { .. }
                | Self::ResetRemote { .. }
                | Self::EncodeMedia(_)
        )
    }
}

/// A body that is no array of operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedBody {
    /// The way to the faulty place: `body`, the number of the operation, the member.
    pub location: Vec<serde_json::Value>,
    /// What is wrong there.
    pub message: String,
}

/// Decodes the body of a call.
pub fn decode(body: &[u8]) -> Result<Vec<Operation>, MalformedBody> {
    let operations: Vec<&RawValue> =
        serde_json::from_slice(body).map_err(|error| MalformedBody {
            location: vec!["body".into()],
            message: error.to_string(),
        })?;
    let numbered = operations.into_iter().enumerate();
    numbered
        .map(|(index, operation)| {
            decode_operation(operation).map_err(|error| MalformedBody {
                location: vec!["body".into(), index.into()],
                message: error.to_string(),
            })
        })
        .collect()
}

fn decode_operation(operation: &RawValue) -> serde_json::Result<Operation> {
    let ActionMember { action } = members(operation)?;
    Ok(match action.as_str() {
        "query" => {
            let QueryMembers { expression } = members(operation)?;
            Operation::Query { expression }
        }
        "query_schemas" => Operation::QuerySchemas,
        "query_server_information" => {
            let InformationMembers { values } = members(operation)?;
            Operation::QueryServerInformation { values }
        }
        "create" => Operation::Create(decode_write(operation)?),
        "update" => Operation::Update(decode_write(operation)?),
        "delete" => {
            let DeleteMembers {
                entity_type,
                entity_key,
            } = members(operation)?;
            Operation::Delete {
                entity_type,
                key: key(entity_key),
            }
        }
        "reset_remote" => {
            let ResetMembers {
                reset_type,
                entity_key,
            } = members(operation)?;
            Operation::ResetRemote {
                reset_type,
                key: key(entity_key),
            }
        }
        "get_upload_metadata" => Operation::GetUploadMetadata(members(operation)?),
        "complete_multipart_upload" => Operation::CompleteMultipartUpload(members(operation)?),
        "encode_media" => Operation::EncodeMedia(members(operation)?),
        "_authorize_operation" | "_track_usage" => Operation::Acknowledge { action },
        _ => Operation::Unknown { action },
    })
}

fn members<T: DeserializeOwned>(operation: &RawValue) -> serde_json::Result<T> {
    serde_json::from_str(operation.get())
}

fn decode_write(operation: &RawValue) -> serde_json::Result<Write> {
    let WriteMembers {
        entity_type,
        entity_key,
        entity_data,
    } = members(operation)?;
    let attributes = match entity_data {
        Value::Entity(entity) => entity.attributes,
        Value::Map(attributes) => attributes,
        _ => return Err(serde::de::Error::custom("entity_data must be an object")),
    };
    Ok(Write {
        entity_type,
        entity_key: key(entity_key),
        attributes,
    })
}

/// A key of one value may come without a list around it.
fn key(member: Value) -> Vec<Value> {
    match member {
        Value::List(values) => values,
        Value::Null => Vec::new(),
        value => vec![value],
    }
}

#[derive(Deserialize)]
struct ActionMember {
    action: String,
}

#[derive(Deserialize)]
struct QueryMembers {
    expression: String,
}

#[derive(Deserialize)]
struct InformationMembers {
    values: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct WriteMembers {
    entity_type: Arc<str>,
    #[serde(default)]
    entity_key: Value,
    entity_data: Value,
}

#[derive(Deserialize)]
struct DeleteMembers {
    entity_type: String,
    entity_key: Value,
}

#[derive(Deserialize)]
struct ResetMembers {
    reset_type: Value,
    #[serde(default)]
    entity_key: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(body: &str) -> MalformedBody {
        decode(body.as_bytes()).unwrap_err()
    }

    #[test]
    fn a_key_may_come_without_a_list() {
        let body = br#"[{"action":"update","entity_type":"Task","entity_key":"a","entity_data":{"name":"b"}}]"#;
        let operations = decode(body).unwrap();
        let [Operation::Update(write)] = operations.as_slice() else {
            panic!("{operations:?} is not one update");
        };
        assert_eq!(write.entity_key, [Value::from("a")]);
        assert_eq!(write.attributes, [("name".into(), Value::from("b"))]);
    }

    #[test]
    fn a_faulty_operation_is_numbered() {
        let error = refuse(r#"[{"action":"query_schemas"},{"action":"query"}]"#);
        assert_eq!(error.location, ["body".into(), serde_json::Value::from(1)]);
        assert!(
            error.message.starts_with("missing field `expression`"),
            "{}",
            error.message
        );
    }

    #[test]
    fn a_body_must_be_an_array_of_objects() {
        for body in ["", "{}", "[", "[1]", "[{}]", r#"[{"action":7}]"#, "\u{ff}"] {
            refuse(body);
        }
    }

    #[test]
    fn deeply_nested_bodies_are_refused_and_not_followed() {
        refuse(&format!("[{}", "[".repeat(100_000)));
    }
}
