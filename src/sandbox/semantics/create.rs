//! Creates an entity.

use ftrack_protocol::{Value, Write};
use rusqlite::types::Value as SqlValue;
use uuid::Uuid;

use crate::{
    error::ApiError,
    schema::{Attribute, AttributeKind, Catalog, EntityType},
};

use super::{
    assign::Assignments,
    collections, hooks,
    row::Row,
    unit_of_work::{
        Change, ChangeAction, UnitOfWork, WriteAnswer, concrete_type, entity_name, find_type,
    },
    update,
};

/// Creates what `write` describes; what it leaves out gets the defaults of its type and subject.
///
/// Metadata, custom attribute values and other rows that are named by more than an id replace the one of that name.
pub fn create(work: &mut UnitOfWork<'_>, write: &Write) -> Result<WriteAnswer, ApiError> {
    let declared = find_type(&write.entity_type)?;
    let assignments = Assignments::decode(declared, &write.attributes)?;
    let mut row = Row::new(Catalog::get().table(declared.table));
    set_key(&mut row, declared, &write.entity_key);
    for (_, column, value) in &assignments.columns {
        row.set(column, value.clone());
    }
    let entity_type = choose_type(&mut row, declared)?;
    let mut new = NewEntity { entity_type, row };
    new.complete(work)?;
    if let Err(error) = new.row.insert(work.connection) {
        return Ok(replace(work, &new, assignments, error)?.known_as(declared));
    }
    new.announce(work)?;
    let key = new.row.key();
    collections::replace_all(work, entity_type, &new.row, &assignments.collections)?;
    Ok(WriteAnswer {
        entity_type,
        key,
        attributes: answered(entity_type, &new.row, &assignments),
        echoes: assignments.echoes,
    }
    .known_as(declared))
}

/// Creates an entity of one row that a client did not write itself.
pub(super) fn add(
    work: &mut UnitOfWork<'_>,
    entity_type: &'static EntityType,
    row: Row,
) -> Result<(), ApiError> {
    let mut new = NewEntity { entity_type, row };
    new.complete(work)?;
    new.row.insert(work.connection)?;
    new.announce(work)
}

/// An entity that is about to be inserted.
pub struct NewEntity {
    /// Its most concrete type.
    pub entity_type: &'static EntityType,
    /// Its row so far.
    pub row: Row,
}

impl NewEntity {
    /// Fills what was left out, or refuses the entity.
    fn complete(&mut self, work: &mut UnitOfWork<'_>) -> Result<(), ApiError> {
        self.fill_defaults();
        hooks::before_create(work, self)?;
        self.stamp(work);
        Ok(())
    }

    /// Tells the batch of the row that was inserted, and adds what comes with it.
    fn announce(&self, work: &mut UnitOfWork<'_>) -> Result<(), ApiError> {
        work.checks.created(self.entity_type, &self.row);
        hooks::after_create(work, self)?;
        // It is there again, and may go again.
        let row = (self.entity_type.table, self.row.key());
        work.removed.remove(&row);
        work.changes.push(added(self.entity_type, &self.row));
        Ok(())
    }

    fn fill_defaults(&mut self) {
        for attribute in self.entity_type.attributes() {
            if let (AttributeKind::Column { column, .. }, Some(default)) =
                (&attribute.kind, &attribute.default)
                && self.row.is_null(column)
                && let Some(value) = default_value(default)
            {
                self.row.set(column, value);
            }
        }
    }

    /// Fills who made it and when, for the types that keep it.
    fn stamp(&mut self, work: &UnitOfWork<'_>) {
        for column in ["created_at", "created_by_id"] {
            if self.row.lacks(column) {
                let value = if column == "created_at" {
                    work.now()
                } else {
                    work.caller.user_id.clone()
                };
                self.row.set(column, value);
            }
        }
    }
}

/// Converts a default of the schema; `"{uid}"` asks for a new id.
fn default_value(default: &serde_json::Value) -> Option<SqlValue> {
    match default {
        serde_json::Value::String(text) if text == "{uid}" => {
            Some(SqlValue::Text(Uuid::new_v4().to_string()))
        }
        serde_json::Value::String(text) => Some(SqlValue::Text(text.clone())),
        serde_json::Value::Bool(flag) => Some(SqlValue::Integer(i64::from(*flag))),
        serde_json::Value::Number(number) => number
            .as_i64()
            .map(SqlValue::Integer)
            .or_else(|| number.as_f64().map(SqlValue::Real)),
        _ => None,
    }
}

/// Some clients send the key beside the data, some inside it.
fn set_key(row: &mut Row, entity_type: &EntityType, key: &[Value]) {
    if key.len() == entity_type.primary_key.len() {
        for (column, value) in entity_type.primary_key.iter().zip(key) {
            if let Value::Text(text) = value {
                row.set(column, text.to_string());
            }
        }
    }
}

/// Settles the most concrete type, and sets the columns that tell it from its siblings.
fn choose_type(
    row: &mut Row,
    declared: &'static EntityType,
) -> Result<&'static EntityType, ApiError> {
    let mut chosen = concrete_type(row, declared);
    if chosen.is_abstract {
        chosen = hooks::usual_type(chosen).ok_or_else(|| {
            ApiError::validation(format!(
                "A {} cannot be created, as the type is abstract.",
                chosen.name
            ))
        })?;
    }
    for (column, value) in &chosen.discriminator {
        if !row.is_null(column) && row.text(column) != Some(value) {
            return Err(ApiError::validation(format!(
                "The {column} given is not that of a {}.",
                chosen.name
            )));
        }
        row.set(column, value.clone());
    }
    Ok(chosen)
}

/// Handles a row that is there already, and reports all other failures.
fn replace(
    work: &mut UnitOfWork<'_>,
    new: &NewEntity,
    assignments: Assignments,
    error: rusqlite::Error,
) -> Result<WriteAnswer, ApiError> {
    let key = new.row.key();
    let Some((old, _)) = work.load(new.entity_type, &key)? else {
        return Err(error.into());
    };
    if key.len() < 2 {
        let name = entity_name(new.entity_type, &key);
        return Err(ApiError::duplicate(format!("{name} exists already.")));
    }
    update::overwrite(work, new.entity_type, old, assignments)
}

fn added(entity_type: &EntityType, row: &Row) -> Change {
    Change {
        action: ChangeAction::Add,
        entity_type: entity_type.id,
        key: row.key(),
        columns: row
            .values()
            .map(|(column, value)| (column, SqlValue::Null, value.clone()))
            .collect(),
    }
}

/// Names what ftrack answers: all that has a value, and what the client set.
fn answered(
    entity_type: &'static EntityType,
    row: &Row,
    assignments: &Assignments,
) -> Vec<&'static str> {
    let is_set = |attribute: &Attribute| {
        let by_client = |(set, ..): &(&Attribute, _, _)| set.name == attribute.name;
        match &attribute.kind {
            AttributeKind::Column { column, .. } => {
                !row.is_null(column) || assignments.columns.iter().any(by_client)
            }
            AttributeKind::Reference { .. } => assignments.columns.iter().any(by_client),
            AttributeKind::Computed { .. } | AttributeKind::Collection { .. } => false,
        }
    };
    let attributes = entity_type.attributes().iter();
    attributes
        .filter(|attribute| !attribute.hidden && is_set(attribute))
        .chain(assignments.answered_collections())
        .map(|attribute| attribute.name.as_str())
        .collect()
}
