//! Changes an entity.

use ftrack_protocol::Write;
use rusqlite::types::Value as SqlValue;

use crate::{
    error::ApiError,
    schema::{Attribute, EntityType},
};

use super::{
    assign::Assignments,
    collections, create, hooks,
    row::Row,
    unit_of_work::{
        Change, ChangeAction, UnitOfWork, WriteAnswer, decode_key, entity_name, find_type,
    },
};

/// Changes what `write` names; metadata and custom attribute values that are not there yet are created.
pub fn update(work: &mut UnitOfWork<'_>, write: &Write) -> Result<WriteAnswer, ApiError> {
    let declared = find_type(&write.entity_type)?;
    let key = decode_key(declared, &write.entity_key)?;
    let Some((row, entity_type)) = work.load(declared, &key)? else {
        if hooks::is_created_by_update(declared) {
            return create::create(work, write);
        }
        let name = entity_name(declared, &key);
        return Err(ApiError::not_found(format!("{name} does not exist.")));
    };
    let assignments = Assignments::decode(entity_type, &write.attributes)?;
    for (attribute, column, value) in &assignments.columns {
        check_mutable(entity_type, attribute, row.get(column), value)?;
    }
    Ok(overwrite(work, entity_type, row, assignments)?.known_as(declared))
}

/// A row that is about to be written over another.
pub struct ChangedEntity {
    /// Its most concrete type.
    pub entity_type: &'static EntityType,
    /// The row as it is stored.
    pub old: Row,
    /// The row as it will be.
    pub row: Row,
}

impl ChangedEntity {
    /// Returns whether the value of `column` differs from the stored one.
    pub fn changes(&self, column: &str) -> bool {
        self.old.get(column) != self.row.get(column)
    }
}

/// Writes `assignments` over the row `old`.
pub(super) fn overwrite(
    work: &mut UnitOfWork<'_>,
    entity_type: &'static EntityType,
    old: Row,
    assignments: Assignments,
) -> Result<WriteAnswer, ApiError> {
    let mut row = old.clone();
    for (_, column, value) in &assignments.columns {
        row.set(column, value.clone());
    }
    let row = store(
        work,
        ChangedEntity {
            entity_type,
            old,
            row,
        },
    )?;
    collections::replace_all(work, entity_type, &row, &assignments.collections)?;
    let set = assignments.columns.iter().map(|(attribute, ..)| *attribute);
    let mut attributes: Vec<&'static str> = Vec::new();
    for attribute in set.chain(assignments.answered_collections()) {
        if !attributes.contains(&attribute.name.as_str()) {
            attributes.push(&attribute.name);
        }
    }
    Ok(WriteAnswer {
        entity_type,
        key: row.key(),
        attributes,
        echoes: assignments.echoes,
    })
}

/// Stores what differs, with all that follows from it, and returns the row as stored.
pub(super) fn store(work: &mut UnitOfWork<'_>, mut entity: ChangedEntity) -> Result<Row, ApiError> {
    hooks::before_update(work, &mut entity)?;
    let columns = entity.row.table().columns.iter();
    let changed: Vec<&'static str> = columns
        .map(|column| column.name.as_str())
        .filter(|column| entity.changes(column))
        .collect();
    if changed.is_empty() {
        return Ok(entity.row);
    }
    entity.row.update(work.connection, &changed)?;
    work.checks
        .changed(entity.entity_type, &entity.row, &changed);
    hooks::after_update(work, &entity)?;
    let values = |column: &&'static str| {
        let (old, new) = (entity.old.get(column), entity.row.get(column));
        (*column, old.clone(), new.clone())
    };
    work.changes.push(Change {
        action: ChangeAction::Update,
        entity_type: entity.entity_type.id,
        key: entity.row.key(),
        columns: changed.iter().map(values).collect(),
    });
    Ok(entity.row)
}

/// Guess: ftrack refuses to change what its schema calls immutable; the value it has may be sent again.
fn check_mutable(
    entity_type: &EntityType,
    attribute: &Attribute,
    old: &SqlValue,
    new: &SqlValue,
) -> Result<(), ApiError> {
    if attribute.immutable && old != new {
        return Err(ApiError::validation(format!(
            "{}.{} is immutable.",
            entity_type.name, attribute.name
        )));
    }
    Ok(())
}
