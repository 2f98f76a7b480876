//! Resolves relations to the columns by which rows find each other.

use std::collections::HashMap;

use super::{
    catalog::{AttributeKind, Join, MappedKeys, TableId, TypeId},
    declaration::{ColumnPair, DeclaredRelation, Mapping, Path},
    error::Problem,
    inherit::CompleteType,
    tables::Tables,
};

/// What relations refer to: types and tables by name.
pub(super) struct Relations<'a> {
    pub complete: &'a [CompleteType<'a>],
    pub type_index: HashMap<String, TypeId>,
    pub tables: Tables,
}

impl Relations<'_> {
    /// Resolves a relation of the type `owner`, and asks for the indexes that make it fast.
    pub(super) fn resolve(
        &mut self,
        owner: TypeId,
        relation: &DeclaredRelation,
    ) -> Result<AttributeKind, Problem> {
        let target = self.type_id(&relation.target)?;
        if let Some(shown) = &relation.shown {
            self.type_id(shown)?;
        }
        let join = match &relation.path {
            Path::Code(name) => Join::Computed {
                relation: name.clone(),
            },
            Path::By { columns, filter } => {
                self.join_columns(owner, target, relation.is_collection, columns, filter)?
            }
            Path::Through { table, near, far } => {
                self.join_through(owner, target, table, near, far)?
            }
        };
        if !relation.is_collection {
            return Ok(AttributeKind::Reference { target, join });
        }
        let mapped = match &relation.mapping {
            Mapping::Keyed { key, value } => {
                let target = &self.complete[target.0];
                target.check_attribute(key)?;
                target.check_attribute(value)?;
                let (key, value) = (key.clone(), value.clone());
                Some(MappedKeys { key, value })
            }
            Mapping::None | Mapping::Unkeyed => None,
        };
        Ok(AttributeKind::Collection {
            target,
            join,
            mapped,
        })
    }

    fn join_columns(
        &mut self,
        owner: TypeId,
        target: TypeId,
        is_collection: bool,
        columns: &[ColumnPair],
        filter: &[(String, String)],
    ) -> Result<Join, Problem> {
        let mut pairs = Vec::with_capacity(columns.len());
        for column in columns {
            pairs.push(match column {
                ColumnPair::Explicit(near, far) => (near.clone(), far.clone()),
                ColumnPair::Implied(far) if is_collection => (self.single_key(owner)?, far.clone()),
                ColumnPair::Implied(near) => (near.clone(), self.single_key(target)?),
            });
        }
        let (here, there) = (self.table_of(owner)?, self.table_of(target)?);
        for (near, far) in &pairs {
            self.tables.check_column(here, near)?;
            self.tables.check_column(there, far)?;
        }
        for (column, _) in filter {
            self.tables.check_column(there, column)?;
        }
        let (near, far) = pairs.iter().cloned().unzip();
        self.tables.add_index(here, near);
        self.tables.add_index(there, far);
        Ok(Join::Columns {
            pairs,
            filter: filter.to_vec(),
        })
    }

    fn join_through(
        &mut self,
        owner: TypeId,
        target: TypeId,
        table: &str,
        near: &str,
        far: &str,
    ) -> Result<Join, Problem> {
        let table = self.tables.id(table)?;
        for column in [near, far] {
            self.tables.check_column(table, column)?;
            self.tables.add_index(table, vec![column.to_owned()]);
        }
        Ok(Join::Through {
            table,
            near: vec![(self.single_key(owner)?, near.to_owned())],
            far: vec![(far.to_owned(), self.single_key(target)?)],
        })
    }

    fn type_id(&self, name: &str) -> Result<TypeId, Problem> {
        self.type_index
            .get(name)
            .copied()
            .ok_or_else(|| Problem::UnknownType {
                name: name.to_owned(),
            })
    }

    fn table_of(&self, id: TypeId) -> Result<TableId, Problem> {
        self.tables.id(&self.complete[id.0].table)
    }

    fn single_key(&self, id: TypeId) -> Result<String, Problem> {
        let complete = &self.complete[id.0];
        match complete.key.as_slice() {
            [column] => Ok(column.clone()),
            _ => Err(Problem::CompositeKey {
                name: complete.declaration.name.clone(),
            }),
        }
    }
}
