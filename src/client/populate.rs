//! Expressions that fetch attributes of entities that are known already.

use std::fmt::Write as _;
use std::sync::Arc;

use ftrack_protocol::query::quoted;

use crate::error::{Error, Result};
use crate::schema_set::{AttributeKind, EntityType, SchemaSet};

/// More keys than this make expressions that servers refuse or read slowly.
const KEYS_PER_QUERY: usize = 500;

/// Returns the queries that fetch `projections` of the entities with these keys.
pub fn expressions(
    entity_type: &EntityType,
    keys: &[Box<[Arc<str>]>],
    projections: &str,
) -> Result<Vec<String>> {
    let names: Vec<&str> = entity_type
        .primary_key
        .iter()
        .map(|id| &*entity_type.attribute(*id).name)
        .collect();
    if names.is_empty() || keys.iter().any(|key| key.len() != names.len()) {
        return Err(Error::invalid(format!(
            "the keys to populate do not fit the primary key of {}",
            entity_type.name
        )));
    }
    let queries = keys.chunks(KEYS_PER_QUERY).map(|chunk| {
        let condition = condition(&names, chunk);
        format!(
            "select {projections} from {} where {condition}",
            entity_type.name
        )
    });
    Ok(queries.collect())
}

/// Returns what to fetch when the attribute `name` is read but not known: for a reference, the default projections of its type.
pub fn projections_of(schemas: &SchemaSet, entity_type: &EntityType, name: &str) -> Result<String> {
    let attribute = entity_type.attribute(entity_type.get(name)?);
    let AttributeKind::Reference(target) = &attribute.kind else {
        return Ok(name.to_owned());
    };
    let projections = &schemas.get(target)?.default_projections;
    if projections.is_empty() {
        return Ok(name.to_owned());
    }
    let dotted: Vec<_> = projections.iter().map(|p| format!("{name}.{p}")).collect();
    Ok(dotted.join(", "))
}

fn condition(names: &[&str], keys: &[Box<[Arc<str>]>]) -> String {
    match (names, keys) {
        ([name], [key]) => format!("{name} is {}", literal(&key[0])),
        ([name], _) => {
            let values: Vec<_> = keys.iter().map(|key| literal(&key[0])).collect();
            format!("{name} in ({})", values.join(","))
        }
        _ => {
            let keys: Vec<_> = keys.iter().map(|key| composite(names, key)).collect();
            keys.join(" or ")
        }
    }
}

fn composite(names: &[&str], key: &[Arc<str>]) -> String {
    let mut text = String::from("(");
    for (index, (name, value)) in names.iter().zip(key).enumerate() {
        if index > 0 {
            text.push_str(" and ");
        }
        // Writing to a string does not fail.
        let _ = write!(text, "{name} is {}", quoted(value));
    }
    text.push(')');
    text
}

/// Writes ids bare, as the official client does, and everything else in quotes.
fn literal(value: &str) -> String {
    let bare = !value.is_empty()
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if bare {
        value.to_owned()
    } else {
        quoted(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas() -> Arc<SchemaSet> {
        SchemaSet::from_json(
            br#"[
            {"id":"Status","primary_key":["id"],"default_projections":["id","name"],"properties":{"id":{"type":"string"}}},
            {"id":"Note","primary_key":["id"],"properties":{"id":{"type":"string"}}},
            {"id":"Metadata","primary_key":["parent_id","key"],"properties":{"parent_id":{"type":"string"},"key":{"type":"string"}}},
            {"id":"Task","primary_key":["id"],"properties":{"id":{"type":"string"},"bid":{"type":"number"},
                "note":{"$ref":"Note"},"status":{"$ref":"Status"}}}]"#,
        )
        .unwrap()
    }

    fn check(entity_type: &str, keys: &[&[&str]], expected: &str) {
        let keys: Vec<Box<[Arc<str>]>> = keys
            .iter()
            .map(|key| key.iter().map(|value| Arc::from(*value)).collect())
            .collect();
        let schemas = schemas();
        let queries = expressions(schemas.get(entity_type).unwrap(), &keys, "value").unwrap();
        assert_eq!(queries, [expected]);
    }

    #[test]
    fn conditions_fit_the_number_of_entities_and_of_key_attributes() {
        check(
            "Task",
            &[&["a-1"]],
            "select value from Task where id is a-1",
        );
        check(
            "Task",
            &[&["a"], &["b c"]],
            r#"select value from Task where id in (a,"b c")"#,
        );
        check(
            "Metadata",
            &[&["p", "k"], &["p", "a\"b"]],
            r#"select value from Metadata where (parent_id is "p" and key is "k") or (parent_id is "p" and key is "a\"b")"#,
        );
    }

    #[test]
    fn many_entities_take_several_queries() {
        let keys: Vec<Box<[Arc<str>]>> = (0..1001)
            .map(|n| [Arc::from(n.to_string())].into())
            .collect();
        let schemas = schemas();
        let queries = expressions(schemas.get("Task").unwrap(), &keys, "bid").unwrap();
        assert_eq!(queries.len(), 3);
        assert!(queries[2].ends_with("where id is 1000"), "{}", queries[2]);
    }

    #[test]
    fn references_bring_the_default_projections_of_their_type() {
        let schemas = schemas();
        let task = schemas.get("Task").unwrap();
        let projections = |name: &str| projections_of(&schemas, task, name).unwrap();
        assert_eq!(projections("status"), "status.id, status.name");
        assert_eq!(projections("note"), "note");
        assert_eq!(projections("bid"), "bid");
    }
}
