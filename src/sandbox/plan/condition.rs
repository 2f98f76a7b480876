//! Criteria as SQL conditions.

use ftrack_protocol::query::{
    Criterion, Members, Operator, Path, Projection, Query, Segment, Value as Literal,
};

use super::{
    Planner, Scope,
    comparison::Operand,
    computed::forwarded_column,
    error::QueryError,
    literal,
    resolve::{self, unsupported},
};
use crate::schema::{Attribute, AttributeKind, DataType, EntityType, Join};

/// Writes the rest of a condition about rows that a relation leads to.
pub(super) type Inner<'p, 'c> =
    &'p mut dyn FnMut(&mut Planner<'c>, Scope<'c>) -> Result<(), QueryError>;

impl<'c> Planner<'c> {
    /// Writes a criterion about the rows of `scope`.
    pub(super) fn criterion(
        &mut self,
        scope: Scope<'c>,
        criterion: &Criterion,
    ) -> Result<(), QueryError> {
        match criterion {
            Criterion::And(operands) => self.chain(scope, operands, " and "),
            Criterion::Or(operands) => self.chain(scope, operands, " or "),
            Criterion::Not(operand) => {
                self.sql.push("not (");
                self.criterion(scope, operand)?;
                self.sql.push(")");
                Ok(())
            }
            Criterion::Compare {
                path,
                operator,
                value,
            } => self.at_end_of(scope, path, &mut |planner, scope, last| {
                planner.compare(scope, last, *operator, value)
            }),
            Criterion::In {
                path,
                negated,
                members,
            } => self.at_end_of(scope, path, &mut |planner, scope, last| {
                planner.membership(scope, last, *negated, members)
            }),
            Criterion::Related {
                path, criterion, ..
            } => match criterion {
                None => self.exists(scope, &path.segments),
                Some(criterion) => self.through(scope, &path.segments, &mut |planner, scope| {
                    planner.criterion(scope, criterion)
                }),
            },
        }
    }

    /// Writes operands as a balanced tree: SQLite limits how deep expressions nest, not how many there are.
    fn chain(
        &mut self,
        scope: Scope<'c>,
        operands: &[Criterion],
        word: &str,
    ) -> Result<(), QueryError> {
        if let [operand] = operands {
            return self.criterion(scope, operand);
        }
        let (left, right) = operands.split_at(operands.len() / 2);
        self.sql.push("(");
        self.chain(scope, left, word)?;
        self.sql.push(word);
        self.chain(scope, right, word)?;
        self.sql.push(")");
        Ok(())
    }

    /// Follows all of a path but its last step, about which `inner` writes.
    fn at_end_of(
        &mut self,
        scope: Scope<'c>,
        path: &Path,
        inner: &mut dyn FnMut(&mut Self, Scope<'c>, &Segment) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        // The parser gives no path without a segment; one made by hand matches nothing.
        let Some((last, relations)) = path.segments.split_last() else {
            self.sql.push("0");
            return Ok(());
        };
        self.through(scope, relations, &mut |planner, scope| {
            let attribute = resolve::attribute(planner.catalog, scope.entity_type, &last.name)?;
            let Some((relation, name)) = forwarded(attribute) else {
                return inner(planner, scope, last);
            };
            planner.through(scope, &[step(relation)], &mut |planner, scope| {
                inner(planner, scope, &step(name))
            })
        })
    }

    /// Follows relations: there must be related rows that fulfil what `inner` writes.
    fn through(
        &mut self,
        scope: Scope<'c>,
        relations: &[Segment],
        inner: Inner<'_, 'c>,
    ) -> Result<(), QueryError> {
        let Some((first, rest)) = relations.split_first() else {
            return inner(self, scope);
        };
        let relation = resolve::relation(self.catalog, scope.entity_type, first)?;
        self.related(scope, &relation, &mut |planner, scope| {
            planner.through(scope, rest, inner)
        })
    }

    /// Requires that a path leads to any row at all.
    fn exists(&mut self, scope: Scope<'c>, relations: &[Segment]) -> Result<(), QueryError> {
        let Some((last, rest)) = relations.split_last() else {
            self.sql.push("1");
            return Ok(());
        };
        self.through(scope, rest, &mut |planner, scope| {
            let relation = resolve::relation(planner.catalog, scope.entity_type, last)?;
            planner.related_exists(scope, &relation)
        })
    }

    fn compare(
        &mut self,
        scope: Scope<'c>,
        last: &Segment,
        operator: Operator,
        value: &Literal,
    ) -> Result<(), QueryError> {
        if *value == Literal::None {
            return self.compare_none(scope, last, operator);
        }
        let operand = self.operand(scope, last)?;
        self.comparison(&operand, operator, value)
            .map_err(|expected| unfit(scope.entity_type, last, value, expected))
    }

    fn compare_none(
        &mut self,
        scope: Scope<'c>,
        last: &Segment,
        operator: Operator,
    ) -> Result<(), QueryError> {
        let is_none = match operator {
            Operator::Is => true,
            Operator::IsNot => false,
            _ => {
                let problem = "can only be compared with None by `is` and `is_not`";
                return Err(unsupported(scope.entity_type, &last.name, problem));
            }
        };
        if self.has_value_column(scope.entity_type, last)? {
            let operand = self.operand(scope, last)?;
            let test = if is_none { " is null" } else { " is not null" };
            self.sql.push(&operand.text).push(test);
            return Ok(());
        }
        self.sql.push(if is_none { "not (" } else { "(" });
        self.exists(scope, std::slice::from_ref(last))?;
        self.sql.push(")");
        Ok(())
    }

    /// Tells attributes with a column of their own from relations that are known by their rows only.
    fn has_value_column(
        &self,
        entity_type: &'c EntityType,
        last: &Segment,
    ) -> Result<bool, QueryError> {
        let attribute = resolve::attribute(self.catalog, entity_type, &last.name)?;
        Ok(match &attribute.kind {
            AttributeKind::Column { .. } | AttributeKind::Computed { .. } => true,
            AttributeKind::Reference { join, .. } => {
                matches!(join, Join::Columns { pairs, .. } if pairs.len() == 1)
            }
            AttributeKind::Collection { .. } => false,
        })
    }

    fn membership(
        &mut self,
        scope: Scope<'c>,
        last: &Segment,
        negated: bool,
        members: &Members,
    ) -> Result<(), QueryError> {
        let operand = self.operand(scope, last)?;
        self.sql.push(if negated { "not (" } else { "(" });
        match members {
            Members::Subquery(query) => {
                self.sql.push(&operand.text).push(" in ");
                self.subquery(query)?;
            }
            Members::Values(values) => {
                let literals: Vec<&Literal> = values
                    .iter()
                    .filter(|value| **value != Literal::None)
                    .collect();
                self.one_of(&operand, &literals)
                    .map_err(|(literal, expected)| {
                        unfit(scope.entity_type, last, literal, expected)
                    })?;
                if literals.len() < values.len() {
                    self.sql.push(" or ").push(&operand.text).push(" is null");
                }
            }
        }
        self.sql.push(")");
        Ok(())
    }

    /// Requires one of several values; fails with the one that does not fit and the words for what would.
    fn one_of<'l>(
        &mut self,
        operand: &Operand,
        literals: &[&'l Literal],
    ) -> Result<(), (&'l Literal, &'static str)> {
        if operand.data_type == DataType::Variable {
            self.variable_membership(&operand.text, literals);
            return Ok(());
        }
        let stored = literals
            .iter()
            .map(|literal| {
                self.operand_value(operand, literal)
                    .map_err(|expected| (*literal, expected))
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.sql.push(&operand.text).push(" in ").bind_list(stored);
        Ok(())
    }

    /// Writes the query of `in (select ...)`, which selects one value.
    fn subquery(&mut self, query: &Query) -> Result<(), QueryError> {
        let entity_type = resolve::entity_type(self.catalog, &query.entity_type)?;
        let [Projection::Attribute(path)] = query.projections.as_slice() else {
            return Err(QueryError::Grouping {
                entity_type: entity_type.name.clone(),
                reason: "a query inside `in (...)` selects exactly one attribute",
            });
        };
        let alias = self.sql.alias();
        let scope = Scope { entity_type, alias };
        self.sql.push("(select ");
        self.scalar(scope, &path.segments)?;
        self.rows(scope, query)?;
        self.sql.push(")");
        Ok(())
    }
}

/// Returns the relation and the attribute behind it that a derived attribute repeats: conditions on them use an index.
fn forwarded(attribute: &Attribute) -> Option<(&'static str, &'static str)> {
    match &attribute.kind {
        AttributeKind::Computed { function, .. } => forwarded_column(function),
        _ => None,
    }
}

fn step(name: &str) -> Segment {
    Segment {
        name: name.to_owned(),
        cast: None,
    }
}

fn unfit(
    entity_type: &EntityType,
    last: &Segment,
    value: &Literal,
    expected: &'static str,
) -> QueryError {
    QueryError::UnfitValue {
        attribute: last.name.clone(),
        entity_type: entity_type.name.clone(),
        value: literal::text_of(value),
        expected,
    }
}
