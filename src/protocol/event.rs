//! An event, as clients and the event server send it to each other.

use std::convert::Infallible;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::expression::{Candidate, Condition, Operator, compare_json};

/// An event.
///
/// It is written with exactly these keys, in camel case: ftrack's Python client drops events that have others. When it is
/// read, only the topic must be there, and other keys are passed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// What it is about, such as `ftrack.update`.
    pub topic: String,
    /// What the topic's subscribers need to know; of a reply, whatever the handler returned.
    #[serde(default = "empty_object")]
    pub data: Value,
    /// Where it comes from: `id`, `user`, `host`, `applicationId` and what else the publisher says of itself.
    #[serde(default, deserialize_with = "null_as_default")]
    pub source: Map<String, Value>,
    /// An expression for the subscribers it is meant for; all of them when empty.
    #[serde(default, deserialize_with = "null_as_default")]
    pub target: String,
    /// What replies name it by; empty when the publisher gave none.
    #[serde(default, deserialize_with = "null_as_default")]
    pub id: String,
    /// When it was sent, in whatever form the publisher uses; clients leave it null.
    #[serde(default)]
    pub sent: Value,
    /// The id of the event that this one answers.
    #[serde(default, alias = "in_reply_to_event")]
    pub in_reply_to_event: Option<String>,
}

impl Event {
    /// Makes an event that is meant for everyone and answers none.
    pub fn new(id: impl Into<String>, topic: impl Into<String>, data: Value) -> Self {
        Self {
            topic: topic.into(),
            data,
            source: Map::new(),
            target: String::new(),
            id: id.into(),
            sent: Value::Null,
            in_reply_to_event: None,
        }
    }
}

/// Subscriptions name the values by the keys of the Python client's events.
impl Candidate for Event {
    type Error = Infallible;

    fn compare(&self, condition: &Condition) -> Result<bool, Infallible> {
        let Some((first, path)) = condition.key.split_first() else {
            return Ok(false);
        };
        Ok(match first.as_str() {
            "topic" => compare_text(&self.topic, path, condition),
            "data" => compare_json(&self.data, path, condition),
            "source" if path.is_empty() => condition.operator == Operator::NotEqual,
            "source" => compare_member(&self.source, path, condition),
            "target" => compare_text(&self.target, path, condition),
            "id" => compare_text(&self.id, path, condition),
            "sent" => compare_json(&self.sent, path, condition),
            "in_reply_to_event" | "inReplyToEvent" => match &self.in_reply_to_event {
                Some(id) => compare_text(id, path, condition),
                None => compare_json(&Value::Null, path, condition),
            },
            _ => false,
        })
    }
}

fn compare_text(value: &str, path: &[String], condition: &Condition) -> bool {
    path.is_empty()
        && match condition.wanted_part() {
            Some(part) => value.contains(part),
            None => condition.operator.accepts(value.cmp(&condition.value)),
        }
}

fn compare_member(object: &Map<String, Value>, path: &[String], condition: &Condition) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return false;
    };
    object
        .get(first)
        .is_some_and(|value| compare_json(value, rest, condition))
}

fn empty_object() -> Value {
    Value::Object(Map::new())
}

fn null_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
