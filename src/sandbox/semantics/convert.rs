//! Makes a context of another object type of what is there.

use rusqlite::types::Value as SqlValue;

use crate::error::ApiError;

use super::{
    contexts,
    unit_of_work::{UnitOfWork, WriteAnswer, concrete_type, entity_name, find_type},
    update::{self, ChangedEntity},
};

/// Gives the context `id` another object type, and the status and type that go with it.
///
/// Guess: status and type start anew, as those of one object type need not exist for another.
pub fn convert(
    work: &mut UnitOfWork<'_>,
    id: &str,
    object_type: &str,
) -> Result<WriteAnswer, ApiError> {
    let typed_context = find_type("TypedContext")?;
    let key = [id.to_owned()];
    let Some((old, _)) = work.load(typed_context, &key)? else {
        let name = entity_name(typed_context, &key);
        return Err(ApiError::not_found(format!("{name} does not exist.")));
    };
    let mut row = old.clone();
    row.set("object_type_id", object_type.to_owned());
    row.set("status_id", SqlValue::Null);
    row.set("type_id", SqlValue::Null);
    let entity_type = concrete_type(&row, typed_context);
    if entity_type.id == typed_context.id {
        return Err(ApiError::validation(format!(
            "No type of context has the object type '{object_type}'."
        )));
    }
    contexts::complete_converted(work, &mut row)?;
    let row = update::store(
        work,
        ChangedEntity {
            entity_type,
            old,
            row,
        },
    )?;
    Ok(WriteAnswer {
        entity_type,
        key: row.key(),
        attributes: vec!["object_type_id", "status_id", "type_id"],
        echoes: Vec::new(),
    })
}
