//! The schema of a site: its entity types as the `query_schemas` answer describes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

/// One entity type.
#[derive(Clone, Debug, Deserialize)]
pub struct Schema {
    /// Name of the type, such as `Task`.
    pub id: Arc<str>,
    /// Attributes by name.
    #[serde(default)]
    pub properties: BTreeMap<Arc<str>, Property>,
    /// Attributes that identify an entity, in order.
    #[serde(default)]
    pub primary_key: Vec<Arc<str>>,
    /// Attributes that must be set.
    #[serde(default)]
    pub required: Vec<Arc<str>>,
    /// Attributes that cannot change after creation.
    #[serde(default)]
    pub immutable: Vec<Arc<str>>,
    /// Attributes the server computes.
    #[serde(default)]
    pub computed: Vec<Arc<str>>,
    /// Attributes a client selects when a query names none.
    #[serde(default)]
    pub default_projections: Vec<Arc<str>>,
}

/// One attribute of a type.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Property {
    /// JSON type: `string`, `integer`, `number`, `boolean`, `object`, `array`, `mapped_array` or `variable`; absent for references.
    #[serde(rename = "type")]
    pub data_type: Option<Arc<str>>,
    /// Type referred to, for a reference.
    #[serde(rename = "$ref")]
    pub reference: Option<Arc<str>>,
    /// Types of the members, for a collection.
    pub items: Option<Items>,
    /// `date-time`, `json` or `foreign_key`.
    pub format: Option<Arc<str>>,
    /// Default; the text `{uid}` asks for a new unique id.
    pub default: Option<serde_json::Value>,
    /// True for attributes that can be used in criteria but not selected.
    #[serde(default)]
    pub restricted_projection: bool,
}

/// Members of a collection.
#[derive(Clone, Debug, Deserialize)]
pub struct Items {
    /// Type of the members.
    #[serde(rename = "$ref")]
    pub reference: Option<Arc<str>>,
}

impl Property {
    /// Tells whether values are lists of entities.
    pub fn is_collection(&self) -> bool {
        matches!(self.data_type.as_deref(), Some("array" | "mapped_array"))
            && self
                .items
                .as_ref()
                .is_some_and(|items| items.reference.is_some())
    }

    /// Tells whether values are single entities.
    pub fn is_reference(&self) -> bool {
        self.reference.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_an_answer_and_ignores_what_it_does_not_know() {
        let schema: Schema = serde_json::from_str(
            r#"{"id":"Task","type":"object","$mixin":"x","primary_key":["id"],"properties":{
                "id":{"type":"string","default":"{uid}"},
                "status":{"$ref":"Status"},
                "notes":{"type":"array","items":{"$ref":"Note"}},
                "metadata":{"type":"mapped_array","items":{"$ref":"Metadata"},"key_value_attributes":{"key":"key","value":"value"}}}}"#,
        )
        .unwrap();
        assert_eq!(&*schema.id, "Task");
        assert!(schema.properties["status"].is_reference());
        assert!(schema.properties["notes"].is_collection());
        assert!(schema.properties["metadata"].is_collection());
        assert!(!schema.properties["id"].is_collection());
        assert!(schema.required.is_empty());
    }
}
