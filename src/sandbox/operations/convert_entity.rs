//! `convert_entity`: makes a context of another object type of what is there, such as a sequence of a folder.

use super::{Arguments, Outcome, Writing};
use crate::{error::ApiError, semantics};

/// Answers the context as its new type.
///
/// Guess: the members of the operation, which ftrack does not document.
pub(super) fn convert_entity(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let [id] = arguments.key("entity_key")[..] else {
        return Err(ApiError::validation("The key of a TypedContext is [id]."));
    };
    let object_type = arguments.text("object_type_id")?;
    let converted = semantics::convert(writing.work, id, object_type)?;
    Ok(Outcome::Entity(converted))
}
