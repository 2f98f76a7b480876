//! Prints syntax trees as canonical text, which parses to the same tree.

use std::fmt::{Display, Formatter, Result};

use super::{
    ast::{Condition, Expression, Operator},
    scanner::{is_value_character, quoted_length},
};

impl Display for Expression {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::All(operands) => join(formatter, operands, " and "),
            Self::Any(operands) => join(formatter, operands, " or "),
            Self::Not(operand) => {
                formatter.write_str("not ")?;
                print_operand(formatter, operand)
            }
            Self::Condition(condition) => condition.fmt(formatter),
        }
    }
}

impl Display for Condition {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        for (index, name) in self.key.iter().enumerate() {
            if index > 0 {
                formatter.write_str(".")?;
            }
            formatter.write_str(name)?;
        }
        let value = self.value.as_str();
        let quote = quote_for(value);
        write!(formatter, "{}{quote}{value}{quote}", self.operator)
    }
}

impl Display for Operator {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        formatter.write_str(self.symbol())
    }
}

fn join(formatter: &mut Formatter<'_>, operands: &[Expression], separator: &str) -> Result {
    for (index, operand) in operands.iter().enumerate() {
        if index > 0 {
            formatter.write_str(separator)?;
        }
        print_operand(formatter, operand)?;
    }
    Ok(())
}

/// Prints an expression inside another. Chains always get parentheses, so that their shape survives.
fn print_operand(formatter: &mut Formatter<'_>, operand: &Expression) -> Result {
    match operand {
        Expression::All(_) | Expression::Any(_) => write!(formatter, "({operand})"),
        Expression::Not(_) | Expression::Condition(_) => operand.fmt(formatter),
    }
}

/// Returns the quotation mark that `value` can stand between: it came from a text, so there is one.
fn quote_for(value: &str) -> &'static str {
    if !value.is_empty() && value.chars().all(is_value_character) {
        return "";
    }
    let quoted = format!("{value}\"");
    if quoted_length(&quoted, '"') == Some(value.len()) {
        "\""
    } else {
        "'"
    }
}
