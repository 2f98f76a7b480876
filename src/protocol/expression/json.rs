//! Tests JSON against conditions, as a server does that has events only as they were sent.

use std::convert::Infallible;

use serde_json::{Map, Value};

use super::{
    ast::{Condition, Operator},
    evaluate::Candidate,
};

impl Candidate for Value {
    type Error = Infallible;

    fn compare(&self, condition: &Condition) -> Result<bool, Infallible> {
        Ok(compare_json(self, &condition.key, condition))
    }
}

impl Candidate for Map<String, Value> {
    type Error = Infallible;

    fn compare(&self, condition: &Condition) -> Result<bool, Infallible> {
        let Some((first, rest)) = condition.key.split_first() else {
            return Ok(false);
        };
        let value = self.get(first);
        Ok(value.is_some_and(|value| compare_json(value, rest, condition)))
    }
}

/// Returns whether what `path` leads to in `value` passes `condition`.
///
/// Texts are compared as texts, numbers with numbers as such. Guess: ftrack compares everything as text; a client tests
/// each event again by its own rules, so what counts is that the server is not stricter.
pub fn compare_json(value: &Value, path: &[String], condition: &Condition) -> bool {
    let mut value = value;
    for name in path {
        match value.as_object().and_then(|object| object.get(name)) {
            Some(inner) => value = inner,
            None => return false,
        }
    }
    match condition.wanted_part() {
        Some(part) => contains(value, part),
        None => compare(value, condition),
    }
}

fn contains(value: &Value, part: &str) -> bool {
    match value {
        Value::String(text) => text.contains(part),
        Value::Array(items) => items.iter().any(|item| item == part),
        Value::Object(object) => object.contains_key(part),
        Value::Number(number) => number.to_string().contains(part),
        Value::Bool(_) | Value::Null => false,
    }
}

fn compare(value: &Value, condition: &Condition) -> bool {
    let (operator, text) = (condition.operator, condition.value.as_str());
    let ordering = match value {
        Value::String(value) => Some(value.as_str().cmp(text)),
        Value::Number(number) => {
            let numbers = number.as_f64().zip(text.parse().ok());
            numbers.and_then(|(value, text): (f64, f64)| value.partial_cmp(&text))
        }
        Value::Bool(flag) => text.parse().ok().map(|text| flag.cmp(&text)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    match ordering {
        Some(ordering) => operator.accepts(ordering),
        None => operator == Operator::NotEqual,
    }
}
