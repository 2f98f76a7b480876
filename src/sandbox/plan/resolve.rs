//! Finds what the names in an expression stand for.

use ftrack_protocol::query::Segment;

use super::error::QueryError;
use crate::schema::{Attribute, AttributeKind, Catalog, EntityType, Join};

/// An attribute that leads to other entities.
#[derive(Debug, Clone, Copy)]
pub struct Relation<'c> {
    /// How the rows are found.
    pub join: &'c Join,
    /// The type of the other entities, after a cast.
    pub target: &'c EntityType,
    /// Whether there can be more than one.
    pub is_collection: bool,
}

/// Returns the entity type of this name.
pub fn entity_type<'c>(catalog: &'c Catalog, name: &str) -> Result<&'c EntityType, QueryError> {
    catalog
        .entity_type(name)
        .ok_or_else(|| QueryError::UnknownType {
            name: name.to_owned(),
        })
}

/// Returns the attribute of this name.
pub fn attribute<'c>(
    catalog: &'c Catalog,
    entity_type: &'c EntityType,
    name: &str,
) -> Result<&'c Attribute, QueryError> {
    owner(catalog, entity_type, name)
        .attribute(name)
        .ok_or_else(|| QueryError::UnknownAttribute {
            attribute: name.to_owned(),
            entity_type: entity_type.name.clone(),
        })
}

/// Returns the type whose attribute a name is: the type itself, but for resources and authors of notes. Guess: the latter.
///
/// ftrack answers `assignments any (resource.username is "jane")` without a cast to `User`, as its documentation shows;
/// of contexts, it insists on the cast.
pub fn owner<'c>(catalog: &'c Catalog, entity_type: &'c EntityType, name: &str) -> &'c EntityType {
    let is_cast = matches!(entity_type.name.as_str(), "Resource" | "BaseUser");
    if !is_cast || entity_type.attribute(name).is_some() {
        return entity_type;
    }
    let mut subtypes = entity_type
        .subtypes
        .iter()
        .map(|id| catalog.type_by_id(*id));
    let owner = subtypes.find(|subtype| subtype.attribute(name).is_some());
    owner.unwrap_or(entity_type)
}

/// Returns the relation that a step of a path names.
pub fn relation<'c>(
    catalog: &'c Catalog,
    owner: &'c EntityType,
    step: &Segment,
) -> Result<Relation<'c>, QueryError> {
    let attribute = attribute(catalog, owner, &step.name)?;
    let (target, join) = match &attribute.kind {
        AttributeKind::Reference { target, join }
        | AttributeKind::Collection { target, join, .. } => (*target, join),
        AttributeKind::Column { .. } | AttributeKind::Computed { .. } => {
            return Err(QueryError::NotARelation {
                attribute: step.name.clone(),
                entity_type: owner.name.clone(),
            });
        }
    };
    let declared = catalog.type_by_id(target);
    let target = match &step.cast {
        None => declared,
        Some(cast) => cast_to(catalog, step, declared, cast)?,
    };
    Ok(Relation {
        join,
        target,
        is_collection: matches!(attribute.kind, AttributeKind::Collection { .. }),
    })
}

fn cast_to<'c>(
    catalog: &'c Catalog,
    step: &Segment,
    declared: &EntityType,
    cast: &str,
) -> Result<&'c EntityType, QueryError> {
    let target = entity_type(catalog, cast)?;
    if target.is_a(declared.id) || declared.is_a(target.id) {
        return Ok(target);
    }
    Err(QueryError::ImpossibleCast {
        attribute: step.name.clone(),
        target: declared.name.clone(),
        cast: cast.to_owned(),
    })
}

/// Returns an error that says what cannot be done with an attribute.
pub fn unsupported(entity_type: &EntityType, attribute: &str, problem: &'static str) -> QueryError {
    QueryError::Unsupported {
        attribute: attribute.to_owned(),
        entity_type: entity_type.name.clone(),
        problem,
    }
}
