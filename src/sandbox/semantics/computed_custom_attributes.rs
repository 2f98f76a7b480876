//! Custom attributes of an entity: one value for each configuration that applies to it, stored or not.

use crate::plan::{Alias, ComputedRelation};

/// The stored values of an entity. Guess: values that were never set fulfil no condition, not even on the default.
pub(crate) const STORED_VALUES: ComputedRelation = ComputedRelation {
    near: "id",
    far: "entity_id",
    before_matches: "",
    after_matches: "",
    before_keys: "",
    after_keys: "",
};

/// The key of the configuration that a value belongs to.
pub(crate) fn custom_attribute_key(alias: Alias) -> String {
    format!(
        "(select c.key from custom_attribute_configuration c where c.id = {alias}.configuration_id) collate nocase"
    )
}

/// The id of the type of a custom attribute, of which `table` holds the value or the default.
pub(crate) fn type_of(table: &str, alias: Alias) -> String {
    if table == "custom_attribute_configuration" {
        return format!("{alias}.type_id");
    }
    format!(
        "(select c.type_id from custom_attribute_configuration c where c.id = {alias}.configuration_id)"
    )
}

/// Returns a query for the values of all entities `o` of `table`, to which conditions may be added. The rows have the
/// columns that clients see of `custom_attribute_value`, and their values compare like those.
///
/// What was never set has the default of its configuration; a hierarchical value has none, as ftrack inherits on clients.
pub(crate) fn dense_values(table: &str) -> String {
    format!(
        "select o.id as entity_id, c.id as configuration_id, (case when v.entity_id is not null then v.value \
         when c.is_hierarchical then null else c.\"default\" end) collate nocase as value \
         from \"{table}\" o \
         join custom_attribute_configuration c on c.configuration_kind = 'value' and {} \
         left join custom_attribute_value v on v.configuration_id = c.id and v.entity_id = o.id",
        applies(table)
    )
}

/// Returns the table of the entities whose values a type holds; none for types that are not about the values of one
/// kind of entity.
pub(crate) fn owners_of_values(
    table: &str,
    row_filter: &[(String, Vec<String>)],
) -> Option<String> {
    let [(column, kinds)] = row_filter else {
        return None;
    };
    match (table, column.as_str(), kinds.as_slice()) {
        ("custom_attribute_value", "entity_kind", [kind]) => Some(table_of_kind(kind).to_owned()),
        _ => None,
    }
}

/// Returns the table of the entities that values call `kind`.
pub(crate) fn table_of_kind(kind: &str) -> &str {
    if kind == "user" { "resource" } else { kind }
}

/// The condition under which the configuration `c` applies to the row `o`: the rule by which clients choose.
fn applies(table: &str) -> &'static str {
    match table {
        "context" => {
            "(c.is_hierarchical or (o.context_type = 'show' and c.entity_type = 'show') \
             or (o.context_type = 'task' and c.entity_type = 'task' and c.object_type_id = o.object_type_id)) \
             and (c.project_id is null or c.project_id = coalesce(o.project_id, o.id))"
        }
        "asset" => {
            "(c.is_hierarchical or c.entity_type = 'asset') and (c.project_id is null or c.project_id = o.project_id)"
        }
        "asset_version" => {
            "(c.is_hierarchical or c.entity_type = 'assetversion') \
             and (c.project_id is null or c.project_id = o.project_id)"
        }
        "list" => {
            "c.entity_type = 'list' and (c.project_id is null or c.project_id = o.project_id)"
        }
        "resource" => "c.entity_type = 'user' and o.resource_type = 'user'",
        // Guess: the name.
        "list_object" => "c.entity_type = 'listobject'",
        _ => "0",
    }
}
