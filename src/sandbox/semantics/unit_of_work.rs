//! The writes of one batch: what they share while their transaction runs, and what is checked when all are done.

use std::collections::{HashMap, HashSet};

use ftrack_protocol::{DateTime, Value};
use rusqlite::{Connection, types::Value as SqlValue};

use crate::{
    app::Caller,
    error::ApiError,
    schema::{Catalog, EntityType, TableId, TypeId},
};

use super::{checks::Checks, collections::Attachment, contexts::ContextLookup, row::Row};

/// The writes of one batch.
///
/// Nothing is final before [`finish`](Self::finish): operations may refer to entities that later ones create, and may
/// leave out what later ones set.
pub struct UnitOfWork<'a> {
    /// The connection, inside the transaction of the batch.
    pub connection: &'a Connection,
    /// Who sent the batch.
    pub caller: &'a Caller,
    /// What changed, in order.
    pub changes: Vec<Change>,
    pub(super) contexts: ContextLookup,
    pub(super) checks: Checks,
    pub(super) attachments: Vec<Attachment>,
    /// Rows that went with the ones that were deleted.
    pub(super) removed: HashSet<(TableId, Vec<String>)>,
    /// The highest version of each asset that got one.
    pub(super) versions: HashMap<String, i64>,
    /// The notes that were created, with their authors.
    pub(super) authors: Vec<(String, String)>,
    now: String,
}

impl<'a> UnitOfWork<'a> {
    /// Begins the writes of a batch that `caller` sent.
    pub fn new(connection: &'a Connection, caller: &'a Caller) -> Self {
        Self {
            connection,
            caller,
            changes: Vec::new(),
            contexts: ContextLookup::default(),
            checks: Checks::default(),
            attachments: Vec::new(),
            removed: HashSet::new(),
            versions: HashMap::new(),
            authors: Vec::new(),
            now: DateTime::now().to_naive_seconds(),
        }
    }

    /// Returns the time of the batch, as it is stored.
    pub fn now(&self) -> String {
        self.now.clone()
    }

    /// Completes the batch: attaches members that did not exist before, then checks what had to wait.
    pub fn finish(&mut self) -> Result<(), ApiError> {
        super::collections::attach_late(self)?;
        super::notes::tell_authors(self)?;
        let checks = std::mem::take(&mut self.checks);
        checks.run(self.connection)
    }

    /// Returns the ids of the components that went, by themselves or with others, and did not come back.
    pub fn removed_components(&self) -> Result<Vec<String>, ApiError> {
        let mut exists = self
            .connection
            .prepare_cached("select exists (select 1 from component where id = ?1)")?;
        let mut gone = Vec::new();
        for (table, key) in &self.removed {
            if let ("component", [id]) = (Catalog::get().table(*table).name.as_str(), &key[..])
                && !exists.query_row([id], |row| row.get::<_, bool>(0))?
            {
                gone.push(id.clone());
            }
        }
        Ok(gone)
    }

    /// Loads the row of an entity of type `entity_type`, or of one of its subtypes.
    pub(super) fn load(
        &self,
        entity_type: &'static EntityType,
        key: &[String],
    ) -> Result<Option<(Row, &'static EntityType)>, ApiError> {
        let table = Catalog::get().table(entity_type.table);
        let row = Row::load(self.connection, table, key)?;
        Ok(row.and_then(|row| {
            let concrete = concrete_type(&row, entity_type);
            fits(&row, concrete).then_some((row, concrete))
        }))
    }
}

/// A row that was added, changed or removed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What happened.
    pub action: ChangeAction,
    /// The most concrete type of the entity.
    pub entity_type: TypeId,
    /// The primary key.
    pub key: Vec<String>,
    /// The columns that changed, with their values before and after.
    pub columns: Vec<ChangedColumn>,
}

/// The name of a column, and its values before and after.
pub type ChangedColumn = (&'static str, SqlValue, SqlValue);

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeAction {
    /// It was added.
    Add,
    /// It was changed.
    Update,
    /// It was removed.
    Remove,
}

/// What a create or update answers: which attributes of which entity.
///
/// The entity is encoded when the batch is complete, so that it shows what later operations made of it.
#[derive(Debug)]
pub struct WriteAnswer {
    /// The type that the client named, by which it knows the entity.
    pub entity_type: &'static EntityType,
    /// The primary key.
    pub key: Vec<String>,
    /// The attributes to answer, besides those that every answer holds.
    pub attributes: Vec<&'static str>,
    /// Values to answer as they were sent, in place of the stored ones.
    pub echoes: Vec<(&'static str, Value)>,
}

impl WriteAnswer {
    /// Answers the entity as one of the type that the client named, which may be more general than its own.
    pub(super) fn known_as(mut self, declared: &'static EntityType) -> Self {
        self.entity_type = declared;
        self.attributes
            .retain(|name| declared.attribute(name).is_some());
        self
    }
}

/// Returns the entity type called `name`.
pub(super) fn find_type(name: &str) -> Result<&'static EntityType, ApiError> {
    Catalog::get()
        .entity_type(name)
        .ok_or_else(|| ApiError::parse(format!("No schema '{name}' exists.")))
}

/// Returns the most concrete type of `row`, which was addressed as a `base`.
pub(super) fn concrete_type(row: &Row, base: &EntityType) -> &'static EntityType {
    Catalog::get().concrete_type(base.id, &|column| row.text(column).map(str::to_owned))
}

fn fits(row: &Row, entity_type: &EntityType) -> bool {
    entity_type
        .discriminator
        .iter()
        .all(|(column, value)| row.text(column) == Some(value))
}

/// Names an entity in error messages: `Task(id)`.
pub(super) fn entity_name(entity_type: &EntityType, key: &[String]) -> String {
    format!("{}({})", entity_type.name, key.join(", "))
}

/// Reads the primary key that a client sent: a list of texts, or just a text.
pub fn decode_key(entity_type: &EntityType, key: &[Value]) -> Result<Vec<String>, ApiError> {
    let text = |value: &Value| match value {
        Value::Text(text) => Some(text.to_string()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    };
    let values: Option<Vec<String>> = key.iter().map(text).collect();
    values
        .filter(|values| values.len() == entity_type.primary_key.len())
        .ok_or_else(|| {
            ApiError::validation(format!(
                "The key of a {} is [{}].",
                entity_type.name,
                entity_type.primary_key.join(", ")
            ))
        })
}
