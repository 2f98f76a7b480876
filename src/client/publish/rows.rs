//! The entities of an answer, put together.
//!
//! ftrack writes an entity out once in an answer, however often it occurs; everywhere else stands a reference. What is known of an entity is therefore collected from the
//! whole answer first.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// What an answer says of each entity, by id.
#[derive(Debug, Default)]
pub(super) struct Rows {
    known: HashMap<String, Map<String, Value>>,
}

impl Rows {
    /// Takes in everything that an answer holds.
    pub(super) fn add(&mut self, answer: &Value) {
        match answer {
            Value::Array(items) => items.iter().for_each(|item| self.add(item)),
            Value::Object(members) => {
                members.values().for_each(|value| self.add(value));
                let id = members.get("id").and_then(Value::as_str);
                if let (Some(id), true) = (id, members.contains_key("__entity_type__")) {
                    let known = self.known.entry(id.to_owned()).or_default();
                    known.extend(members.iter().map(|(k, v)| (k.clone(), v.clone())));
                }
            }
            _ => {}
        }
    }

    /// Returns an attribute of an entity.
    pub(super) fn value(&self, id: &str, name: &str) -> Option<&Value> {
        self.known.get(id)?.get(name).filter(|v| !v.is_null())
    }

    /// Returns an attribute of an entity that is a text.
    pub(super) fn text(&self, id: &str, name: &str) -> Option<&str> {
        self.value(id, name)?.as_str()
    }

    /// Returns the id of the entity that an attribute refers to.
    pub(super) fn reference(&self, id: &str, name: &str) -> Option<&str> {
        self.value(id, name)?.get("id")?.as_str()
    }

    /// Returns the ids of the entities that an attribute lists.
    pub(super) fn references(&self, id: &str, name: &str) -> Vec<&str> {
        let items = self.value(id, name).and_then(Value::as_array);
        items
            .into_iter()
            .flatten()
            .filter_map(|item| item.get("id")?.as_str())
            .collect()
    }

    /// Returns the project that an entity belongs to, by its link.
    pub(super) fn project(&self, id: &str) -> Option<&str> {
        let link = self.value(id, "link")?.as_array()?;
        link.first()?.get("id")?.as_str()
    }

    /// Returns the names from the project down to the entity, as people write them.
    pub(super) fn path(&self, id: &str) -> String {
        let link = self.value(id, "link").and_then(Value::as_array);
        let names: Vec<_> = link
            .into_iter()
            .flatten()
            .filter_map(|item| item.get("name")?.as_str())
            .collect();
        if names.is_empty() {
            return self.text(id, "name").unwrap_or(id).to_owned();
        }
        names.join("/")
    }
}

/// Returns the ids of the entities that a query found.
pub(super) fn found(answer: &Value) -> Vec<String> {
    let rows = answer.get("data").and_then(Value::as_array);
    rows.into_iter()
        .flatten()
        .filter_map(|row| Some(row.get("id")?.as_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entity_is_known_by_all_its_occurrences() {
        let mut rows = Rows::default();
        rows.add(&json!([
            {"data": [{"__entity_type__": "Asset", "id": "a", "latest_version": {"__entity_type__": "AssetVersion", "id": "v", "version": 3}}]},
            {"data": [{"__entity_type__": "AssetVersion", "id": "v"}, {"__entity_type__": "Asset", "id": "a", "name": "comp", "type": null}]},
        ]));
        assert_eq!(rows.reference("a", "latest_version"), Some("v"));
        assert_eq!(rows.value("v", "version"), Some(&json!(3)));
        assert_eq!(rows.text("a", "name"), Some("comp"));
        assert_eq!(rows.value("a", "type"), None);
        assert_eq!(rows.path("a"), "comp");
    }
}
