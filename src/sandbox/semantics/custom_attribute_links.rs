//! Links of custom attributes: from one entity to another, where their configuration allows it.

use rusqlite::{OptionalExtension, types::Value as SqlValue};

use crate::error::ApiError;

use super::{
    create::NewEntity,
    custom_attributes,
    row::Row,
    unit_of_work::{UnitOfWork, concrete_type},
    update::ChangedEntity,
};

/// What a link can lead from and to: the kind, which the schema knows, ftrack's name of the type, and the object type.
const ENDS: &str = "\
    select 'context', context_type, object_type_id from context where id = ?1 \
    union all select 'asset_version', 'assetversion', null from asset_version where id = ?1 \
    union all select 'asset', 'asset', null from asset where id = ?1 \
    union all select 'list', 'list', null from list where id = ?1 \
    union all select 'component', 'component', null from component where id = ?1 \
    union all select resource_type, resource_type, null from resource where id = ?1";

/// One end of a link.
struct End {
    kind: String,
    entity_type: String,
    object_type: Option<String>,
}

/// What one end of a link must be.
struct Allowed {
    entity_type: Option<String>,
    object_type: Option<String>,
}

struct Configuration {
    key: String,
    from: Allowed,
    to: Allowed,
    one_to_one: bool,
}

/// Finds out what a new link leads from and to, and refuses it where its configuration does.
pub(super) fn before_create(
    work: &mut UnitOfWork<'_>,
    new: &mut NewEntity,
) -> Result<(), ApiError> {
    complete(work, &mut new.row)?;
    new.entity_type = concrete_type(&new.row, new.entity_type);
    Ok(())
}

/// Does the same for a link that leads somewhere else now.
pub(super) fn before_update(
    work: &mut UnitOfWork<'_>,
    entity: &mut ChangedEntity,
) -> Result<(), ApiError> {
    for column in ["from_kind", "to_kind", "from_entity_type", "to_entity_type"] {
        entity.row.set(column, SqlValue::Null);
    }
    complete(work, &mut entity.row)
}

fn complete(work: &UnitOfWork<'_>, row: &mut Row) -> Result<(), ApiError> {
    custom_attributes::check_writable(work, row)?;
    let from = end(work, row, "from")?;
    let to = end(work, row, "to")?;
    if let Some(configuration) = configuration(work, row)? {
        configuration.check("from", &configuration.from, &from)?;
        configuration.check("to", &configuration.to, &to)?;
        configuration.check_single(work, row)?;
    }
    Ok(())
}

/// Looks up one end and writes into the row what it is.
fn end(work: &UnitOfWork<'_>, row: &mut Row, side: &str) -> Result<End, ApiError> {
    let id = row.get(&format!("{side}_id"));
    let found = work
        .connection
        .prepare_cached(ENDS)?
        .query_row([id], |row| {
            Ok(End {
                kind: row.get(0)?,
                entity_type: row.get(1)?,
                object_type: row.get(2)?,
            })
        });
    let end = found.optional()?.ok_or_else(|| {
        ApiError::integrity(format!(
            "The {side}_id of a custom attribute link names an entity that does not exist."
        ))
    })?;
    let end = match end.kind.as_str() {
        "collaborator" => End {
            kind: "user".to_owned(),
            ..end
        },
        _ => end,
    };
    let kind = format!("{side}_kind");
    if !row.is_null(&kind) && row.text(&kind) != Some(&end.kind) {
        return Err(ApiError::validation(format!(
            "The {side}_id of the custom attribute link is not of the type of the link."
        )));
    }
    row.set(&kind, end.kind.clone());
    row.set(&format!("{side}_entity_type"), end.entity_type.clone());
    Ok(end)
}

/// Whether the configuration exists is checked when the batch is complete.
fn configuration(work: &UnitOfWork<'_>, row: &Row) -> Result<Option<Configuration>, ApiError> {
    let sql = "select coalesce(\"key\", ''), entity_type, object_type_id, entity_type_to, object_type_id_to, \
               coalesce(one_to_one, 0) from custom_attribute_configuration \
               where id = ?1 and configuration_kind = 'link'";
    let id = row.get("configuration_id");
    let found = work.connection.prepare_cached(sql)?.query_row([id], |row| {
        Ok(Configuration {
            key: row.get(0)?,
            from: Allowed {
                entity_type: row.get(1)?,
                object_type: row.get(2)?,
            },
            to: Allowed {
                entity_type: row.get(3)?,
                object_type: row.get(4)?,
            },
            one_to_one: row.get(5)?,
        })
    });
    Ok(found.optional()?)
}

impl Configuration {
    /// Guess: the text, and that ftrack checks both ends.
    fn check(&self, side: &str, allowed: &Allowed, end: &End) -> Result<(), ApiError> {
        // ftrack's documentation configures links to an `asset_version`, everything else to an `assetversion`.
        let is_type = allowed
            .entity_type
            .as_deref()
            .is_none_or(|name| name.replace('_', "").eq_ignore_ascii_case(&end.entity_type));
        let is_object_type =
            allowed.object_type.is_none() || allowed.object_type == end.object_type;
        if is_type && is_object_type {
            return Ok(());
        }
        Err(ApiError::validation(format!(
            "Custom attribute link \"{}\" cannot lead {side} a {}.",
            self.key, end.entity_type
        )))
    }

    /// Guess: one to one means that an entity has one such link at most; and that no link is there twice.
    fn check_single(&self, work: &UnitOfWork<'_>, row: &Row) -> Result<(), ApiError> {
        let sql = "select exists (select 1 from custom_attribute_link \
                   where from_id = ?1 and configuration_id = ?2 and id is not ?3 and (?4 or to_id = ?5))";
        let taken: bool = work.connection.prepare_cached(sql)?.query_row(
            (
                row.get("from_id"),
                row.get("configuration_id"),
                row.get("id"),
                self.one_to_one,
                row.get("to_id"),
            ),
            |row| row.get(0),
        )?;
        if taken {
            return Err(ApiError::duplicate(format!(
                "Duplicate entry: the entity has a link \"{}\" already.",
                self.key
            )));
        }
        Ok(())
    }
}
