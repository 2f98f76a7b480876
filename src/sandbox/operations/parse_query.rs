//! `parse_query`: says what a query means without answering it.

use ftrack_protocol::query::parse;
use serde_json::{Value, json};

use super::{Arguments, Reading};
use crate::{error::ApiError, plan::QueryError};

/// Answers the parts of an expression, each as the text it is read as.
///
/// Guess: the form of the answer.
pub(super) fn parse_query(_: &Reading<'_>, arguments: &Arguments) -> Result<Value, ApiError> {
    let query = parse(arguments.text("expression")?).map_err(QueryError::from)?;
    let texts = |items: Vec<String>| json!(items);
    Ok(json!({
        "action": "parse_query",
        "data": {
            "expression": query.to_string(),
            "entity_type": query.entity_type,
            "projections": texts(query.projections.iter().map(ToString::to_string).collect()),
            "criteria": query.criteria.as_ref().map(ToString::to_string),
            "group_by": texts(query.group_by.iter().map(ToString::to_string).collect()),
            "order_by": texts(query.order.iter().map(ToString::to_string).collect()),
            "offset": query.offset,
            "limit": query.limit,
        },
    }))
}
