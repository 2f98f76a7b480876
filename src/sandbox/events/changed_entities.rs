//! What a batch did, entity by entity: all changes of an entity in one place, under the names of ftrack's own columns.

use std::collections::HashMap;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::schema::{AttributeKind, Catalog, DataType, EntityType, TableId};
use crate::semantics::{Change, ChangeAction, ChangedColumn};

/// Everything that a batch did to one entity.
#[derive(Debug)]
pub(super) struct ChangedEntity {
    /// The most concrete type.
    pub entity_type: &'static EntityType,
    /// The primary key.
    pub key: Vec<String>,
    pub action: ChangeAction,
    /// What changed, in order.
    pub values: Vec<ChangedValue>,
}

/// A value before and after a batch.
#[derive(Debug, PartialEq)]
pub(super) struct ChangedValue {
    /// The name of ftrack's column, or the key of a custom attribute.
    pub key: String,
    pub old: Value,
    pub new: Value,
}

impl ChangedEntity {
    /// Returns whether it now has another parent.
    pub(super) fn has_moved(&self) -> bool {
        let is_context = Catalog::get().table(self.entity_type.table).name == "context";
        let is_parent = |value: &ChangedValue| value.key == "parent_id";
        self.action == ChangeAction::Update && is_context && self.values.iter().any(is_parent)
    }

    fn set(&mut self, changed: ChangedValue) {
        match self
            .values
            .iter_mut()
            .find(|value| value.key == changed.key)
        {
            Some(value) => value.new = changed.new,
            None => self.values.push(changed),
        }
    }
}

/// Collects the changes of a batch by entity, in the order in which the entities were first touched.
///
/// What came and went within the batch is left out, and what went and came again has changed. Guess: custom attribute values are changes of the entity that has
/// them, everything else is an entity of its own.
pub(super) fn collect(
    connection: &Connection,
    changes: &[Change],
) -> Result<Vec<ChangedEntity>, ApiError> {
    let mut collector = Collector::default();
    for change in changes {
        let entity_type = Catalog::get().type_by_id(change.entity_type);
        match Catalog::get().table(entity_type.table).name.as_str() {
            "custom_attribute_value" => collector.add_custom_attribute(connection, change)?,
            _ => collector.add(entity_type, change),
        }
    }
    Ok(collector.finish())
}

#[derive(Default)]
struct Collector<'c> {
    /// An entity that came and went leaves its place empty.
    entities: Vec<Option<ChangedEntity>>,
    places: HashMap<(TableId, Vec<String>), usize>,
    /// By place, what those that were there before the batch had when they went.
    removed: HashMap<usize, &'c [ChangedColumn]>,
}

impl<'c> Collector<'c> {
    fn add(&mut self, entity_type: &'static EntityType, change: &'c Change) {
        let place = self.place(entity_type, &change.key);
        let known = &mut self.entities[place];
        if change.action == ChangeAction::Remove {
            let was_added = matches!(known, Some(entity) if entity.action == ChangeAction::Add);
            let removed = ChangedEntity {
                entity_type,
                key: change.key.clone(),
                action: ChangeAction::Remove,
                values: Vec::new(),
            };
            *known = (!was_added).then_some(removed);
            if !was_added {
                self.removed.entry(place).or_insert(&change.columns);
            }
            return;
        }
        if let (ChangeAction::Add, Some(before)) = (change.action, self.removed.get(&place)) {
            *known = replaced(entity_type, change, before);
            return;
        }
        let entity = known.get_or_insert_with(|| ChangedEntity {
            entity_type,
            key: change.key.clone(),
            action: change.action,
            values: Vec::new(),
        });
        for (column, old, new) in &change.columns {
            if let Some(changed) = changed_value(entity_type, column, old, new) {
                entity.set(changed);
            }
        }
    }

    fn add_custom_attribute(
        &mut self,
        connection: &Connection,
        change: &Change,
    ) -> Result<(), ApiError> {
        let [configuration, owner] = change.key.as_slice() else {
            return Ok(());
        };
        let Some(entity_type) = self.owner_type(connection, owner)? else {
            return Ok(());
        };
        let sql = "select \"key\" from custom_attribute_configuration where id = ?1";
        let mut statement = connection.prepare_cached(sql)?;
        let key: Option<Option<String>> = statement
            .query_row([configuration], |row| row.get(0))
            .optional()?;
        let Some(key) = key.flatten() else {
            return Ok(());
        };
        let value = change
            .columns
            .iter()
            .find(|(column, ..)| *column == "value");
        let (old, new) = value.map_or((&SqlValue::Null, &SqlValue::Null), |(_, old, new)| {
            (old, new)
        });
        let place = self.place(entity_type, std::slice::from_ref(owner));
        let entity = self.entities[place].get_or_insert_with(|| ChangedEntity {
            entity_type,
            key: vec![owner.clone()],
            action: ChangeAction::Update,
            values: Vec::new(),
        });
        entity.set(ChangedValue {
            key,
            old: to_text(old),
            new: to_text(new),
        });
        Ok(())
    }

    /// Returns the type of the entity that a custom attribute value is of.
    fn owner_type(
        &self,
        connection: &Connection,
        id: &str,
    ) -> Result<Option<&'static EntityType>, ApiError> {
        for name in [
            "Context",
            "AssetVersion",
            "Asset",
            "User",
            "List",
            "ListObject",
        ] {
            let Some(base) = Catalog::get().entity_type(name) else {
                continue;
            };
            if let Some(&place) = self.places.get(&(base.table, vec![id.to_owned()]))
                && let Some(entity) = &self.entities[place]
            {
                return Ok(Some(entity.entity_type));
            }
            if let Some(found) = stored_type(connection, base, id)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn place(&mut self, entity_type: &EntityType, key: &[String]) -> usize {
        let next = self.entities.len();
        let place = self.places.entry((entity_type.table, key.to_vec()));
        let place = *place.or_insert(next);
        if place == next {
            self.entities.push(None);
        }
        place
    }

    fn finish(self) -> Vec<ChangedEntity> {
        self.entities.into_iter().flatten().collect()
    }
}

/// Describes a row that went and came again as a change of the entity; none if it is as it was.
fn replaced(
    entity_type: &'static EntityType,
    added: &Change,
    before: &[ChangedColumn],
) -> Option<ChangedEntity> {
    let old = |column: &str| before.iter().find(|(name, ..)| *name == column);
    let set = |column: &str| added.columns.iter().any(|(name, ..)| *name == column);
    let changed = added.columns.iter().map(|(column, _, new)| {
        let old = old(column).map_or(&SqlValue::Null, |(_, old, _)| old);
        (*column, old, new)
    });
    let emptied = before.iter().filter(|(column, ..)| !set(column));
    let emptied = emptied.map(|(column, old, _)| (*column, old, &SqlValue::Null));
    let values: Vec<ChangedValue> = changed
        .chain(emptied)
        .filter(|(_, old, new)| old != new)
        .filter_map(|(column, old, new)| changed_value(entity_type, column, old, new))
        .collect();
    (!values.is_empty()).then(|| ChangedEntity {
        entity_type,
        key: added.key.clone(),
        action: ChangeAction::Update,
        values,
    })
}

fn changed_value(
    entity_type: &EntityType,
    column: &str,
    old: &SqlValue,
    new: &SqlValue,
) -> Option<ChangedValue> {
    let (key, data_type) = published_column(entity_type, column)?;
    Some(ChangedValue {
        key: key.to_owned(),
        old: to_json(old, data_type),
        new: to_json(new, data_type),
    })
}

fn stored_type(
    connection: &Connection,
    base: &'static EntityType,
    id: &str,
) -> Result<Option<&'static EntityType>, ApiError> {
    let table = Catalog::get().table(base.table);
    let sql = format!("select * from \"{}\" where id = ?1", table.name);
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row([id], |row| {
        let value = |column: &str| row.get::<_, Option<String>>(column).ok().flatten();
        Ok(Catalog::get().concrete_type(base.id, &value))
    });
    Ok(found.optional()?)
}

/// Returns the name that ftrack publishes a column by, and the type of its values; hidden columns have none.
fn published_column<'a>(entity_type: &'a EntityType, column: &str) -> Option<(&'a str, DataType)> {
    entity_type.attributes().iter().find_map(|attribute| {
        let AttributeKind::Column {
            column: name,
            data_type,
        } = &attribute.kind
        else {
            return None;
        };
        let key = attribute.alias.as_ref().unwrap_or(&attribute.name);
        (name == column && !attribute.hidden).then_some((key.as_str(), *data_type))
    })
}

fn to_json(value: &SqlValue, data_type: DataType) -> Value {
    match (value, data_type) {
        (SqlValue::Integer(number), DataType::Boolean) => json!(*number != 0),
        #[expect(clippy::cast_precision_loss, reason = "JSON has no other numbers")]
        (SqlValue::Integer(number), DataType::Float) => json!(*number as f64),
        (SqlValue::Integer(number), _) => json!(number),
        (SqlValue::Real(number), _) => json!(number),
        (SqlValue::Text(text), _) => json!(text),
        (SqlValue::Null | SqlValue::Blob(_), _) => Value::Null,
    }
}

/// Custom attribute values are published as text, true as `1`.
fn to_text(value: &SqlValue) -> Value {
    match value {
        SqlValue::Integer(number) => json!(number.to_string()),
        SqlValue::Real(number) => json!(number.to_string()),
        SqlValue::Text(text) => json!(text),
        SqlValue::Null | SqlValue::Blob(_) => Value::Null,
    }
}
