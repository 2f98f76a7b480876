//! Derives the tables: one for each hierarchy of types, with the columns of all of them, and one for each link.

use std::{cmp::Reverse, collections::HashMap};

use super::{
    catalog::{Column, DataType, Table, TableId},
    declaration::{AttributeDeclaration, DeclaredKind, LinkDeclaration},
    error::{Problem, SourceError},
    inherit::CompleteType,
};

/// The tables and their names.
#[derive(Debug, Default)]
pub(super) struct Tables {
    tables: Vec<Table>,
    index: HashMap<String, TableId>,
}

impl Tables {
    /// Derives the tables of `types` and `links`, without the indexes that relations ask for.
    pub(super) fn derive(
        types: &[CompleteType<'_>],
        links: &[LinkDeclaration],
    ) -> Result<Self, SourceError> {
        let mut tables = Self::default();
        for complete in types {
            let id = tables.id_or_insert(&complete.table, &complete.key);
            let table = &mut tables.tables[id.0];
            for attribute in &complete.attributes {
                add_column(table, attribute).map_err(|problem| attribute.origin.error(problem))?;
            }
            for index in &complete.declaration.indexes {
                table.indexes.push(index.clone());
            }
        }
        for link in links {
            let id = tables.id_or_insert(&link.name, &link.columns);
            tables.tables[id.0].columns =
                link.columns.iter().map(|name| link_column(name)).collect();
        }
        Ok(tables)
    }

    pub(super) fn id(&self, name: &str) -> Result<TableId, Problem> {
        self.index
            .get(name)
            .copied()
            .ok_or_else(|| Problem::UnknownTable {
                name: name.to_owned(),
            })
    }

    /// Checks that the table has this column.
    pub(super) fn check_column(&self, id: TableId, column: &str) -> Result<(), Problem> {
        let table = &self.tables[id.0];
        match table.column(column) {
            Some(_) => Ok(()),
            None => Err(Problem::UnknownColumn {
                table: table.name.clone(),
                column: column.to_owned(),
            }),
        }
    }

    /// Wants rows of the table to be found quickly by these columns.
    pub(super) fn add_index(&mut self, id: TableId, columns: Vec<String>) {
        self.tables[id.0].indexes.push(columns);
    }

    /// Returns the tables, without indexes that another index or the primary key makes superfluous.
    pub(super) fn finish(mut self) -> Vec<Table> {
        for table in &mut self.tables {
            let mut kept: Vec<Vec<String>> = Vec::new();
            table.indexes.sort_by_key(|index| Reverse(index.len()));
            for index in table.indexes.drain(..) {
                let covered = table.primary_key.starts_with(&index)
                    || kept.iter().any(|other| other.starts_with(&index));
                if !covered {
                    kept.push(index);
                }
            }
            table.indexes = kept;
        }
        self.tables
    }

    fn id_or_insert(&mut self, name: &str, key: &[String]) -> TableId {
        if let Some(id) = self.index.get(name) {
            return *id;
        }
        let id = TableId(self.tables.len());
        self.index.insert(name.to_owned(), id);
        self.tables.push(Table {
            id,
            name: name.to_owned(),
            columns: Vec::new(),
            primary_key: key.to_vec(),
            indexes: Vec::new(),
        });
        id
    }
}

fn add_column(table: &mut Table, attribute: &AttributeDeclaration) -> Result<(), Problem> {
    let DeclaredKind::Value(value) = &attribute.kind else {
        return Ok(());
    };
    if value.function.is_some() {
        return Ok(());
    }
    let name = value.column.as_ref().unwrap_or(&attribute.name);
    if let Some(column) = table.column(name) {
        return if column.data_type == value.data_type {
            Ok(())
        } else {
            Err(Problem::ConflictingColumn {
                column: name.clone(),
            })
        };
    }
    let is_identifier =
        value.data_type == DataType::Text && (name == "id" || name.ends_with("_id"));
    if value.foreign_key.is_some() {
        table.indexes.push(vec![name.clone()]);
    }
    table.columns.push(Column {
        name: name.clone(),
        data_type: value.data_type,
        is_identifier,
    });
    Ok(())
}

fn link_column(name: &str) -> Column {
    Column {
        name: name.to_owned(),
        data_type: DataType::Text,
        is_identifier: true,
    }
}
