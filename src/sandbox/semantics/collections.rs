//! Replaces the members of a collection: what is not in the new list leaves, what is new joins.

use std::collections::HashSet;

use ftrack_protocol::{EntityData, Value};
use rusqlite::{params_from_iter, types::Value as SqlValue};
use uuid::Uuid;

use crate::{
    error::ApiError,
    schema::{Attribute, AttributeKind, Catalog, EntityType, Join, Table, TableId, TypeId},
};

use super::{
    custom_attributes, delete, entity_type_name,
    row::Row,
    unit_of_work::{UnitOfWork, decode_key, entity_name},
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
            Join::Through {
                table, near, far, ..
            } => {
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
        for key in current.iter().filter(|key| !keys.contains(*key)) {
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
        let table = Catalog::get().table(link);
        let ([(owner_key, owner_column)], [(member_column, _)]) = (near, far) else {
            return Err(ApiError::internal(format!(
                "{} has an unknown link",
                self.place()
            )));
        };
        let owner = self.owner.get(owner_key).clone();
        let keys = member_keys(target, members)?;
        let sql = format!(
            "select \"{member_column}\" from \"{}\" where \"{owner_column}\" = ?1",
            table.name
        );
        let current: HashSet<String> = work
            .connection
            .prepare_cached(&sql)?
            .query_map([&owner], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let wanted: HashSet<String> = keys.into_iter().flatten().collect();
        let remove = format!(
            "delete from \"{}\" where \"{owner_column}\" = ?1 and \"{member_column}\" = ?2",
            table.name
        );
        for member in current.difference(&wanted) {
            let member = SqlValue::Text(member.clone());
            work.connection
                .prepare_cached(&remove)?
                .execute([&owner, &member])?;
        }
        for member in wanted.difference(&current) {
            work.checks.refers(&self.place(), target, member);
            let mut row = Row::new(table);
            row.set("id", Uuid::new_v4().to_string());
            row.set(owner_column, owner.clone());
            row.set(member_column, member.clone());
            row.insert(work.connection)?;
        }
        Ok(())
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

fn member_keys(target: &EntityType, members: &[EntityData]) -> Result<Vec<Vec<String>>, ApiError> {
    let key = |member: &EntityData| {
        let names = target.primary_key.iter();
        let values: Vec<Value> = names
            .map(|name| member.get(name).cloned().unwrap_or_default())
            .collect();
        decode_key(target, &values)
    };
    members.iter().map(key).collect()
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
