//! Conditions of the naive evaluator: what a row fulfils, looked at one by one.

use std::cmp::Ordering;
use std::rc::Rc;

use ftrack_protocol::query::{
    Criterion, Members, Operator, Path, Projection, Query, Segment, Value as Literal,
};
use ftrack_sandbox::schema::{AttributeKind, Catalog, DataType, EntityType, Join};
use rusqlite::types::Value;

use crate::naive::{Database, Row, Scalar, attribute_value, folded, page, related, scalar};

/// Returns whether a row fulfils a criterion; `None` if that is unknown.
pub fn holds(
    database: &Database,
    entity_type: &EntityType,
    row: &Row,
    criterion: &Criterion,
) -> Option<bool> {
    match criterion {
        Criterion::And(operands) => {
            let results = operands
                .iter()
                .map(|operand| holds(database, entity_type, row, operand));
            results.try_fold_all()
        }
        Criterion::Or(operands) => {
            let results = operands
                .iter()
                .map(|operand| holds(database, entity_type, row, operand));
            results
                .map(|result| result.map(|flag| !flag))
                .try_fold_all()
                .map(|flag| !flag)
        }
        Criterion::Not(operand) => holds(database, entity_type, row, operand).map(|flag| !flag),
        Criterion::Compare {
            path,
            operator,
            value,
        } => at_end(
            database,
            entity_type,
            row,
            &path.segments,
            &|entity_type, row, last| compare(database, entity_type, row, last, *operator, value),
        ),
        Criterion::In {
            path,
            negated,
            members,
        } => at_end(
            database,
            entity_type,
            row,
            &path.segments,
            &|entity_type, row, last| {
                let scalar = attribute_value(database, entity_type, row, &last.name);
                membership(database, &scalar, *negated, members)
            },
        ),
        Criterion::Related {
            path, criterion, ..
        } => Some(reaches(
            database,
            entity_type,
            row,
            &path.segments,
            &|entity_type, row| {
                criterion.as_ref().is_none_or(|criterion| {
                    holds(database, entity_type, row, criterion) == Some(true)
                })
            },
        )),
    }
}

/// Combines truths as `and` does.
trait Conjunction {
    fn try_fold_all(self) -> Option<bool>;
}

impl<I: Iterator<Item = Option<bool>>> Conjunction for I {
    fn try_fold_all(self) -> Option<bool> {
        let results: Vec<_> = self.collect();
        if results.contains(&Some(false)) {
            return Some(false);
        }
        (!results.contains(&None)).then_some(true)
    }
}

type Leaf<'l> = &'l dyn Fn(&EntityType, &Row, &Segment) -> Option<bool>;

/// Asks about the last step of a path: of the row itself, or of any row that the steps before it lead to.
fn at_end(
    database: &Database,
    entity_type: &EntityType,
    row: &Row,
    path: &[Segment],
    leaf: Leaf<'_>,
) -> Option<bool> {
    let (last, steps) = path.split_last().unwrap();
    if steps.is_empty() {
        return leaf(entity_type, row, last);
    }
    Some(reaches(
        database,
        entity_type,
        row,
        steps,
        &|entity_type, row| leaf(entity_type, row, last) == Some(true),
    ))
}

fn reaches(
    database: &Database,
    entity_type: &EntityType,
    row: &Row,
    steps: &[Segment],
    accept: &dyn Fn(&EntityType, &Row) -> bool,
) -> bool {
    let Some((first, rest)) = steps.split_first() else {
        return accept(entity_type, row);
    };
    let (target, rows) = related(database, entity_type, row, first);
    rows.iter()
        .any(|row| reaches(database, target, row, rest, accept))
}

fn compare(
    database: &Database,
    entity_type: &EntityType,
    row: &Row,
    last: &Segment,
    operator: Operator,
    value: &Literal,
) -> Option<bool> {
    if *value == Literal::None {
        let is_none = is_missing(database, entity_type, row, last);
        return Some(is_none == (operator == Operator::Is));
    }
    let scalar = attribute_value(database, entity_type, row, &last.name);
    if let Operator::Like | Operator::NotLike = operator {
        let Value::Text(text) = &scalar.value else {
            return None;
        };
        let Literal::Text(pattern) = value else {
            panic!("{value:?} is no pattern")
        };
        let pattern: Vec<char> = folded(pattern).chars().collect();
        let text: Vec<char> = folded(text).chars().collect();
        return Some(is_like(&text, &pattern) == (operator == Operator::Like));
    }
    let ordering = scalar.compare(&stored(value, scalar.data_type))?;
    Some(match operator {
        Operator::Is => ordering.is_eq(),
        Operator::IsNot => ordering.is_ne(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Like | Operator::NotLike => unreachable!(),
    })
}

fn is_missing(database: &Database, entity_type: &EntityType, row: &Row, last: &Segment) -> bool {
    let attribute = entity_type.attribute(&last.name).unwrap();
    match &attribute.kind {
        AttributeKind::Column { .. } | AttributeKind::Computed { .. } => {
            attribute_value(database, entity_type, row, &last.name).value == Value::Null
        }
        AttributeKind::Reference {
            join: Join::Columns { pairs, .. },
            ..
        } if pairs.len() == 1 => row[&pairs[0].0] == Value::Null,
        AttributeKind::Reference { .. } | AttributeKind::Collection { .. } => {
            related(database, entity_type, row, last).1.is_empty()
        }
    }
}

/// Returns what a literal is for an attribute of this type.
fn stored(literal: &Literal, data_type: DataType) -> Value {
    let text = match literal {
        Literal::Boolean(flag) => return Value::from(*flag),
        Literal::Word(text) | Literal::Text(text) => text,
        Literal::None => panic!("None is no value"),
    };
    match data_type {
        DataType::Integer | DataType::Float | DataType::Variable => {
            Value::Real(text.parse().unwrap())
        }
        _ => Value::Text(text.clone()),
    }
}

/// `%` is any text, `_` any character; a backslash before one of them makes it an ordinary one, and two there are one.
fn is_like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|skipped| is_like(&text[skipped..], rest)),
        ['_', rest @ ..] => !text.is_empty() && is_like(&text[1..], rest),
        ['\\', '\\', rest @ ..] if leads_to_wildcard(rest) => {
            text.first() == Some(&'\\') && is_like(&text[1..], rest)
        }
        ['\\', escaped @ ('%' | '_'), rest @ ..] | [escaped, rest @ ..] => {
            text.first() == Some(escaped) && is_like(&text[1..], rest)
        }
    }
}

fn leads_to_wildcard(pattern: &[char]) -> bool {
    let first = pattern.iter().find(|character| **character != '\\');
    matches!(first, Some('%' | '_'))
}

fn membership(
    database: &Database,
    scalar: &Scalar,
    negated: bool,
    members: &Members,
) -> Option<bool> {
    let (values, with_none) = match members {
        Members::Values(literals) => {
            let given = literals.iter().filter(|literal| **literal != Literal::None);
            let values: Vec<Value> = given
                .map(|literal| stored(literal, scalar.data_type))
                .collect();
            let with_none = values.len() < literals.len();
            (Rc::new(values), with_none)
        }
        Members::Subquery(query) => (selected(database, query), false),
    };
    let is_missing = scalar.value == Value::Null;
    let found = match (is_missing, with_none, values.is_empty()) {
        (true, true, _) => Some(true),
        (_, _, true) => Some(false),
        (true, false, false) => None,
        (false, ..) => Some(
            values
                .iter()
                .any(|value| scalar.compare(value) == Some(Ordering::Equal)),
        ),
    };
    found.map(|found| found != negated)
}

/// Returns the values that a query inside `in (...)` selects.
fn selected(database: &Database, query: &Query) -> Rc<Vec<Value>> {
    let key = query.to_string();
    let known = database.selected.borrow().get(&key).cloned();
    known.unwrap_or_else(|| {
        let values = Rc::new(select(database, query));
        database
            .selected
            .borrow_mut()
            .insert(key, Rc::clone(&values));
        values
    })
}

fn select(database: &Database, query: &Query) -> Vec<Value> {
    let [Projection::Attribute(Path { segments })] = query.projections.as_slice() else {
        panic!("one attribute is selected")
    };
    let entity_type = Catalog::get().entity_type(&query.entity_type).unwrap();
    let rows = page(database, entity_type, query);
    rows.into_iter()
        .map(|row| scalar(database, entity_type, row, segments).value)
        .collect()
}
