//! What a create or an update sets, decoded from the wire into columns and members of collections.
//!
//! A reference and its id are two views of one column: `status` and `status_id` both end up in `status_id`.

use std::sync::Arc;

use ftrack_protocol::{EntityData, Value};
use rusqlite::types::Value as SqlValue;

use crate::{
    error::ApiError,
    schema::{Attribute, AttributeKind, Catalog, DataType, EntityType, Join, TypeId},
};

use super::entity_type_name;

/// The decoded `entity_data` of one operation.
#[derive(Debug, Default)]
pub struct Assignments {
    /// The columns to set, each with the attribute that sets it.
    pub columns: Vec<(&'static Attribute, &'static str, SqlValue)>,
    /// The collections to replace, with their new members.
    pub collections: Vec<(&'static Attribute, Vec<EntityData>)>,
    /// The values to answer as they were sent: the store keeps seconds, but ftrack echoes microseconds.
    pub echoes: Vec<(&'static str, Value)>,
}

impl Assignments {
    /// Decodes the attributes sent for an entity of type `entity_type`.
    pub fn decode(
        entity_type: &'static EntityType,
        attributes: &[(Arc<str>, Value)],
    ) -> Result<Self, ApiError> {
        let mut assignments = Self::default();
        for (name, value) in attributes {
            let attribute = entity_type.attribute(name).ok_or_else(|| {
                ApiError::parse(format!(
                    "No attribute '{name}' exists for schema '{}'.",
                    entity_type.name
                ))
            })?;
            assignments.assign(entity_type, attribute, value)?;
        }
        Ok(assignments)
    }

    /// Returns the collections whose members are answered.
    ///
    /// Clients keep the members they loaded before they changed them, unless the answer has the new ones. Values of
    /// custom attributes are never part of it.
    pub fn answered_collections(&self) -> impl Iterator<Item = &'static Attribute> {
        let attributes = self.collections.iter().map(|(attribute, _)| *attribute);
        attributes.filter(|attribute| match &attribute.kind {
            AttributeKind::Collection { join, .. } => !matches!(join, Join::Computed { .. }),
            _ => false,
        })
    }

    fn assign(
        &mut self,
        entity_type: &EntityType,
        attribute: &'static Attribute,
        value: &Value,
    ) -> Result<(), ApiError> {
        let place = || format!("{}.{}", entity_type.name, attribute.name);
        match &attribute.kind {
            AttributeKind::Column { column, data_type } => {
                self.echo(attribute, *data_type, value);
                let stored = if attribute.is_entity_type_name {
                    entity_type_name::decode(value)
                } else {
                    column_value(*data_type, value)
                };
                let stored = stored.ok_or_else(|| mismatch(&place(), data_type.noun(), value))?;
                check_choice(&place(), attribute, &stored)?;
                self.columns.push((attribute, column, stored));
            }
            AttributeKind::Reference { target, join } => {
                let Join::Columns { pairs, .. } = join else {
                    return Err(derived(&place()));
                };
                for (column, target_column) in pairs {
                    let stored = reference_value(*target, target_column, value)
                        .ok_or_else(|| mismatch(&place(), &a_type(*target), value))?;
                    self.columns.push((attribute, column, stored));
                }
            }
            AttributeKind::Collection { target, .. } => {
                let expected = || format!("a list, each item {}", a_type(*target));
                let members = members(*target, value)
                    .map_err(|faulty| mismatch(&place(), &expected(), faulty))?;
                self.collections.push((attribute, members));
            }
            AttributeKind::Computed { .. } => return Err(derived(&place())),
        }
        Ok(())
    }

    fn echo(&mut self, attribute: &'static Attribute, data_type: DataType, value: &Value) {
        if let (DataType::DateTime, Value::DateTime(moment)) = (data_type, value)
            && moment.micros() % 1_000_000 != 0
        {
            self.echoes.push((&attribute.name, value.clone()));
        }
    }
}

fn check_choice(place: &str, attribute: &Attribute, value: &SqlValue) -> Result<(), ApiError> {
    match value {
        SqlValue::Text(text)
            if !attribute.choices.is_empty() && !attribute.choices.contains(text) =>
        {
            let choices = attribute.choices.join(", ");
            Err(ApiError::validation(format!(
                "{place} must be one of {choices}."
            )))
        }
        _ => Ok(()),
    }
}

fn derived(place: &str) -> ApiError {
    ApiError::validation(format!(
        "{place} is derived by the server and cannot be set."
    ))
}

fn mismatch(place: &str, expected: &str, value: &Value) -> ApiError {
    ApiError::validation(format!(
        "{place} must be {expected}, but is {}.",
        describe(value)
    ))
}

/// Names the type of a value, and never the value: it may be secret, or long.
fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Int(_) | Value::Float(_) => "a number".to_owned(),
        Value::Text(_) => "a string".to_owned(),
        Value::DateTime(_) => "a datetime".to_owned(),
        Value::Entity(entity) => format!("a reference to a {}", entity.entity_type),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "an object".to_owned(),
    }
}

fn a_type(id: TypeId) -> String {
    format!("a reference to a {}", Catalog::get().type_by_id(id).name)
}

/// Converts a scalar to what its column stores; nothing if the type does not fit.
fn column_value(data_type: DataType, value: &Value) -> Option<SqlValue> {
    let stored = match (data_type, value) {
        (_, Value::Null) => SqlValue::Null,
        (DataType::Text | DataType::Json, Value::Text(text)) => SqlValue::Text(text.to_string()),
        // A database of ftrack turns numbers into text where text belongs.
        (DataType::Text, Value::Int(number)) => SqlValue::Text(number.to_string()),
        (DataType::Text, Value::Float(number)) => SqlValue::Text(number.to_string()),
        (DataType::Integer, Value::Float(number)) => whole(*number)?,
        (DataType::Integer | DataType::Float, Value::Int(number)) => SqlValue::Integer(*number),
        (DataType::Float, Value::Float(number)) => SqlValue::Real(*number),
        (DataType::Boolean, Value::Bool(flag)) => SqlValue::Integer(i64::from(*flag)),
        (DataType::Boolean, Value::Int(flag @ (0 | 1))) => SqlValue::Integer(*flag),
        (DataType::DateTime, Value::DateTime(moment)) => moment.to_naive_seconds().into(),
        (DataType::DateTime, Value::Text(text)) => {
            let moment: ftrack_protocol::DateTime = text.parse().ok()?;
            moment.to_naive_seconds().into()
        }
        (DataType::Json, Value::Map(_) | Value::List(_))
        | (DataType::Object, Value::Map(_))
        | (DataType::Array, Value::List(_)) => json_text(value)?,
        (DataType::Variable, value) => variable_value(value)?,
        _ => return None,
    };
    Some(stored)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked before"
)]
fn whole(number: f64) -> Option<SqlValue> {
    // Whole floats are exact up to 2^53.
    let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    exact.then_some(SqlValue::Integer(number as i64))
}

fn json_text(value: &Value) -> Option<SqlValue> {
    serde_json::to_string(value).ok().map(SqlValue::Text)
}

/// Values of custom attributes keep their own type; lists become JSON.
fn variable_value(value: &Value) -> Option<SqlValue> {
    let stored = match value {
        Value::Null => SqlValue::Null,
        Value::Bool(flag) => SqlValue::Integer(i64::from(*flag)),
        Value::Int(number) => SqlValue::Integer(*number),
        Value::Float(number) => SqlValue::Real(*number),
        Value::Text(text) => SqlValue::Text(text.to_string()),
        Value::DateTime(moment) => moment.to_naive_seconds().into(),
        Value::List(_) | Value::Map(_) => json_text(value)?,
        Value::Entity(_) => return None,
    };
    Some(stored)
}

fn reference_value(target: TypeId, target_column: &str, value: &Value) -> Option<SqlValue> {
    match value {
        Value::Null => Some(SqlValue::Null),
        Value::Entity(entity) => {
            member_type(target, entity)?;
            let id = entity.get(target_column)?.as_str()?;
            Some(SqlValue::Text(id.to_owned()))
        }
        _ => None,
    }
}

/// Returns the members, or what is none.
fn members(target: TypeId, value: &Value) -> Result<Vec<EntityData>, &Value> {
    let Value::List(items) = value else {
        return Err(value);
    };
    let entity = |item: &Value| match item {
        Value::Entity(entity) => member_type(target, entity).map(|_| entity.clone()),
        _ => None,
    };
    items.iter().map(|item| entity(item).ok_or(item)).collect()
}

/// Returns the type of `entity` if it may stand where `target` is declared.
///
/// Clients name concrete types or, for entities they have not loaded, abstract ones.
fn member_type(target: TypeId, entity: &EntityData) -> Option<&'static EntityType> {
    let catalog = Catalog::get();
    let actual = catalog.entity_type(&entity.entity_type)?;
    let declared = catalog.type_by_id(target);
    let same_table = actual.table == declared.table;
    (actual.is_a(target) || declared.is_a(actual.id) || (same_table && actual.bases.is_empty()))
        .then_some(actual)
}

impl DataType {
    /// The type as error messages call it.
    fn noun(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Integer => "a whole number",
            Self::Float => "a number",
            Self::Boolean => "true or false",
            Self::DateTime => "a datetime",
            Self::Json => "JSON",
            Self::Object => "an object",
            Self::Array => "a list",
            Self::Variable => "a value",
        }
    }
}
