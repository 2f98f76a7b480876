//! Reads the body of a call: an array of operations.

use std::sync::Arc;

use ftrack_protocol::{Value, Write};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::operations::{self, Action, Arguments, Handler, Members};

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
    /// Prepares an upload.
    GetUploadMetadata(Members),
    /// Joins the parts of an upload.
    CompleteMultipartUpload(Members),
    /// Encodes a component for the web.
    EncodeMedia(Members),
    /// Something that has a module of its own.
    Other {
        /// What is asked for.
        action: &'static Action,
        /// What it was sent with.
        arguments: Arguments,
    },
    /// An action the server does not know.
    Unknown {
        /// The name of the action.
        action: String,
    },
}

impl Operation {
    /// Returns whether the operation may change the database.
    pub fn writes(&self) -> bool {
        matches!(
            self,
            Self::Create(_) | Self::Update(_) | Self::Delete { .. } | Self::EncodeMedia(_)
        ) || matches!(self, Self::Other { action, .. } if matches!(action.handler(), Handler::Write(_)))
    }

    /// Returns whether the operation may lead to other files.
    pub fn changes_files(&self) -> bool {
        matches!(
            self,
            Self::GetUploadMetadata(_) | Self::CompleteMultipartUpload(_)
        )
    }

    /// Returns whether the operation ends acting as another user.
    pub fn ends_assumption(&self) -> bool {
        matches!(self, Self::Other { action, .. } if action.name == "un_assume_user")
    }

    /// Returns the query that the operation holds, if any.
    pub fn expression(&self) -> Option<&str> {
        match self {
            Self::Query { expression } => Some(expression),
            Self::Other { arguments, .. } => arguments.optional_text("expression"),
            _ => None,
        }
    }
}

/// A body that is no array of operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MalformedBody {
    /// What is wrong with it; at least one fault.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The way to the faulty place: `body`, the number of the operation, the member.
    pub location: Vec<serde_json::Value>,
    /// What is wrong there.
    pub message: String,
    /// The kind of fault.
    pub code: &'static str,
}

/// Decodes the body of a call.
pub fn decode(body: &[u8]) -> Result<Vec<Operation>, MalformedBody> {
    let operations: Vec<&RawValue> =
        serde_json::from_slice(body).map_err(|error| MalformedBody {
            faults: vec![fault(&["body".into()], &error)],
        })?;
    let numbered = operations.into_iter().enumerate();
    numbered
        .map(|(index, operation)| {
            decode_operation(operation).map_err(|error| MalformedBody {
                faults: faults(index, operation, &error),
            })
        })
        .collect()
}

/// Finds out what is wrong with an operation, member by member; good ones are never looked at so closely.
fn faults(index: usize, operation: &RawValue, error: &serde_json::Error) -> Vec<Fault> {
    let place = ["body".into(), index.into()];
    let sent: Members = members(operation).unwrap_or_default();
    let action = sent.get("action").and_then(|action| action.as_str());
    let misfits = match action.and_then(operations::find) {
        Some(action) => action.misfits(&sent),
        None => Vec::new(),
    };
    if misfits.is_empty() {
        return vec![fault(&place, error)];
    }
    let faults = misfits.into_iter().map(|misfit| Fault {
        location: place
            .iter()
            .cloned()
            .chain([misfit.member.into()])
            .collect(),
        message: misfit.message.to_owned(),
        code: misfit.code,
    });
    faults.collect()
}

fn fault(location: &[serde_json::Value], error: &serde_json::Error) -> Fault {
    Fault {
        location: location.to_vec(),
        message: error.to_string(),
        code: "value_error",
    }
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
        "update" => Operation::Update(decode_update(operation)?),
        "delete" => {
            let sent: DeleteMembers = members(operation)?;
            Operation::Delete {
                entity_type: sent.entity_type,
                key: key(sent.key),
            }
        }
        _ => match operations::find(&action) {
            Some(known) => decode_known(known, fitting_members(known, operation)?),
            None => Operation::Unknown { action },
        },
    })
}

fn decode_known(action: &'static Action, members: Members) -> Operation {
    match action.name {
        "get_upload_metadata" => Operation::GetUploadMetadata(members),
        "complete_multipart_upload" => Operation::CompleteMultipartUpload(members),
        "encode_media" => Operation::EncodeMedia(members),
        _ => Operation::Other {
            action,
            arguments: Arguments::new(members),
        },
    }
}

fn fitting_members(action: &Action, operation: &RawValue) -> serde_json::Result<Members> {
    let members = members(operation)?;
    if action.misfits(&members).is_empty() {
        return Ok(members);
    }
    Err(serde::de::Error::custom("members do not fit the action"))
}

fn members<T: DeserializeOwned>(operation: &RawValue) -> serde_json::Result<T> {
    serde_json::from_str(operation.get())
}

fn decode_write(operation: &RawValue) -> serde_json::Result<Write> {
    let sent: WriteMembers = members(operation)?;
    let attributes = match sent.data {
        Value::Entity(entity) => entity.attributes,
        Value::Map(attributes) => attributes,
        _ => return Err(serde::de::Error::custom("entity_data must be an object")),
    };
    Ok(Write {
        entity_type: sent.entity_type,
        entity_key: key(sent.key),
        attributes,
    })
}

/// An update, other than a create, cannot do without the key.
fn decode_update(operation: &RawValue) -> serde_json::Result<Write> {
    let write = decode_write(operation)?;
    if write.entity_key.is_empty() {
        return Err(serde::de::Error::missing_field("entity_key"));
    }
    Ok(write)
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
    #[serde(default, rename = "entity_key")]
    key: Value,
    #[serde(rename = "entity_data")]
    data: Value,
}

#[derive(Deserialize)]
struct DeleteMembers {
    entity_type: String,
    #[serde(rename = "entity_key")]
    key: Value,
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
        let [fault] = error.faults.as_slice() else {
            panic!("{error:?} is not one fault");
        };
        assert_eq!(
            serde_json::Value::from(fault.location.clone()),
            serde_json::json!(["body", 1, "expression"])
        );
        assert_eq!(fault.message, "field required");
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
