//! Queries that count, sum and group instead of loading entities.

use ftrack_protocol::query::{Function, Path, Projection, Query};

use super::{Alias, Planner, QueryError, Scope, Sql, resolve};
use crate::schema::{Catalog, DataType};

/// A statement whose rows are groups.
#[derive(Debug)]
pub(crate) struct Aggregate {
    /// The statement.
    pub sql: Sql,
    /// The key and the type of each column.
    pub columns: Vec<(String, DataType)>,
}

/// Plans a query with aggregates or `group by`.
///
/// The groups' own values are part of every row, selected or not, as in the documentation of ftrack.
pub(crate) fn aggregate<'c>(
    catalog: &'c Catalog,
    query: &Query,
    hidden: &'c [String],
) -> Result<Aggregate, QueryError> {
    let entity_type = resolve::entity_type(catalog, &query.entity_type)?;
    let refuse = |reason| QueryError::Grouping {
        entity_type: entity_type.name.clone(),
        reason,
    };
    if !entity_type.group_by {
        return Err(refuse("its rows are not open to grouping"));
    }
    if !query.order.is_empty() {
        return Err(refuse("groups cannot be ordered"));
    }
    let scope = Scope {
        entity_type,
        alias: Alias::ROOT,
    };
    let mut grouping = Grouping {
        planner: Planner::new(catalog, "select ").hiding(hidden),
        columns: Vec::new(),
    };
    for projection in &query.projections {
        match projection {
            Projection::Aggregate(function, path) => grouping.function(scope, *function, path)?,
            Projection::Attribute(path) if query.group_by.contains(path) => {}
            Projection::Attribute(_) => {
                return Err(refuse("what is selected must be grouped by or aggregated"));
            }
        }
    }
    grouping.finish(scope, query)
}

struct Grouping<'c> {
    planner: Planner<'c>,
    columns: Vec<(String, DataType)>,
}

impl<'c> Grouping<'c> {
    fn function(
        &mut self,
        scope: Scope<'c>,
        function: Function,
        path: &Path,
    ) -> Result<(), QueryError> {
        self.separate();
        self.planner.sql.push(function.keyword()).push("(");
        let data_type = self.planner.scalar(scope, &path.segments)?;
        self.planner.sql.push(")");
        let data_type = match function {
            Function::Count => DataType::Integer,
            Function::Sum | Function::Avg => DataType::Float,
            Function::Min | Function::Max => data_type,
        };
        let key = format!("{function}_{}", key_of(path));
        self.columns.push((key, data_type));
        Ok(())
    }

    fn finish(mut self, scope: Scope<'c>, query: &Query) -> Result<Aggregate, QueryError> {
        for path in &query.group_by {
            self.separate();
            let data_type = self.planner.scalar(scope, &path.segments)?;
            self.columns.push((key_of(path), data_type));
        }
        self.planner.source(scope, query)?;
        let groups = query.group_by.len();
        if groups > 0 {
            // By position: the values are the last columns selected.
            let first = self.columns.len() - groups;
            let positions: Vec<String> = (first..first + groups)
                .map(|index| (index + 1).to_string())
                .collect();
            let positions = positions.join(", ");
            self.planner
                .sql
                .push(&format!(" group by {positions} order by {positions}"));
        }
        self.planner.page(&Query {
            limit: query.limit.map(|limit| limit.saturating_add(1)),
            ..query.clone()
        });
        Ok(Aggregate {
            sql: self.planner.sql,
            columns: self.columns,
        })
    }

    fn separate(&mut self) {
        if !self.columns.is_empty() {
            self.planner.sql.push(", ");
        }
    }
}

/// Guess: the key of a dotted path; those of plain attributes are documented.
fn key_of(path: &Path) -> String {
    path.to_string().replace('.', "_")
}
