//! Deletes an entity, with all that belongs to it.

use ftrack_protocol::Value;
use rusqlite::types::Value as SqlValue;

use crate::{
    error::ApiError,
    schema::{Catalog, EntityType},
};

use super::{
    cascades, hooks,
    row::Row,
    unit_of_work::{
        Change, ChangeAction, ChangedColumn, UnitOfWork, decode_key, entity_name, find_type,
    },
};

/// Deletes the entity `key` of the type called `entity_type`.
///
/// An entity that has gone with another one earlier in the batch may be deleted once more: clients do so when they
/// delete a whole tree.
pub fn delete(work: &mut UnitOfWork<'_>, entity_type: &str, key: &[Value]) -> Result<(), ApiError> {
    let declared = find_type(entity_type)?;
    let key = decode_key(declared, key)?;
    if let Some((row, entity_type)) = work.load(declared, &key)? {
        return remove(work, entity_type, &row);
    }
    let name = entity_name(declared, &key);
    let gone = work.removed.contains(&(declared.table, key));
    if gone || hooks::is_created_by_update(declared) {
        return Ok(());
    }
    Err(ApiError::not_found(format!("{name} does not exist.")))
}

/// Removes the row of an entity, with all that belongs to it.
pub(super) fn remove(
    work: &mut UnitOfWork<'_>,
    entity_type: &'static EntityType,
    row: &Row,
) -> Result<(), ApiError> {
    hooks::before_delete(work, entity_type, row)?;
    let key = row.key();
    let table = Catalog::get().table(entity_type.table);
    cascades::remove_rows(work, table, vec![key.clone()])?;
    hooks::after_delete(work, row)?;
    work.changes.push(Change {
        action: ChangeAction::Remove,
        entity_type: entity_type.id,
        key,
        columns: removed_values(row),
    });
    Ok(())
}

/// Lists what a row had: its values before, and nothing after.
fn removed_values(row: &Row) -> Vec<ChangedColumn> {
    row.values()
        .map(|(column, value)| (column, value.clone(), SqlValue::Null))
        .collect()
}
