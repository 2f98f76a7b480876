//! What can only be checked when a batch is complete: required attributes, references and unique names.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::LazyLock,
};

use rusqlite::{Connection, OptionalExtension, types::Value as SqlValue};

use crate::{
    error::ApiError,
    schema::{AttributeKind, Catalog, EntityType, Join, Table, TableId, TypeId},
    store::texts::folded,
};

use super::{
    contexts,
    row::Row,
    unit_of_work::{concrete_type, entity_name},
};

/// The checks that wait for the end of the batch.
#[derive(Debug, Default)]
pub(super) struct Checks {
    incomplete: Vec<(&'static EntityType, Vec<String>)>,
    /// For each row that must exist, the types it must be of, each with one attribute that refers to it.
    references: HashMap<(TableId, String), Vec<(TypeId, String)>>,
    /// The notes and metadata that must hang on something.
    hanging: Vec<(&'static EntityType, Vec<String>)>,
    /// For each rule and scope, the names that are new there.
    names: HashMap<(usize, SqlText), HashSet<String>>,
    /// The contexts that came to another project.
    moved: Vec<SqlValue>,
}

type SqlText = Option<String>;

/// A column whose values are unique, without regard to case, among the rows that share the value of another column.
struct UniqueName {
    table: &'static str,
    column: &'static str,
    scope: &'static str,
    noun: &'static str,
}

/// Names of assets are not unique: ftrack lets one context have two of the same name.
const UNIQUE: &[UniqueName] = &[
    UniqueName {
        table: "context",
        column: "name",
        scope: "parent_id",
        noun: "context",
    },
    UniqueName {
        table: "resource",
        column: "username",
        scope: "resource_type",
        noun: "user",
    },
    UniqueName {
        table: "resource",
        column: "name",
        scope: "resource_type",
        noun: "group",
    },
    UniqueName {
        table: "location",
        column: "name",
        scope: "",
        noun: "location",
    },
    UniqueName {
        table: "scope",
        column: "name",
        scope: "",
        noun: "scope",
    },
];

impl Checks {
    /// Remembers what a new row must fulfil.
    pub fn created(&mut self, entity_type: &'static EntityType, row: &Row) {
        self.remember(entity_type, row, &|_| true);
    }

    /// Remembers what the changed columns of a row must fulfil.
    pub fn changed(&mut self, entity_type: &'static EntityType, row: &Row, columns: &[&str]) {
        self.remember(entity_type, row, &|column| columns.contains(&column));
    }

    /// Remembers that `place` refers to the row `id`, which must be a `target`.
    pub fn refers(&mut self, place: &str, target: &EntityType, id: &str) {
        let row = (target.table, id.to_owned());
        let targets = self.references.entry(row).or_default();
        if !targets.iter().any(|(known, _)| *known == target.id) {
            targets.push((target.id, place.to_owned()));
        }
    }

    /// Forgets what referred to a row that was deleted: that has gone with it, or refers to nothing now.
    pub fn removed(&mut self, table: TableId, id: &str) {
        self.references.remove(&(table, id.to_owned()));
    }

    /// Remembers that a context came to another project.
    pub fn moved(&mut self, id: &SqlValue) {
        self.moved.push(id.clone());
    }

    fn remember(
        &mut self,
        entity_type: &'static EntityType,
        row: &Row,
        concerns: &dyn Fn(&str) -> bool,
    ) {
        if missing_attribute(entity_type, row).is_some() {
            self.incomplete.push((entity_type, row.key()));
        }
        for foreign_key in FOREIGN_KEYS.get(&entity_type.id).into_iter().flatten() {
            if let Some(id) = row.text(foreign_key.column)
                && concerns(foreign_key.column)
            {
                self.refers(&foreign_key.place, foreign_key.target, id);
            }
        }
        if matches!(row.table().name.as_str(), "note" | "metadata")
            && concerns("parent_id")
            && !row.is_null("parent_id")
        {
            self.hanging.push((entity_type, row.key()));
        }
        for (index, rule) in UNIQUE.iter().enumerate() {
            if rule.table == row.table().name
                && concerns_rule(rule, concerns)
                && let Some(name) = row.text(rule.column)
            {
                let scope = row.text(rule.scope).map(str::to_owned);
                let names = self.names.entry((index, scope)).or_default();
                names.insert(folded(name));
            }
        }
    }

    /// Runs all checks.
    pub fn run(self, connection: &Connection) -> Result<(), ApiError> {
        for (entity_type, key) in self.incomplete {
            check_complete(connection, entity_type, &key)?;
        }
        for ((_, id), targets) in self.references {
            for (target, place) in targets {
                check_exists(connection, Catalog::get().type_by_id(target), &id, &place)?;
            }
        }
        for (entity_type, key) in self.hanging {
            check_parent(connection, entity_type, &key)?;
        }
        for ((rule, scope), names) in self.names {
            check_unique(connection, &UNIQUE[rule], scope, names)?;
        }
        for id in self.moved {
            contexts::check_moved(connection, &id)?;
        }
        Ok(())
    }
}

fn concerns_rule(rule: &UniqueName, concerns: &dyn Fn(&str) -> bool) -> bool {
    concerns(rule.column) || concerns(rule.scope)
}

fn missing_attribute<'a>(entity_type: &'a EntityType, row: &Row) -> Option<&'a str> {
    let mut attributes = entity_type.attributes().iter();
    attributes
        .find(|attribute| match &attribute.kind {
            AttributeKind::Column { column, .. } => attribute.required && row.is_null(column),
            _ => false,
        })
        .map(|attribute| attribute.name.as_str())
}

fn check_complete(
    connection: &Connection,
    entity_type: &'static EntityType,
    key: &[String],
) -> Result<(), ApiError> {
    let table = Catalog::get().table(entity_type.table);
    let Some(row) = Row::load(connection, table, key)? else {
        return Ok(());
    };
    match missing_attribute(entity_type, &row) {
        None => Ok(()),
        Some(attribute) => Err(ApiError::validation(format!(
            "{} has no {attribute}, which is required.",
            entity_name(entity_type, key)
        ))),
    }
}

fn check_exists(
    connection: &Connection,
    target: &EntityType,
    id: &str,
    place: &str,
) -> Result<(), ApiError> {
    let table = Catalog::get().table(target.table);
    match Row::load(connection, table, &[id.to_owned()])? {
        Some(row) if may_stand_for(&row, target) => Ok(()),
        Some(_) => Err(ApiError::integrity(format!(
            "{place} refers to '{id}', which is no {}.",
            target.name
        ))),
        None => Err(missing(place, id)),
    }
}

fn missing(place: &str, id: &str) -> ApiError {
    ApiError::integrity(format!("{place} refers to '{id}', which does not exist."))
}

/// Returns whether ftrack keeps `row` where it keeps the rows of `target`.
///
/// It tells users from groups and projects from other contexts, but a shot may stand for a task.
fn may_stand_for(row: &Row, target: &EntityType) -> bool {
    let catalog = Catalog::get();
    let root = target
        .bases
        .last()
        .map_or(target, |id| catalog.type_by_id(*id));
    let actual = concrete_type(row, root);
    actual.is_abstract || actual.is_a(target.id) || actual.server_name == target.server_name
}

/// Guess: that ftrack minds; there, too, `parent_type` says where the parent is.
fn check_parent(
    connection: &Connection,
    entity_type: &EntityType,
    key: &[String],
) -> Result<(), ApiError> {
    let catalog = Catalog::get();
    let Some(row) = Row::load(connection, catalog.table(entity_type.table), key)? else {
        return Ok(());
    };
    let Some(id) = row.text("parent_id") else {
        return Ok(());
    };
    let told = row.text("parent_type");
    let (likely, others): (Vec<_>, Vec<_>) = catalog
        .types()
        .filter(|candidate| candidate.primary_key == ["id"])
        .partition(|candidate| Some(candidate.server_name.as_str()) == told);
    // Some clients tell another type than that of the parent.
    let mut tables: Vec<TableId> = Vec::new();
    for candidate in likely.into_iter().chain(others) {
        if tables.contains(&candidate.table) {
            continue;
        }
        tables.push(candidate.table);
        if has_row(connection, catalog.table(candidate.table), id)? {
            return Ok(());
        }
    }
    Err(missing(&format!("{}.parent_id", entity_type.name), id))
}

fn has_row(connection: &Connection, table: &Table, id: &str) -> Result<bool, ApiError> {
    let sql = format!(
        "select exists (select 1 from \"{}\" where id = ?1)",
        table.name
    );
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([id], |row| row.get(0))?)
}

fn check_unique(
    connection: &Connection,
    rule: &UniqueName,
    scope: SqlText,
    names: HashSet<String>,
) -> Result<(), ApiError> {
    let UniqueName { table, column, .. } = rule;
    let scope_column = if rule.scope.is_empty() {
        "null"
    } else {
        rule.scope
    };
    let sql = format!(
        "select \"{column}\" from \"{table}\" where {scope_column} is ?1 and \"{column}\" in rarray(?2) \
         group by \"{column}\" having count(*) > 1 limit 1"
    );
    let names = Rc::new(names.into_iter().map(SqlValue::Text).collect::<Vec<_>>());
    let twice: Option<String> = connection
        .prepare_cached(&sql)?
        .query_row((scope, names), |row| row.get(0))
        .optional()?;
    match twice {
        None => Ok(()),
        Some(name) => Err(ApiError::duplicate(format!(
            "Duplicate entry: a {} called '{name}' exists already.",
            rule.noun
        ))),
    }
}

/// A column whose values are ids of another table.
struct ForeignKey {
    column: &'static str,
    target: &'static EntityType,
    place: String,
}

static FOREIGN_KEYS: LazyLock<HashMap<TypeId, Vec<ForeignKey>>> = LazyLock::new(|| {
    let types = Catalog::get().types();
    types
        .map(|entity_type| (entity_type.id, foreign_keys(entity_type)))
        .collect()
});

fn foreign_keys(entity_type: &'static EntityType) -> Vec<ForeignKey> {
    let catalog = Catalog::get();
    let mut keys: Vec<ForeignKey> = Vec::new();
    for attribute in entity_type.attributes() {
        let AttributeKind::Reference {
            target,
            join: Join::Columns { pairs, .. },
        } = &attribute.kind
        else {
            continue;
        };
        let target = catalog.type_by_id(*target);
        if let [(column, far)] = pairs.as_slice()
            && catalog.table(target.table).primary_key == [far.as_str()]
            && !attribute.hidden
            && !keys.iter().any(|key| key.column == column)
        {
            let place = format!("{}.{}", entity_type.name, attribute.name);
            keys.push(ForeignKey {
                column,
                target,
                place,
            });
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_unique_exists() {
        for rule in UNIQUE {
            let table = Catalog::get().tables().find(|it| it.name == rule.table);
            let has = |column: &str| table.is_some_and(|table| table.column(column).is_some());
            assert!(
                has(rule.column),
                "there is no {}.{}",
                rule.table,
                rule.column
            );
            let has_scope = rule.scope.is_empty() || has(rule.scope);
            assert!(has_scope, "there is no {}.{}", rule.table, rule.scope);
        }
    }
}
