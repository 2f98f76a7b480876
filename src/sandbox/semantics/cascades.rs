//! What goes with a row that is deleted, what loses its reference, and what forbids the deletion.

use std::{collections::HashMap, rc::Rc, sync::LazyLock};

use rusqlite::types::Value as SqlValue;

use crate::{
    error::ApiError,
    schema::{AttributeKind, Catalog, Join, Table, TableId},
};

use super::unit_of_work::UnitOfWork;

/// The rows that belong to a row of the first table: those with its id in one of the columns named.
///
/// References that are not listed are emptied; those that may not be empty forbid the deletion.
const OWNED: &[(&str, &[(&str, &str)])] = &[
    (
        "context",
        &[
            ("context", "parent_id"),
            ("asset", "context_id"),
            ("appointment", "context_id"),
            ("timelog", "context_id"),
            ("manager", "context_id"),
            ("context_scope", "context_id"),
            ("note", "parent_id"),
            ("metadata", "parent_id"),
            ("custom_attribute_value", "entity_id"),
            ("custom_attribute_link", "from_id"),
            ("custom_attribute_link", "to_id"),
            ("list_object", "entity_id"),
            ("typed_context_link", "from_id"),
            ("typed_context_link", "to_id"),
            ("status_change", "parent_id"),
            ("split_task_part", "task_id"),
            ("entity_setting", "parent_id"),
            ("list", "project_id"),
            ("review_session", "project_id"),
            ("review_session_folder", "project_id"),
            ("calendar_event", "project_id"),
            ("user_security_role_project", "project_id"),
            ("custom_attribute_configuration", "project_id"),
            ("event", "project_id"),
        ],
    ),
    (
        "asset",
        &[
            ("asset_version", "asset_id"),
            ("metadata", "parent_id"),
            ("custom_attribute_value", "entity_id"),
            ("custom_attribute_link", "from_id"),
            ("custom_attribute_link", "to_id"),
        ],
    ),
    (
        "asset_version",
        &[
            ("component", "version_id"),
            ("note", "parent_id"),
            ("metadata", "parent_id"),
            ("custom_attribute_value", "entity_id"),
            ("custom_attribute_link", "from_id"),
            ("custom_attribute_link", "to_id"),
            ("list_object", "entity_id"),
            ("asset_version_link", "from_id"),
            ("asset_version_link", "to_id"),
            ("status_change", "parent_id"),
            ("review_session_object", "version_id"),
        ],
    ),
    (
        "component",
        &[
            ("component", "container_id"),
            ("component_location", "component_id"),
            ("metadata", "parent_id"),
            ("note_component", "component_id"),
            ("job_component", "component_id"),
            ("setting_component", "component_id"),
            ("review_session_object_annotation_component", "component_id"),
            ("custom_attribute_link", "from_id"),
            ("custom_attribute_link", "to_id"),
        ],
    ),
    (
        "note",
        &[
            ("note", "in_reply_to_id"),
            ("recipient", "note_id"),
            ("note_component", "note_id"),
            ("note_label_link", "note_id"),
            ("metadata", "parent_id"),
        ],
    ),
    (
        "resource",
        &[
            ("appointment", "resource_id"),
            ("timelog", "user_id"),
            ("timer", "user_id"),
            ("membership", "user_id"),
            ("membership", "group_id"),
            ("user_security_role", "user_id"),
            ("user_application_state", "user_id"),
            ("user_session", "user_id"),
            ("user_view", "user_id"),
            ("user_view_resource", "resource_id"),
            ("job", "user_id"),
            ("api_key", "resource_id"),
            ("recipient", "resource_id"),
            ("calendar_event_resource", "resource_id"),
            ("dashboard_resource", "resource_id"),
            ("manager", "user_id"),
            ("metadata", "parent_id"),
            ("custom_attribute_value", "entity_id"),
            ("custom_attribute_link", "from_id"),
            ("custom_attribute_link", "to_id"),
        ],
    ),
    (
        "list",
        &[
            ("list_object", "list_id"),
            ("custom_attribute_value", "entity_id"),
            ("custom_attribute_link", "from_id"),
            ("custom_attribute_link", "to_id"),
        ],
    ),
    ("list_object", &[("custom_attribute_value", "entity_id")]),
    ("user_view", &[("user_view_resource", "user_view_id")]),
    (
        "user_security_role",
        &[("user_security_role_project", "user_security_role_id")],
    ),
    (
        "security_role",
        &[
            ("user_security_role", "security_role_id"),
            ("configuration_read_role", "security_role_id"),
            ("configuration_write_role", "security_role_id"),
        ],
    ),
    (
        "review_session",
        &[
            ("review_session_object", "review_session_id"),
            ("review_session_invitee", "review_session_id"),
            ("entity_setting", "parent_id"),
        ],
    ),
    (
        "review_session_object",
        &[
            ("review_session_object_status", "review_session_object_id"),
            (
                "review_session_object_annotation",
                "review_session_object_id",
            ),
            (
                "review_session_object_annotation_component",
                "review_session_object_id",
            ),
            ("note", "parent_id"),
        ],
    ),
    (
        "review_session_invitee",
        &[("review_session_object_status", "review_session_invitee_id")],
    ),
    ("job", &[("job_component", "job_id")]),
    (
        "custom_attribute_configuration",
        &[
            ("custom_attribute_value", "configuration_id"),
            ("custom_attribute_link", "configuration_id"),
            ("configuration_read_role", "configuration_id"),
            ("configuration_write_role", "configuration_id"),
        ],
    ),
    (
        "project_schema",
        &[
            ("schema", "project_schema_id"),
            ("project_schema_object_type", "project_schema_id"),
            ("project_schema_override", "project_schema_id"),
            ("task_template", "project_schema_id"),
        ],
    ),
    (
        "schema",
        &[("schema_status", "schema_id"), ("schema_type", "schema_id")],
    ),
    (
        "workflow_schema",
        &[
            ("workflow_schema_status", "workflow_schema_id"),
            ("project_schema_override", "workflow_schema_id"),
        ],
    ),
    (
        "task_type_schema",
        &[("task_type_schema_type", "task_type_schema_id")],
    ),
    ("task_template", &[("task_template_item", "template_id")]),
    (
        "dashboard",
        &[
            ("dashboard_widget", "dashboard_id"),
            ("dashboard_resource", "dashboard_id"),
        ],
    ),
    (
        "calendar_event",
        &[
            ("calendar_event_resource", "calendar_event_id"),
            ("metadata", "parent_id"),
        ],
    ),
    ("typed_context_link", &[("metadata", "parent_id")]),
    ("asset_version_link", &[("metadata", "parent_id")]),
    ("scope", &[("context_scope", "scope_id")]),
    ("note_label", &[("note_label_link", "label_id")]),
    (
        "status_rule_group",
        &[("status_rule", "status_rule_group_id")],
    ),
];

/// Deletes the rows of `table` with these keys, and all rows that belong to them.
///
/// First all of them are found, one generation after the other, as contexts may lie deeper one below the other than a
/// thread has stack for. References are looked at when the rows are gone: only those of rows that stay count.
pub(super) fn remove_rows(
    work: &mut UnitOfWork<'_>,
    table: &'static Table,
    keys: Vec<Vec<String>>,
) -> Result<(), ApiError> {
    let mut families = vec![(table, keys)];
    let mut emptied = Vec::new();
    while let Some((table, mut keys)) = families.pop() {
        keys.retain(|key| work.removed.insert((table.id, key.clone())));
        for id in keys.iter().flatten() {
            work.checks.removed(table.id, id);
        }
        if keys.is_empty() {
            continue;
        }
        if table.primary_key.len() > 1 {
            keys.iter()
                .try_for_each(|key| remove_one(work, table, key))?;
            continue;
        }
        let ids = Rc::new(
            keys.into_iter()
                .flatten()
                .map(SqlValue::Text)
                .collect::<Vec<_>>(),
        );
        for (child, column) in owned_by(table) {
            families.push((child, keys_of_children(work, child, column, &ids)?));
        }
        remove_all(work, table, &ids)?;
        emptied.push((table, ids));
    }
    emptied
        .iter()
        .try_for_each(|(table, ids)| release_references(work, table, ids))
}

fn remove_all(
    work: &UnitOfWork<'_>,
    table: &Table,
    ids: &Rc<Vec<SqlValue>>,
) -> Result<(), ApiError> {
    let sql = format!(
        "delete from \"{}\" where \"{}\" in rarray(?1)",
        table.name, table.primary_key[0]
    );
    work.connection.prepare_cached(&sql)?.execute([ids])?;
    Ok(())
}

fn remove_one(work: &UnitOfWork<'_>, table: &Table, key: &[String]) -> Result<(), ApiError> {
    let conditions: Vec<String> = (1..)
        .zip(&table.primary_key)
        .map(|(index, column)| format!("\"{column}\" = ?{index}"))
        .collect();
    let sql = format!(
        "delete from \"{}\" where {}",
        table.name,
        conditions.join(" and ")
    );
    work.connection
        .prepare_cached(&sql)?
        .execute(rusqlite::params_from_iter(key))?;
    Ok(())
}

fn owned_by(table: &Table) -> impl Iterator<Item = (&'static Table, &'static str)> {
    let owned = OWNED.iter().find(|(owner, _)| *owner == table.name);
    owned
        .into_iter()
        .flat_map(|(_, children)| children.iter())
        .filter_map(|(child, column)| Some((*TABLES.get(child)?, *column)))
}

static TABLES: LazyLock<HashMap<&'static str, &'static Table>> = LazyLock::new(|| {
    let tables = Catalog::get().tables();
    tables.map(|table| (table.name.as_str(), table)).collect()
});

/// Returns the keys of the rows of `child` that belong to one of `ids`.
fn keys_of_children(
    work: &UnitOfWork<'_>,
    child: &Table,
    column: &str,
    ids: &Rc<Vec<SqlValue>>,
) -> Result<Vec<Vec<String>>, ApiError> {
    let sql = format!(
        "select \"{}\" from \"{}\" where \"{column}\" in rarray(?1)",
        child.primary_key.join("\", \""),
        child.name
    );
    let width = child.primary_key.len();
    let mut statement = work.connection.prepare_cached(&sql)?;
    let keys = statement.query_map([ids], |row| {
        (0..width).map(|index| row.get(index)).collect()
    })?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}

/// A column that holds ids of another table.
struct Reference {
    table: &'static Table,
    column: &'static str,
    required: bool,
    /// The attribute, as error messages name it.
    place: String,
}

static REFERENCES: LazyLock<HashMap<TableId, Vec<Reference>>> = LazyLock::new(|| {
    let catalog = Catalog::get();
    let mut references: HashMap<TableId, Vec<Reference>> = HashMap::new();
    for entity_type in catalog.types() {
        let table = catalog.table(entity_type.table);
        for attribute in entity_type.attributes() {
            let AttributeKind::Reference {
                target,
                join: Join::Columns { pairs, .. },
            } = &attribute.kind
            else {
                continue;
            };
            let [(column, _)] = pairs.as_slice() else {
                continue;
            };
            let target = catalog.table(catalog.type_by_id(*target).table);
            let known = references.entry(target.id).or_default();
            let is_known = known
                .iter()
                .any(|other| other.table.id == table.id && other.column == column);
            if is_known || is_owned(target, table, column) || table.primary_key.contains(column) {
                continue;
            }
            let required = entity_type
                .attribute(column)
                .is_some_and(|column| column.required);
            known.push(Reference {
                table,
                column,
                required,
                place: format!("{}.{}", entity_type.name, attribute.name),
            });
        }
    }
    references
});

fn is_owned(owner: &Table, child: &Table, column: &str) -> bool {
    owned_by(owner).any(|(table, owned)| table.id == child.id && owned == column)
}

fn release_references(
    work: &UnitOfWork<'_>,
    table: &Table,
    ids: &Rc<Vec<SqlValue>>,
) -> Result<(), ApiError> {
    for reference in REFERENCES.get(&table.id).into_iter().flatten() {
        let (child, column) = (&reference.table.name, reference.column);
        // People leave, and what they made stays.
        if reference.required && table.name != "resource" {
            let sql = format!(
                "select exists (select 1 from \"{child}\" where \"{column}\" in rarray(?1))"
            );
            let used: bool = work
                .connection
                .prepare_cached(&sql)?
                .query_row([ids], |row| row.get(0))?;
            if used {
                return Err(ApiError::integrity(format!(
                    "The {} cannot be deleted, as it still is the {} of others.",
                    table.name, reference.place
                )));
            }
        } else {
            let sql = format!(
                "update \"{child}\" set \"{column}\" = null where \"{column}\" in rarray(?1)"
            );
            work.connection.prepare_cached(&sql)?.execute([ids])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_owned_exists() {
        for (owner, children) in OWNED {
            assert!(TABLES.contains_key(owner), "there is no table {owner}");
            for (child, column) in *children {
                let column_of_child = TABLES.get(child).and_then(|table| table.column(column));
                assert!(column_of_child.is_some(), "there is no {child}.{column}");
            }
        }
    }
}
