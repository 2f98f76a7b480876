//! Prints syntax trees as canonical text, which parses to the same tree.

use std::fmt::{Display, Formatter, Result};

use super::ast::{
    Criterion, Direction, Function, Members, Operator, OrderKey, Path, Projection, Quantifier,
    Query, Segment, Value,
};

impl Display for Query {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        if !self.projections.is_empty() {
            formatter.write_str("select ")?;
            join(formatter, &self.projections, ", ")?;
            formatter.write_str(" from ")?;
        }
        formatter.write_str(&self.entity_type)?;
        if let Some(criteria) = &self.criteria {
            write!(formatter, " where {criteria}")?;
        }
        if !self.group_by.is_empty() {
            formatter.write_str(" group by ")?;
            join(formatter, &self.group_by, ", ")?;
        }
        if !self.order.is_empty() {
            formatter.write_str(" order by ")?;
            join(formatter, &self.order, ", ")?;
        }
        if let Some(offset) = self.offset {
            write!(formatter, " offset {offset}")?;
        }
        if let Some(limit) = self.limit {
            write!(formatter, " limit {limit}")?;
        }
        Ok(())
    }
}

impl Display for Projection {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::Attribute(path) => path.fmt(formatter),
            Self::Aggregate(function, path) => write!(formatter, "{function}({path})"),
        }
    }
}

impl Display for Function {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        formatter.write_str(self.keyword())
    }
}

impl Display for Path {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        join(formatter, &self.segments, ".")
    }
}

impl Display for Segment {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        formatter.write_str(&self.name)?;
        match &self.cast {
            Some(cast) => write!(formatter, "[{cast}]"),
            None => Ok(()),
        }
    }
}

impl Display for Criterion {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::And(operands) => join_operands(formatter, operands, " and "),
            Self::Or(operands) => join_operands(formatter, operands, " or "),
            Self::Not(operand) => {
                formatter.write_str("not ")?;
                operand_of(formatter, operand)
            }
            Self::Compare {
                path,
                operator,
                value,
            } => write!(formatter, "{path} {operator} {value}"),
            Self::In {
                path,
                negated,
                members,
            } => {
                let keyword = if *negated { "not_in" } else { "in" };
                write!(formatter, "{path} {keyword} ({members})")
            }
            Self::Related {
                path,
                quantifier,
                criterion,
            } => match criterion {
                Some(criterion) => write!(formatter, "{path} {quantifier} ({criterion})"),
                None => write!(formatter, "{path} {quantifier} ()"),
            },
        }
    }
}

impl Display for Members {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::Values(values) => join(formatter, values, ", "),
            Self::Subquery(query) => query.fmt(formatter),
        }
    }
}

impl Display for Quantifier {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        formatter.write_str(match self {
            Self::Any => "any",
            Self::Has => "has",
        })
    }
}

impl Display for Operator {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        formatter.write_str(match self {
            Self::Is => "is",
            Self::IsNot => "is_not",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Like => "like",
            Self::NotLike => "not_like",
        })
    }
}

impl Display for Value {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::None => formatter.write_str("None"),
            Self::Boolean(true) => formatter.write_str("True"),
            Self::Boolean(false) => formatter.write_str("False"),
            Self::Word(word) => formatter.write_str(word),
            Self::Text(text) => formatter.write_str(&quoted(text)),
        }
    }
}

impl Display for OrderKey {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        self.path.fmt(formatter)?;
        match self.direction {
            Direction::Ascending => Ok(()),
            Direction::Descending => formatter.write_str(" descending"),
        }
    }
}

fn join<T: Display>(formatter: &mut Formatter<'_>, items: &[T], separator: &str) -> Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            formatter.write_str(separator)?;
        }
        item.fmt(formatter)?;
    }
    Ok(())
}

fn join_operands(formatter: &mut Formatter<'_>, operands: &[Criterion], separator: &str) -> Result {
    for (index, operand) in operands.iter().enumerate() {
        if index > 0 {
            formatter.write_str(separator)?;
        }
        operand_of(formatter, operand)?;
    }
    Ok(())
}

/// Prints a condition inside another. Chains always get parentheses, so that their shape survives.
fn operand_of(formatter: &mut Formatter<'_>, operand: &Criterion) -> Result {
    match operand {
        Criterion::And(_) | Criterion::Or(_) => write!(formatter, "({operand})"),
        Criterion::Not(_)
        | Criterion::Compare { .. }
        | Criterion::In { .. }
        | Criterion::Related { .. } => operand.fmt(formatter),
    }
}

/// Writes a text as a value in an expression: in double quotes, the inverse of the rule in the lexer.
///
/// Backslashes matter only where they run up to a quotation mark of either kind, or to the end.
///
/// ```
/// use ftrack_protocol::query::quoted;
///
/// assert_eq!(quoted(r#"12" reel"#), r#""12\" reel""#);
/// assert_eq!(quoted(r"\\server\share"), r#""\\server\share""#);
/// ```
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    let mut backslashes = 0;
    for character in text.chars() {
        if matches!(character, '"' | '\'') {
            quoted.extend(std::iter::repeat_n('\\', backslashes));
        }
        if character == '"' {
            quoted.push('\\');
        }
        quoted.push(character);
        backslashes = if character == '\\' {
            backslashes + 1
        } else {
            0
        };
    }
    quoted.extend(std::iter::repeat_n('\\', backslashes));
    quoted.push('"');
    quoted
}
