//! `search`: a query whose entities also contain some terms.
//!
//! The search becomes a query, so that it has the same projections, pages and errors.

use ftrack_protocol::query::{
    Criterion, Members, Operator, Path, Projection, Query, Segment, Value, parse,
};

use super::Arguments;
use crate::{
    error::ApiError,
    plan::QueryError,
    schema::{AttributeKind, Catalog, DataType, EntityType},
};

/// Guess: where terms are looked for, as far as an entity type has it: in names, and in the names of what is above.
const PLACES: &[&str] = &[
    "name",
    "full_name",
    "username",
    "first_name",
    "last_name",
    "email",
    "content",
    "ancestors.name",
    "project.name",
    "project.full_name",
    "parent.name",
    "asset.name",
    "asset.parent.name",
];

/// What holds the context of an entity, as far as its type has it.
const CONTEXTS: &[&str] = &[
    "id",
    "parent_id",
    "project_id",
    "context_id",
    "ancestors.id",
    "asset.context_id",
    "asset.parent.project_id",
    "parent.project_id",
];

/// Returns the query that finds what a search asks for.
///
/// All terms must occur, each anywhere. A context stands for itself and all below it.
pub fn search_query(arguments: &Arguments) -> Result<String, ApiError> {
    let mut query = base(arguments)?;
    let catalog = Catalog::get();
    let entity_type = catalog
        .entity_type(&query.entity_type)
        .ok_or_else(|| unknown_type(&query.entity_type))?;
    let mut criteria: Vec<Criterion> = query.criteria.take().into_iter().collect();
    for term in arguments.texts("terms") {
        criteria.push(anywhere(
            entity_type,
            PLACES,
            Operator::Like,
            &pattern(term),
        ));
    }
    let context = arguments
        .optional_text("context_id")
        .or_else(|| arguments.optional_text("project_id"));
    if let Some(context) = context {
        criteria.push(anywhere(entity_type, CONTEXTS, Operator::Is, context));
    }
    let object_types = arguments.texts("object_type_ids");
    if !object_types.is_empty() {
        let values = object_types
            .into_iter()
            .map(|id| Value::Text(id.to_owned()));
        criteria.push(Criterion::In {
            path: path("object_type_id"),
            negated: false,
            members: Members::Values(values.collect()),
        });
    }
    query.criteria = combined(criteria, Criterion::And);
    Ok(query.to_string())
}

/// Reads the expression; without one, all entities of the type are searched.
fn base(arguments: &Arguments) -> Result<Query, ApiError> {
    let entity_type = arguments.optional_text("entity_type");
    if let Some(expression) = arguments.optional_text("expression") {
        return Ok(parse(expression).map_err(QueryError::from)?);
    }
    let name = entity_type
        .ok_or_else(|| ApiError::validation("A search needs an expression or an entity_type."))?;
    let entity_type = Catalog::get()
        .entity_type(name)
        .ok_or_else(|| unknown_type(name))?;
    let shown = ["id", "name"].into_iter();
    Ok(Query {
        projections: shown
            .filter(|name| entity_type.attribute(name).is_some())
            .map(|name| Projection::Attribute(path(name)))
            .collect(),
        entity_type: entity_type.name.clone(),
        criteria: None,
        group_by: Vec::new(),
        order: Vec::new(),
        offset: None,
        limit: None,
    })
}

fn unknown_type(name: &str) -> ApiError {
    QueryError::UnknownType {
        name: name.to_owned(),
    }
    .into()
}

/// Compares `value` with all `places` that the entity type has.
fn anywhere(
    entity_type: &EntityType,
    places: &[&str],
    operator: Operator,
    value: &str,
) -> Criterion {
    let there = places.iter().filter(|place| exists(entity_type, place));
    let comparisons = there.map(|place| Criterion::Compare {
        path: path(place),
        operator,
        value: Value::Text(value.to_owned()),
    });
    // What has no name contains no term: an id is never this word.
    combined(comparisons.collect(), Criterion::Or).unwrap_or_else(|| Criterion::Compare {
        path: path(&entity_type.primary_key[0]),
        operator: Operator::Is,
        value: Value::Text("nowhere".to_owned()),
    })
}

fn combined(
    mut criteria: Vec<Criterion>,
    combine: fn(Vec<Criterion>) -> Criterion,
) -> Option<Criterion> {
    match criteria.len() {
        0 | 1 => criteria.pop(),
        _ => Some(combine(criteria)),
    }
}

fn path(dotted: &str) -> Path {
    let segments = dotted.split('.').map(|name| Segment {
        name: name.to_owned(),
        cast: None,
    });
    Path {
        segments: segments.collect(),
    }
}

/// Returns whether the attributes that `dotted` names exist, one after the other, and lead to a stored text.
fn exists(entity_type: &EntityType, dotted: &str) -> bool {
    let (first, rest) = dotted.split_once('.').unwrap_or((dotted, ""));
    let Some(attribute) = entity_type.attribute(first) else {
        return false;
    };
    match &attribute.kind {
        AttributeKind::Reference { target, .. } | AttributeKind::Collection { target, .. } => {
            !rest.is_empty() && exists(Catalog::get().type_by_id(*target), rest)
        }
        AttributeKind::Column { data_type, .. } => {
            rest.is_empty() && matches!(data_type, DataType::Text)
        }
        AttributeKind::Computed { .. } => false,
    }
}

/// Returns what matches any text with `term` in it: wildcards and the backslashes that run up to one, as to the last,
/// are taken literally.
fn pattern(term: &str) -> String {
    let mut pattern = "%".to_owned();
    let mut backslashes = 0;
    for character in term.chars() {
        if character == '\\' {
            backslashes += 1;
        } else {
            if matches!(character, '%' | '_') {
                pattern.extend(std::iter::repeat_n('\\', backslashes + 1));
            }
            backslashes = 0;
        }
        pattern.push(character);
    }
    pattern.extend(std::iter::repeat_n('\\', backslashes));
    pattern.push('%');
    pattern
}
