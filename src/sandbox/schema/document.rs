//! Writes the answer to `query_schemas`, which tells clients of every entity type.
//!
//! The answer equals that of a recent ftrack server, but for
//!
//! - types that ftrack dropped but older clients use (`Conversation`, `Message`, `Participant`), and the attributes
//!   `DashboardResource.is_shared_with_everyone` and `ReviewSession.thumbnail`, which are still published;
//! - names in `immutable` and `required` that are no attributes (`type` of lists, `review_session_id` of annotations);
//! - `ReviewSessionObjectAnnotationComponent.frame_number`, published as the integer it is instead of a string of format
//!   `integer`;
//! - the `hints` of `$mixin`, which no client reads, and the `type` that `SplitTaskPart` lacks;
//! - the types of object types that a site adds to the stock ones.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{
    catalog::DataType,
    declaration::{
        AttributeDeclaration, DeclaredKind, DeclaredRelation, DeclaredValue, Flags, Mapping,
    },
    inherit::CompleteType,
};

/// Writes the schemas of all types.
pub(super) fn schemas(types: &[CompleteType<'_>]) -> Value {
    types
        .iter()
        .map(|complete| schema(types, complete))
        .collect()
}

/// Returns the hash by which clients compare schemas.
///
/// The official client takes the MD5 of what Python's `json.dumps(schemas, sort_keys=True)` returns.
pub(super) fn hash(schemas: &Value) -> String {
    let mut text = String::new();
    dump(schemas, &mut text);
    let mut hash = String::with_capacity(32);
    for byte in ftrack_md5::digest(text.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

fn schema(types: &[CompleteType<'_>], complete: &CompleteType<'_>) -> Value {
    let declaration = complete.declaration;
    let mut schema = Map::new();
    schema.insert("id".into(), json!(declaration.name));
    schema.insert("type".into(), json!("object"));
    schema.insert("properties".into(), properties(complete));
    schema.insert("primary_key".into(), json!(complete.key));
    schema.insert("default_projections".into(), json!(complete.select));
    schema.insert("required".into(), flagged(complete, |flags| flags.required));
    schema.insert(
        "immutable".into(),
        flagged(complete, |flags| flags.immutable),
    );
    let computed = flagged(complete, |flags| flags.computed);
    if computed != json!([]) {
        schema.insert("computed".into(), computed);
    }
    if !complete.system.is_empty() {
        schema.insert("system_projections".into(), json!(complete.system));
    }
    if declaration.group_by {
        schema.insert("metadata".into(), json!({"group_by": true}));
    }
    if let Some(alias) = alias(complete) {
        schema.insert("alias_for".into(), alias);
    }
    if let Some(base) = complete.base {
        let name = &types[base].declaration.name;
        schema.insert("$mixin".into(), json!({"$ref": name}));
    }
    Value::Object(schema)
}

/// Returns ftrack's own name of the type, with the column values that tell its rows from others of that name.
fn alias(complete: &CompleteType<'_>) -> Option<Value> {
    let declaration = complete.declaration;
    let name = declaration.server.as_ref()?;
    if !declaration.is_classified {
        return Some(json!(name));
    }
    let classifiers: Map<String, Value> = declaration
        .discriminator
        .iter()
        .map(|(column, value)| {
            let attribute = complete.attributes.iter().find(|a| a.name == *column);
            let alias = attribute.and_then(|attribute| attribute.alias.as_ref());
            (alias.unwrap_or(column).clone(), json!(value))
        })
        .collect();
    Some(json!({"id": name, "classifiers": classifiers}))
}

fn flagged(complete: &CompleteType<'_>, is_set: impl Fn(&Flags) -> bool) -> Value {
    published(complete)
        .filter(|attribute| is_set(&attribute.flags))
        .map(|attribute| json!(attribute.name))
        .collect()
}

fn properties(complete: &CompleteType<'_>) -> Value {
    published(complete)
        .map(|attribute| (attribute.name.clone(), property(attribute)))
        .collect()
}

fn published<'a>(complete: &'a CompleteType<'_>) -> impl Iterator<Item = &'a AttributeDeclaration> {
    complete
        .attributes
        .iter()
        .filter(|attribute| !attribute.flags.hidden)
}

fn property(attribute: &AttributeDeclaration) -> Value {
    let mut property = match &attribute.kind {
        DeclaredKind::Value(value) => value_property(value),
        DeclaredKind::Relation(relation) => relation_property(relation),
    };
    if attribute.flags.restricted {
        property.insert("restricted_projection".into(), json!(true));
    }
    if let Some(default) = &attribute.default {
        property.insert("default".into(), default.clone());
    }
    if let Some(alias) = &attribute.alias {
        property.insert("alias_for".into(), json!(alias));
    }
    if let Some(description) = &attribute.description {
        property.insert("description".into(), json!(description));
    }
    Value::Object(property)
}

fn value_property(value: &DeclaredValue) -> Map<String, Value> {
    let mut property = Map::new();
    property.insert("type".into(), json!(json_type(value.data_type)));
    match value.data_type {
        DataType::DateTime => {
            property.insert("format".into(), json!("date-time"));
        }
        DataType::Json => {
            property.insert("format".into(), json!("json"));
        }
        _ => {}
    }
    if let Some(target) = &value.foreign_key {
        property.insert("format".into(), json!("foreign_key"));
        let description = format!("Foreign key(s): {target}");
        property.insert("description".into(), json!(description));
    }
    if value.is_entity_type_name {
        let transform = json!({"client": "{schema_id}", "server": "{table_name}"});
        property.insert("transform".into(), transform);
    }
    if !value.choices.is_empty() {
        property.insert("enum".into(), json!(value.choices));
    }
    property
}

fn json_type(data_type: DataType) -> &'static str {
    match data_type {
        // ftrack publishes its arrays, the `link` attributes, as strings.
        DataType::Text | DataType::DateTime | DataType::Json | DataType::Array => "string",
        DataType::Integer => "integer",
        DataType::Float => "number",
        DataType::Boolean => "boolean",
        DataType::Object => "object",
        DataType::Variable => "variable",
    }
}

fn relation_property(relation: &DeclaredRelation) -> Map<String, Value> {
    let target = relation.shown.as_ref().unwrap_or(&relation.target);
    let reference = json!({"$ref": target});
    let mut property = Map::new();
    if !relation.is_collection {
        property.insert("$ref".into(), json!(target));
        return property;
    }
    property.insert("items".into(), reference);
    let json_type = match &relation.mapping {
        Mapping::None => "array",
        Mapping::Unkeyed => "mapped_array",
        Mapping::Keyed { key, value } => {
            let keys = json!({"key": key, "value": value});
            property.insert("key_value_attributes".into(), keys);
            "mapped_array"
        }
    };
    property.insert("type".into(), json!(json_type));
    property
}

/// Writes `value` as Python's `json.dumps(value, sort_keys=True)` does.
fn dump(value: &Value, text: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
        Value::String(string) => dump_string(string, text),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(index, text);
                dump(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (index, (key, member)) in members.into_iter().enumerate() {
                separate(index, text);
                dump_string(key, text);
                text.push_str(": ");
                dump(member, text);
            }
            text.push('}');
        }
    }
}

fn separate(index: usize, text: &mut String) {
    if index > 0 {
        text.push_str(", ");
    }
}

/// Writes a string in ASCII, as Python does by default.
fn dump_string(string: &str, text: &mut String) {
    let quoted = Value::from(string).to_string();
    let is_plain = |letter: char| letter.is_ascii() && letter != '\u{7f}';
    if quoted.bytes().all(|byte| byte < 0x7f) {
        text.push_str(&quoted);
        return;
    }
    for letter in quoted.chars() {
        if is_plain(letter) {
            text.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
}
