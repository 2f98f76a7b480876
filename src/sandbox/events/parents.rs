//! What an entity belongs to, up to its project: the `parents` of update events.

use std::collections::HashMap;
use std::rc::Rc;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension as _};

use crate::error::ApiError;
use crate::schema::{Catalog, EntityType, TableId};
use crate::semantics::{Change, ChangeAction};

/// An entity in a chain of parents.
#[derive(Debug, Clone)]
pub(super) struct Ancestor {
    pub id: String,
    /// The most concrete type.
    pub entity_type: &'static EntityType,
    pub parent_id: Option<String>,
}

/// Looks up parents, and each entity only once.
pub(super) struct Parents<'a> {
    connection: &'a Connection,
    known: HashMap<(TableId, String), Option<Rc<Ancestor>>>,
}

/// More than any hierarchy has; ends the search where rows form a circle.
const MAX_DEPTH: usize = 100;

/// Which column leads to the parent, and of which types that may be.
struct Rule {
    entity_type: &'static str,
    column: &'static str,
    parents: &'static [&'static str],
}

/// Entities of other types have no parent.
const RULES: &[Rule] = &[
    rule("Context", "parent_id", &["Context"]),
    rule("Asset", "context_id", &["Context"]),
    rule("AssetVersion", "asset_id", &["Asset"]),
    rule("Component", "version_id", &["AssetVersion"]),
    rule("ComponentLocation", "component_id", &["Component"]),
    rule("Note", "parent_id", ANYTHING),
    rule("Timelog", "context_id", &["Context"]),
    rule("Timer", "context_id", &["Context"]),
    rule("Appointment", "context_id", &["Context"]),
    rule("TypedContextLink", "to_id", &["Context"]),
    rule("List", "project_id", &["Context"]),
    rule("ListObject", "list_id", &["List"]),
    rule("ReviewSession", "project_id", &["Context"]),
    rule(
        "ReviewSessionObject",
        "review_session_id",
        &["ReviewSession"],
    ),
    rule("Metadata", "parent_id", ANYTHING),
];

/// What may have notes and metadata.
const ANYTHING: &[&str] = &[
    "Context",
    "AssetVersion",
    "Asset",
    "Component",
    "ReviewSessionObject",
    "Note",
];

const fn rule(
    entity_type: &'static str,
    column: &'static str,
    parents: &'static [&'static str],
) -> Rule {
    Rule {
        entity_type,
        column,
        parents,
    }
}

impl<'a> Parents<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            known: HashMap::new(),
        }
    }

    /// Learns from a change what the database need not be asked for, or no longer knows.
    pub(super) fn learn(&mut self, change: &Change) {
        let entity_type = Catalog::get().type_by_id(change.entity_type);
        let [id] = change.key.as_slice() else {
            return;
        };
        let key = (entity_type.table, id.clone());
        let rule = rule_of(entity_type.table);
        match change.action {
            ChangeAction::Update => drop(self.known.remove(&key)),
            ChangeAction::Add if rule.is_none() => {}
            ChangeAction::Add | ChangeAction::Remove => {
                let parent = rule.and_then(|rule| {
                    let mut columns = change.columns.iter();
                    columns.find(|(name, ..)| *name == rule.column)
                });
                let ancestor = Ancestor {
                    id: id.clone(),
                    entity_type,
                    parent_id: parent.and_then(|(_, old, new)| text(old).or_else(|| text(new))),
                };
                self.known.insert(key, Some(Rc::new(ancestor)));
            }
        }
    }

    /// Returns an entity and its parents, nearest first; ends where a parent is missing.
    pub(super) fn chain(
        &mut self,
        entity_type: &'static EntityType,
        id: &str,
    ) -> Result<Vec<Rc<Ancestor>>, ApiError> {
        let mut chain = Vec::new();
        let mut next = self.find(entity_type.table, id)?;
        while let Some(ancestor) = next {
            next = if chain.len() < MAX_DEPTH {
                self.parent(&ancestor)?
            } else {
                None
            };
            chain.push(ancestor);
        }
        Ok(chain)
    }

    fn parent(&mut self, child: &Ancestor) -> Result<Option<Rc<Ancestor>>, ApiError> {
        let (Some(rule), Some(id)) = (rule_of(child.entity_type.table), &child.parent_id) else {
            return Ok(None);
        };
        for name in rule.parents {
            if let Some(entity_type) = Catalog::get().entity_type(name)
                && let Some(parent) = self.find(entity_type.table, id)?
            {
                return Ok(Some(parent));
            }
        }
        Ok(None)
    }

    fn find(&mut self, table: TableId, id: &str) -> Result<Option<Rc<Ancestor>>, ApiError> {
        let key = (table, id.to_owned());
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let found = load(self.connection, table, id)?.map(Rc::new);
        self.known.insert(key, found.clone());
        Ok(found)
    }
}

/// Returns the rule for the rows of a table, which the types of one hierarchy share.
fn rule_of(table: TableId) -> Option<&'static Rule> {
    let catalog = Catalog::get();
    RULES.iter().find(|rule| {
        let entity_type = catalog.entity_type(rule.entity_type);
        entity_type.is_some_and(|entity_type| entity_type.table == table)
    })
}

fn load(connection: &Connection, table: TableId, id: &str) -> Result<Option<Ancestor>, ApiError> {
    let catalog = Catalog::get();
    let Some(rule) = rule_of(table) else {
        return Ok(None);
    };
    let (Some(base), [key]) = (
        catalog.entity_type(rule.entity_type),
        catalog.table(table).primary_key.as_slice(),
    ) else {
        return Ok(None);
    };
    let mut columns = vec![rule.column];
    for subtype in &base.subtypes {
        let discriminators = &catalog.type_by_id(*subtype).discriminator;
        for (column, _) in discriminators {
            if !columns.contains(&column.as_str()) {
                columns.push(column);
            }
        }
    }
    let name = &catalog.table(table).name;
    let selected = columns.join("\", \"");
    let sql = format!("select \"{selected}\" from \"{name}\" where \"{key}\" = ?1");
    let row = connection.prepare_cached(&sql)?.query_row([id], |row| {
        (0..columns.len())
            .map(|index| row.get::<_, SqlValue>(index))
            .collect::<Result<Vec<_>, _>>()
    });
    Ok(row.optional()?.map(|values| {
        let value = |column: &str| {
            let index = columns.iter().position(|name| *name == column)?;
            text(&values[index])
        };
        Ancestor {
            id: id.to_owned(),
            entity_type: catalog.concrete_type(base.id, &value),
            parent_id: value(rule.column),
        }
    }))
}

fn text(value: &SqlValue) -> Option<String> {
    match value {
        SqlValue::Text(text) => Some(text.clone()),
        _ => None,
    }
}
