//! Comparisons of one value with a literal.

use ftrack_protocol::query::{Operator, Value as Literal};
use rusqlite::types::Value;

use super::{Planner, Sql, literal};
use crate::schema::{Catalog, DataType};

/// The left side of a comparison.
#[derive(Debug)]
pub(super) struct Operand {
    /// The SQL expression.
    pub text: String,
    /// The type of its value.
    pub data_type: DataType,
    /// Whether the value names an entity type in the server's own words.
    pub is_entity_type_name: bool,
}

impl Planner<'_> {
    /// Writes a comparison; fails with the words for what the literal should have been.
    pub(super) fn comparison(
        &mut self,
        operand: &Operand,
        operator: Operator,
        value: &Literal,
    ) -> Result<(), &'static str> {
        if matches!(operator, Operator::Like | Operator::NotLike) {
            let word = if operator == Operator::Like {
                " like "
            } else {
                " not like "
            };
            let pattern = literal::like_pattern(&literal::text_of(value));
            self.sql.push(&operand.text).push(word).bind(pattern);
            self.sql.push(" escape '\\'");
            return Ok(());
        }
        if operand.data_type == DataType::Variable {
            self.variable_comparison(&operand.text, operator, value);
            return Ok(());
        }
        let value = self.operand_value(operand, value)?;
        self.sql
            .push(&operand.text)
            .push(symbol(operator))
            .bind(value);
        Ok(())
    }

    /// Returns what a literal is for this operand.
    pub(super) fn operand_value(
        &self,
        operand: &Operand,
        value: &Literal,
    ) -> Result<Value, &'static str> {
        let stored = literal::to_sql(value, operand.data_type)?;
        Ok(match stored {
            Value::Text(name) if operand.is_entity_type_name => {
                Value::Text(server_name(self.catalog, name))
            }
            stored => stored,
        })
    }

    /// Compares a custom attribute, which stores numbers and flags as numbers, lists as JSON and all else as text.
    fn variable_comparison(&mut self, operand: &str, operator: Operator, value: &Literal) {
        match operator {
            Operator::Is => self.variable_membership(operand, &[value]),
            Operator::IsNot => {
                self.sql.push("not ");
                self.variable_membership(operand, &[value]);
            }
            _ => self.variable_order(operand, operator, value),
        }
    }

    /// Requires that a custom attribute is one of `values`, or is a list, as enumerators have, that holds one of them.
    ///
    /// Unknown where the attribute is null, as any comparison.
    pub(super) fn variable_membership(&mut self, operand: &str, values: &[&Literal]) {
        let numbers = values.iter().filter_map(|value| variable_number(value));
        let numbers = numbers.collect();
        let texts: Vec<String> = values.iter().map(|value| literal::text_of(value)).collect();
        let moments = texts.iter().filter_map(|text| literal::moment(text));
        let whole: Vec<Value> = texts
            .iter()
            .cloned()
            .chain(moments)
            .map(Value::Text)
            .collect();
        self.variable(
            operand,
            |sql| {
                sql.push(operand).push(" in ").bind_list(numbers);
            },
            |sql| {
                let member = sql.alias();
                sql.push(operand).push(" in ").bind_list(whole);
                sql.push(&format!(
                    " or {operand} like '[%' and json_valid({operand}) and exists (\
                     select 1 from json_each({operand}) {member} where {member}.value collate nocase in "
                ));
                let texts = texts.into_iter().map(Value::Text).collect();
                sql.bind_list(texts).push(")");
            },
        );
    }

    fn variable_order(&mut self, operand: &str, operator: Operator, value: &Literal) {
        let text = literal::text_of(value);
        self.variable(
            operand,
            |sql| match variable_number(value) {
                Some(number) => {
                    sql.push(operand).push(symbol(operator)).bind(number);
                }
                None => {
                    sql.push("0");
                }
            },
            |sql| {
                let text = literal::moment(&text).unwrap_or(text);
                sql.push(operand).push(symbol(operator)).bind(text);
            },
        );
    }

    /// Writes one condition for numbers and flags and another one for texts.
    fn variable(
        &mut self,
        operand: &str,
        of_number: impl FnOnce(&mut Sql),
        of_text: impl FnOnce(&mut Sql),
    ) {
        self.sql.push(&format!(
            "(case typeof({operand}) when 'null' then null when 'text' then ("
        ));
        of_text(&mut self.sql);
        self.sql.push(") else (");
        of_number(&mut self.sql);
        self.sql.push(") end)");
    }
}

/// Returns what a literal is beside numbers and flags.
fn variable_number(value: &Literal) -> Option<Value> {
    match value {
        Literal::Boolean(flag) => Some(Value::from(*flag)),
        _ => literal::number(&literal::text_of(value)),
    }
}

/// Returns the server's name of an entity type: values hold `task` where clients say `Shot`.
fn server_name(catalog: &Catalog, name: String) -> String {
    match catalog.entity_type(&name) {
        Some(entity_type) => entity_type.server_name.clone(),
        None => name,
    }
}

fn symbol(operator: Operator) -> &'static str {
    match operator {
        Operator::Is => " = ",
        Operator::IsNot => " <> ",
        Operator::Greater => " > ",
        Operator::GreaterOrEqual => " >= ",
        Operator::Less => " < ",
        Operator::LessOrEqual => " <= ",
        Operator::Like => " like ",
        Operator::NotLike => " not like ",
    }
}
