//! Turns queries into SQL.
//!
//! Names become columns and tables of the catalog or errors; every value becomes a bound parameter. What is selected is
//! the business of [`crate::encode`]: a plan says which rows there are and in which order.
//!
//! - `resolve`: names to attributes, types and relations
//! - `condition`, `comparison`, `relation`: what follows `where`
//! - `related_rows`: what belongs to many rows at once
//! - `aggregate`: `select count(id) ... group by`
//! - `computed`: what the server derives, by the names of the catalog
//! - `literal`: values of expressions to values of the database

mod aggregate;
mod comparison;
mod computed;
mod condition;
mod error;
mod literal;
mod related_rows;
mod relation;
pub(crate) mod resolve;
mod sql;

#[cfg(test)]
mod tests;

use ftrack_protocol::query::{Direction, OrderKey, Query, Segment};
use rusqlite::types::Value;

use crate::{
    schema::{AttributeKind, Catalog, DataType, EntityType, Join},
    semantics::computed_custom_attributes::{dense_values, owners_of_values},
};
use comparison::Operand;
use resolve::unsupported;

pub(crate) use aggregate::aggregate;
pub(crate) use computed::{
    ComputedRelation, computed_address, computed_column, computed_list, computed_relation,
};
pub use error::QueryError;
pub(crate) use related_rows::{near_columns, owner_columns, relation_rows};
pub(crate) use sql::{Alias, Sql, column_of};

/// Plans the rows that a query finds; `columns` is what the statement selects of them, under [`Alias::ROOT`].
///
/// One row more than the limit is asked for, so that the caller sees whether there are further rows. Custom attributes of
/// the `hidden` configurations are left out.
pub(crate) fn rows<'c>(
    catalog: &'c Catalog,
    query: &Query,
    columns: &str,
    hidden: &'c [String],
) -> Result<Sql, QueryError> {
    let scope = Scope {
        entity_type: resolve::entity_type(catalog, &query.entity_type)?,
        alias: Alias::ROOT,
    };
    let mut planner = Planner::new(catalog, format!("select {columns}")).hiding(hidden);
    let peeking = Query {
        limit: query.limit.map(|limit| limit.saturating_add(1)),
        projections: Vec::new(),
        ..query.clone()
    };
    planner.rows(scope, &peeking)?;
    Ok(planner.sql)
}

/// Plans the rows that have one of `keys`; keys of several values come one at a time.
pub(crate) fn rows_of(
    catalog: &Catalog,
    entity_type: &EntityType,
    keys: &[Vec<String>],
    columns: &str,
) -> Sql {
    let scope = Scope {
        entity_type,
        alias: Alias::ROOT,
    };
    let mut planner = Planner::new(catalog, format!("select {columns} from "));
    planner.from(scope);
    planner.sql.push(" where ");
    planner.filters(scope, &[]);
    for (position, column) in entity_type.primary_key.iter().enumerate() {
        let values = keys.iter().filter_map(|key| key.get(position));
        planner.sql.column(scope.alias, column).push(" in ");
        planner
            .sql
            .bind_list(values.cloned().map(Value::Text).collect());
        planner.sql.push(" and ");
    }
    planner.sql.push("1");
    planner.sql
}

/// The rows that a part of a statement is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'c> {
    entity_type: &'c EntityType,
    alias: Alias,
}

/// A statement under construction.
pub(crate) struct Planner<'c> {
    catalog: &'c Catalog,
    sql: Sql,
    /// How many relations lie around the place that is being written.
    depth: u32,
    /// The configurations of custom attributes that nothing is found of.
    hidden: &'c [String],
}

impl<'c> Planner<'c> {
    fn new(catalog: &'c Catalog, text: impl Into<String>) -> Self {
        Self {
            catalog,
            sql: Sql::new(text),
            depth: 0,
            hidden: &[],
        }
    }

    fn hiding(self, hidden: &'c [String]) -> Self {
        Self { hidden, ..self }
    }

    /// Writes everything after the selected columns.
    fn rows(&mut self, scope: Scope<'c>, query: &Query) -> Result<(), QueryError> {
        self.source(scope, query)?;
        self.order(scope, &query.order)?;
        self.page(query);
        Ok(())
    }

    /// Writes `from` and `where`.
    fn source(&mut self, scope: Scope<'c>, query: &Query) -> Result<(), QueryError> {
        self.sql.push(" from ");
        self.searched(scope);
        if let Some(criteria) = &query.criteria {
            return self.criterion(scope, criteria);
        }
        self.sql.push("1");
        Ok(())
    }

    /// Writes the rows that a query of a type looks at, and `where`.
    ///
    /// Whoever asks for the custom attributes of one kind of entity gets those that were never set as well, as in the
    /// collections of entities; `CustomAttributeValue`, which knows no kind, is what is stored.
    fn searched(&mut self, scope: Scope<'c>) {
        let table = &self.catalog.table(scope.entity_type.table).name;
        let Some(owners) = owners_of_values(table, &scope.entity_type.row_filter) else {
            self.from(scope);
            self.sql.push(" where ");
            return self.filters(scope, &[]);
        };
        self.sql.push("(").push(&dense_values(&owners));
        self.sql.push(&format!(") {} where ", scope.alias));
        self.hide(scope);
    }

    /// Writes the order, made total by the primary key: pages must not overlap.
    fn order(&mut self, scope: Scope<'c>, keys: &[OrderKey]) -> Result<(), QueryError> {
        self.sql.push(" order by ");
        for key in keys {
            self.scalar(scope, &key.path.segments)?;
            self.sql.push(match key.direction {
                Direction::Ascending => ", ",
                Direction::Descending => " desc, ",
            });
        }
        self.primary_key(scope);
        Ok(())
    }

    fn primary_key(&mut self, scope: Scope<'c>) {
        for (index, column) in scope.entity_type.primary_key.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            self.sql.push(separator).column(scope.alias, column);
        }
    }

    fn page(&mut self, query: &Query) {
        if query.limit.is_none() && query.offset.is_none() {
            return;
        }
        // A negative limit is none.
        self.sql
            .push(" limit ")
            .bind(query.limit.map_or(-1, saturating));
        if let Some(offset) = query.offset {
            self.sql.push(" offset ").bind(saturating(offset));
        }
    }

    /// Writes the value that a path of references leads to; null where a reference is.
    fn scalar(&mut self, scope: Scope<'c>, path: &[Segment]) -> Result<DataType, QueryError> {
        match path {
            [] => {
                self.sql.push("null");
                Ok(DataType::Text)
            }
            [last] => {
                let operand = self.operand(scope, last)?;
                self.sql.push(&operand.text);
                Ok(operand.data_type)
            }
            [first, rest @ ..] => self.scalar_of_reference(scope, first, rest),
        }
    }

    fn scalar_of_reference(
        &mut self,
        outer: Scope<'c>,
        first: &Segment,
        rest: &[Segment],
    ) -> Result<DataType, QueryError> {
        let relation = resolve::relation(self.catalog, outer.entity_type, first)?;
        let (Join::Columns { pairs, filter }, false) = (relation.join, relation.is_collection)
        else {
            let problem = "leads to several entities and has no single value";
            return Err(unsupported(outer.entity_type, &first.name, problem));
        };
        let scope = Scope {
            entity_type: relation.target,
            alias: self.sql.alias(),
        };
        self.sql.push("(select ");
        let data_type = self.scalar(scope, rest)?;
        self.sql.push(" from ");
        self.from(scope);
        self.sql.push(" where ");
        self.filters(scope, filter);
        for (index, (near, far)) in pairs.iter().enumerate() {
            self.sql.push(if index == 0 { "" } else { " and " });
            self.sql.column(scope.alias, far).push(" = ");
            self.sql.column(outer.alias, near);
        }
        self.sql.push(")");
        if data_type == DataType::Text {
            // The result of a query has no collation of its own.
            self.sql.push(" collate nocase");
        }
        Ok(data_type)
    }

    /// Returns what a comparison or a sort sees of an attribute: of a reference, the key.
    fn operand(&self, scope: Scope<'c>, last: &Segment) -> Result<Operand, QueryError> {
        let attribute = resolve::attribute(self.catalog, scope.entity_type, &last.name)?;
        let operand = |text, data_type| Operand {
            text,
            data_type,
            is_entity_type_name: attribute.is_entity_type_name,
        };
        match &attribute.kind {
            AttributeKind::Column { column, data_type } => {
                Ok(operand(column_of(scope.alias, column), *data_type))
            }
            AttributeKind::Computed {
                function,
                data_type,
            } => computed_column(function, scope.alias)
                .map(|text| operand(text, *data_type))
                .ok_or_else(|| {
                    let problem = "is derived, and cannot be compared or sorted by";
                    unsupported(scope.entity_type, &last.name, problem)
                }),
            AttributeKind::Reference {
                join: Join::Columns { pairs, .. },
                ..
            } if pairs.len() == 1 => {
                Ok(operand(column_of(scope.alias, &pairs[0].0), DataType::Text))
            }
            AttributeKind::Reference { .. } | AttributeKind::Collection { .. } => {
                let problem = "holds entities; compare one of their attributes";
                Err(unsupported(scope.entity_type, &last.name, problem))
            }
        }
    }
}

fn saturating(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
