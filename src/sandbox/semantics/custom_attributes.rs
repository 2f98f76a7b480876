//! Custom attributes: values that clients set without creating them, checked against their configuration.

use ftrack_protocol::{EntityData, Value, Write};
use rusqlite::{OptionalExtension, types::Value as SqlValue};

use crate::{error::ApiError, operations::permissions, schema::Catalog};

use super::{
    computed_custom_attributes::table_of_kind,
    create::{self, NewEntity},
    row::Row,
    unit_of_work::UnitOfWork,
    update::ChangedEntity,
};

/// Values live in one table; `entity_kind` tells on what kind of entity, here with the type of those entities.
const KINDS: &[(&str, &str)] = &[
    ("context", "Context"),
    ("asset_version", "AssetVersion"),
    ("asset", "Asset"),
    ("user", "User"),
    ("list", "List"),
    ("list_object", "ListObject"),
];

/// Checks a value and who sets it, and finds out on what it hangs when the client did not say.
pub(super) fn before_store(work: &mut UnitOfWork<'_>, row: &mut Row) -> Result<(), ApiError> {
    check_writable(work, row)?;
    if row.is_null("entity_kind") {
        let kind = kind_of(work, row.get("entity_id"))?;
        row.set("entity_kind", kind.to_owned());
    }
    expect_entity(work, row);
    let sql = "select configuration.\"key\", type.name from custom_attribute_configuration configuration \
               join custom_attribute_type type on type.id = configuration.type_id where configuration.id = ?1";
    let configuration: Option<(String, String)> = work
        .connection
        .prepare_cached(sql)?
        .query_row([row.get("configuration_id")], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((key, type_name)) = configuration else {
        return Ok(());
    };
    let value = convert(&type_name, row.get("value"))
        .map_err(|expected| wrong_type(&key, expected, row.get("value")))?;
    row.set("value", value);
    Ok(())
}

/// A value, and a link, is changed by whoever has a role that may set the attribute.
pub(super) fn check_writable(work: &UnitOfWork<'_>, row: &Row) -> Result<(), ApiError> {
    let configuration = row.text("configuration_id");
    permissions::check_attribute_writable(work.connection, work.caller, configuration)
}

/// Finds out what kind of entity has an id.
fn kind_of(work: &UnitOfWork<'_>, id: &SqlValue) -> Result<&'static str, ApiError> {
    for (kind, _) in KINDS {
        let table = table_of_kind(kind);
        let sql = format!("select exists (select 1 from \"{table}\" where id = ?1)");
        let found: bool = work
            .connection
            .prepare_cached(&sql)?
            .query_row([id], |row| row.get(0))?;
        if found {
            return Ok(kind);
        }
    }
    Err(ApiError::integrity(
        "A custom attribute value names an entity that does not exist.",
    ))
}

/// The entity may be created later in the batch, but must be there in the end.
fn expect_entity(work: &mut UnitOfWork<'_>, row: &Row) {
    let known = KINDS
        .iter()
        .find(|(kind, _)| row.text("entity_kind") == Some(kind));
    if let Some((_, name)) = known
        && let Some(target) = Catalog::get().entity_type(name)
        && let Some(id) = row.text("entity_id")
    {
        work.checks
            .refers("CustomAttributeValue.entity_id", target, id);
    }
}

/// Returns the value as it is stored, or what it should have been.
fn convert(type_name: &str, value: &SqlValue) -> Result<SqlValue, &'static str> {
    let is_list = |text: &str| text.starts_with('[');
    match (type_name, value) {
        (_, SqlValue::Null) => Ok(SqlValue::Null),
        ("number", SqlValue::Integer(_) | SqlValue::Real(_))
        | ("boolean", SqlValue::Integer(0 | 1)) => Ok(value.clone()),
        ("number", _) => Err("number"),
        ("boolean", _) => Err("boolean"),
        ("enumerator" | "dynamic enumerator", SqlValue::Text(text)) if is_list(text) => {
            Ok(value.clone())
        }
        ("enumerator" | "dynamic enumerator", SqlValue::Text(text)) => {
            let list = serde_json::Value::from(vec![text.as_str()]);
            Ok(SqlValue::Text(list.to_string()))
        }
        ("enumerator" | "dynamic enumerator", _) => Err("list"),
        ("date", SqlValue::Text(text)) => text
            .parse::<ftrack_protocol::DateTime>()
            .map(|moment| SqlValue::Text(moment.to_naive_seconds()))
            .map_err(|_| "date"),
        ("date", _) => Err("date"),
        (_, SqlValue::Integer(number)) => Ok(SqlValue::Text(number.to_string())),
        (_, SqlValue::Real(number)) => Ok(SqlValue::Text(number.to_string())),
        (_, value) => Ok(value.clone()),
    }
}

/// The text is ftrack's, Python 2 type names included.
fn wrong_type(key: &str, expected: &str, value: &SqlValue) -> ApiError {
    let (shown, type_name) = match value {
        SqlValue::Integer(number) => (number.to_string(), "int"),
        SqlValue::Real(number) => (number.to_string(), "float"),
        SqlValue::Text(text) => (text.chars().take(40).collect(), "unicode"),
        SqlValue::Null | SqlValue::Blob(_) => (String::new(), "NoneType"),
    };
    ApiError::validation(format!(
        "Custom attribute value for \"{key}\" must be of type {expected}. Got \"{shown}\" of type <type '{type_name}'>"
    ))
}

/// Sets the values that came inside an entity; references without a value say nothing new.
pub(super) fn set_all(
    work: &mut UnitOfWork<'_>,
    owner: &Row,
    members: &[EntityData],
) -> Result<(), ApiError> {
    for member in members {
        let (Some(configuration), Some(_)) =
            (member.get("configuration_id").cloned(), member.get("value"))
        else {
            continue;
        };
        let id = owner.text("id").unwrap_or_default();
        let write = Write {
            entity_type: member.entity_type.clone(),
            entity_key: vec![configuration, Value::from(id)],
            attributes: member.attributes.clone(),
        };
        create::create(work, &write)?;
    }
    Ok(())
}

pub(super) fn before_create_configuration(
    work: &UnitOfWork<'_>,
    new: &mut NewEntity,
) -> Result<(), ApiError> {
    new.row.set_default("config", "{}".to_owned());
    clear_empty_default(work, &mut new.row)
}

/// What applies to all projects may be in use in all of them.
pub(super) fn before_update_configuration(
    work: &UnitOfWork<'_>,
    entity: &mut ChangedEntity,
) -> Result<(), ApiError> {
    if entity.old.is_null("project_id") && !entity.row.is_null("project_id") {
        return Err(ApiError::validation(
            "A global custom attribute configuration cannot become one of a project.",
        ));
    }
    clear_empty_default(work, &mut entity.row)
}

/// Makes an empty text no default where values are no texts: clients send it when nobody chose one, and cannot read it
/// back as a date.
fn clear_empty_default(work: &UnitOfWork<'_>, row: &mut Row) -> Result<(), ApiError> {
    if row.text("default") != Some("") {
        return Ok(());
    }
    let sql = "select exists (select 1 from custom_attribute_type \
               where id = ?1 and name in ('number', 'boolean', 'date'))";
    let clears: bool = work
        .connection
        .prepare_cached(sql)?
        .query_row([row.get("type_id")], |row| row.get(0))?;
    if clears {
        row.set("default", SqlValue::Null);
    }
    Ok(())
}
