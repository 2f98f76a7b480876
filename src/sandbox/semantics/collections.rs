//! Replaces the members of a collection: what is not in the new list leaves, what is new joins.

use std::collections::{BTreeMap, HashSet};

use ftrack_protocol::{EntityData, Value};
use rusqlite::{params_from_iter, types::Value as SqlValue};

use crate::{
    error::ApiError,
    schema::{Attribute, AttributeKind, Catalog, EntityType, Join, Table, TableId, TypeId},
};

use super::{
    cascades, create, custom_attributes, delete, entity_type_name,
    row::Row,
    unit_of_work::{Change, ChangeAction, UnitOfWork, decode_key, entity_name},
    update::{self, ChangedEntity},
};

/// A member that was named before it was created.
#[derive(Debug, Clone)]
pub struct Attachment {
    target: TypeId,
    key: Vec<String>,
    /// The columns that make the row a member.
    columns: Vec<(&'static str, SqlValue)>,
    /// The collection, as error messages name it.
    place: String,
}

/// Replaces the members of all `collections` of the entity in `owner`.
pub(super) fn replace_all(
    work: &mut UnitOfWork<'_>,
    owner_type: &'static EntityType,
    owner: &Row,
    collections: &[(&'static Attribute, Vec<EntityData>)],
) -> Result<(), ApiError> {
    for (attribute, members) in collections {
        let AttributeKind::Collection { target, join, .. } = &attribute.kind else {
            continue;
        };
        let collection = Collection {
            owner_type,
            owner,
            attribute,
            target: *target,
        };
        match join {
            Join::Columns { pairs, filter } => {
                collection.replace_rows(work, pairs, filter, members)?;
            }
            Join::Through { table, near, far } => {
                collection.replace_links(work, *table, near, far, members)?;
            }
            Join::Computed { relation } if relation == "custom_attributes" => {
                custom_attributes::set_all(work, owner, members)?;
            }
            Join::Computed { .. } => {
                return Err(ApiError::validation(format!(
                    "{} is derived by the server and cannot be set.",
                    collection.place()
                )));
            }
        }
    }
    Ok(())
}

/// Attaches the members that were created later in the batch than the collection that names them.
pub(super) fn attach_late(work: &mut UnitOfWork<'_>) -> Result<(), ApiError> {
    for attachment in std::mem::take(&mut work.attachments) {
        let missing = format!(
            "{} names {}, which does not exist.",
            attachment.place,
            entity_name(
                Catalog::get().type_by_id(attachment.target),
                &attachment.key
            )
        );
        if !attach(work, &attachment)? {
            return Err(ApiError::integrity(missing));
        }
    }
    Ok(())
}

struct Collection<'a> {
    owner_type: &'static EntityType,
    owner: &'a Row,
    attribute: &'static Attribute,
    target: TypeId,
}

impl Collection<'_> {
    fn place(&self) -> String {
        format!("{}.{}", self.owner_type.name, self.attribute.name)
    }

    /// Members that hold the key of their owner themselves.
    fn replace_rows(
        &self,
        work: &mut UnitOfWork<'_>,
        pairs: &'static [(String, String)],
        filter: &'static [(String, String)],
        members: &[EntityData],
    ) -> Result<(), ApiError> {
        let target = Catalog::get().type_by_id(self.target);
        let table = Catalog::get().table(target.table);
        let columns = self.member_columns(table, pairs, filter);
        let keys = member_keys(target, members)?;
        let current = keys_where(work, table, &columns)?;
        let wanted: HashSet<&Vec<String>> = keys.iter().collect();
        for key in current.iter().filter(|key| !wanted.contains(key)) {
            detach(work, target, table, key, &columns)?;
        }
        for key in keys {
            let attachment = Attachment {
                target: self.target,
                key,
                columns: columns.clone(),
                place: self.place(),
            };
            if !attach(work, &attachment)? {
                work.attachments.push(attachment);
            }
        }
        Ok(())
    }

    fn member_columns(
        &self,
        table: &Table,
        pairs: &'static [(String, String)],
        filter: &'static [(String, String)],
    ) -> Vec<(&'static str, SqlValue)> {
        let keys = pairs
            .iter()
            .map(|(near, far)| (far.as_str(), self.owner.get(near).clone()));
        let fixed = filter
            .iter()
            .map(|(column, value)| (column.as_str(), SqlValue::Text(value.clone())));
        let mut columns: Vec<_> = keys.chain(fixed).collect();
        // Notes and metadata hang on anything, and so say on what.
        if table.column("parent_type").is_some() && pairs.iter().any(|(_, far)| far == "parent_id")
        {
            let name = entity_type_name::server_name(self.owner_type);
            columns.push(("parent_type", SqlValue::Text(name)));
        }
        columns
    }

    /// Members that rows of another table link to the owner.
    fn replace_links(
        &self,
        work: &mut UnitOfWork<'_>,
        link: TableId,
        near: &'static [(String, String)],
        far: &'static [(String, String)],
        members: &[EntityData],
    ) -> Result<(), ApiError> {
        let target = Catalog::get().type_by_id(self.target);
        let ([(owner_key, owner_column)], [(member_column, _)]) = (near, far) else {
            return Err(ApiError::internal(format!(
                "{} has an unknown link",
                self.place()
            )));
        };
        let links = Links {
            table: Catalog::get().table(link),
            entity_type: Catalog::get().types().find(|known| known.table == link),
            owner_column,
            owner: self.owner.get(owner_key),
            member_column,
        };
        let current = links.current(work)?;
        let wanted = member_keys(target, members)?.into_iter().flatten();
        let wanted: Vec<String> = wanted.collect();
        let kept: HashSet<&String> = wanted.iter().collect();
        let left: Vec<_> = current
            .iter()
            .filter(|(member, _)| !kept.contains(member))
            .flat_map(|(_, keys)| keys.clone())
            .collect();
        let joined: Vec<_> = wanted
            .iter()
            .filter(|member| !current.contains_key(*member))
            .collect();
        if links.entity_type.is_none() && !(left.is_empty() && joined.is_empty()) {
            self.announce(work);
        }
        links.remove(work, left)?;
        for member in joined {
            work.checks.refers(&self.place(), target, member);
            links.add(work, member)?;
        }
        Ok(())
    }

    /// Guess: where links are no entities themselves, it is the owner that has changed.
    fn announce(&self, work: &mut UnitOfWork<'_>) {
        work.changes.push(Change {
            action: ChangeAction::Update,
            entity_type: self.owner_type.id,
            key: self.owner.key(),
            columns: Vec::new(),
        });
    }
}

/// The rows that link the members of a collection to their owner.
struct Links<'a> {
    table: &'static Table,
    /// The type that clients know the rows by, if any.
    entity_type: Option<&'static EntityType>,
    owner_column: &'static str,
    owner: &'a SqlValue,
    member_column: &'static str,
}

impl Links<'_> {
    /// Returns the keys of the rows by member.
    fn current(
        &self,
        work: &UnitOfWork<'_>,
    ) -> Result<BTreeMap<String, Vec<Vec<String>>>, ApiError> {
        let sql = format!(
            "select \"{}\", \"{}\" from \"{}\" where \"{}\" = ?1",
            self.member_column,
            self.table.primary_key.join("\", \""),
            self.table.name,
            self.owner_column
        );
        let width = self.table.primary_key.len();
        let mut statement = work.connection.prepare_cached(&sql)?;
        let mut rows = statement.query([self.owner])?;
        let mut current: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let key: rusqlite::Result<_> = (1..=width).map(|index| row.get(index)).collect();
            current.entry(row.get(0)?).or_default().push(key?);
        }
        Ok(current)
    }

    fn remove(&self, work: &mut UnitOfWork<'_>, keys: Vec<Vec<String>>) -> Result<(), ApiError> {
        let Some(entity_type) = self.entity_type else {
            return cascades::remove_rows(work, self.table, keys);
        };
        for key in keys {
            if let Some((row, entity_type)) = work.load(entity_type, &key)? {
                delete::remove(work, entity_type, &row)?;
            }
        }
        Ok(())
    }

    fn add(&self, work: &mut UnitOfWork<'_>, member: &str) -> Result<(), ApiError> {
        let mut row = Row::new(self.table);
        row.set(self.owner_column, self.owner.clone());
        row.set(self.member_column, member.to_owned());
        if let Some(entity_type) = self.entity_type {
            return create::add(work, entity_type, row);
        }
        // It is there again, and may go again.
        work.removed.remove(&(self.table.id, row.key()));
        Ok(row.insert(work.connection)?)
    }
}

fn attach(work: &mut UnitOfWork<'_>, attachment: &Attachment) -> Result<bool, ApiError> {
    let target = Catalog::get().type_by_id(attachment.target);
    let Some((old, entity_type)) = work.load(target, &attachment.key)? else {
        return Ok(false);
    };
    let mut row = old.clone();
    for (column, value) in &attachment.columns {
        row.set(column, value.clone());
    }
    update::store(
        work,
        ChangedEntity {
            entity_type,
            old,
            row,
        },
    )?;
    Ok(true)
}

/// A member that cannot be without its owner is deleted, another one is let go.
fn detach(
    work: &mut UnitOfWork<'_>,
    target: &'static EntityType,
    table: &Table,
    key: &[String],
    columns: &[(&'static str, SqlValue)],
) -> Result<(), ApiError> {
    let Some((old, entity_type)) = work.load(target, key)? else {
        return Ok(());
    };
    let (owner_column, _) = &columns[0];
    let required = entity_type
        .attribute(owner_column)
        .is_some_and(|attribute| attribute.required);
    if required
        || table
            .primary_key
            .iter()
            .any(|column| column == owner_column)
    {
        return delete::remove(work, entity_type, &old);
    }
    let mut row = old.clone();
    row.set(owner_column, SqlValue::Null);
    update::store(
        work,
        ChangedEntity {
            entity_type,
            old,
            row,
        },
    )?;
    Ok(())
}

/// Returns the keys of the members, each once.
fn member_keys(target: &EntityType, members: &[EntityData]) -> Result<Vec<Vec<String>>, ApiError> {
    let key = |member: &EntityData| {
        let names = target.primary_key.iter();
        let values: Vec<Value> = names
            .map(|name| member.get(name).cloned().unwrap_or_default())
            .collect();
        decode_key(target, &values)
    };
    let mut keys: Vec<_> = members.iter().map(key).collect::<Result<_, _>>()?;
    let mut known = HashSet::new();
    keys.retain(|key| known.insert(key.clone()));
    Ok(keys)
}

fn keys_where(
    work: &UnitOfWork<'_>,
    table: &Table,
    columns: &[(&'static str, SqlValue)],
) -> Result<HashSet<Vec<String>>, ApiError> {
    let conditions: Vec<String> = columns
        .iter()
        .filter(|(column, _)| *column != "parent_type")
        .enumerate()
        .map(|(index, (column, _))| format!("\"{column}\" = ?{}", index + 1))
        .collect();
    let sql = format!(
        "select \"{}\" from \"{}\" where {}",
        table.primary_key.join("\", \""),
        table.name,
        conditions.join(" and ")
    );
    let values = columns
        .iter()
        .filter(|(column, _)| *column != "parent_type")
        .map(|(_, value)| value);
    let width = table.primary_key.len();
    let mut statement = work.connection.prepare_cached(&sql)?;
    let keys = statement.query_map(params_from_iter(values), |row| {
        (0..width).map(|index| row.get(index)).collect()
    })?;
    Ok(keys.collect::<rusqlite::Result<_>>()?)
}
