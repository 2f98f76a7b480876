//! Comparisons of one value with a literal.

use ftrack_protocol::query::{Operator, Value as Literal};
use rusqlite::types::Value;

use super::{Planner, literal};
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
        if operator == Operator::IsNot {
            self.sql.push("not ");
            return self.variable_comparison(operand, Operator::Is, value);
        }
        let text = literal::text_of(value);
        let flag = match value {
            Literal::Boolean(flag) => Some(Value::from(*flag)),
            _ => None,
        };
        self.sql.push("(");
        if let Some(number) = flag.or_else(|| literal::number(&text)) {
            self.sql
                .push("typeof(")
                .push(operand)
                .push(") <> 'text' and ");
            self.sql
                .push(operand)
                .push(symbol(operator))
                .bind(number)
                .push(" or ");
        }
        self.sql
            .push("typeof(")
            .push(operand)
            .push(") = 'text' and (");
        let moment = literal::moment(&text);
        self.sql.push(operand).push(symbol(operator));
        if operator == Operator::Is {
            self.sql.bind(text.clone());
            if let Some(moment) = moment {
                self.sql.push(" or ").push(operand).push(" = ").bind(moment);
            }
            self.list_member(operand, text);
        } else {
            self.sql.bind(moment.unwrap_or(text));
        }
        self.sql.push("))");
    }

    /// Adds that a list, as enumerators have, may hold the value.
    fn list_member(&mut self, operand: &str, text: String) {
        let member = self.sql.alias();
        self.sql.push(&format!(
            " or {operand} like '[%' and json_valid({operand}) and exists (select 1 from json_each({operand}) {member} \
             where {member}.value = "
        ));
        self.sql.bind(text).push(" collate nocase)");
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
