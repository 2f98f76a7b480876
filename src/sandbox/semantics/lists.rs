//! Lists and their items.

use crate::error::ApiError;

use super::{create::NewEntity, unit_of_work::UnitOfWork};

pub(super) fn before_create(work: &mut UnitOfWork<'_>, new: &mut NewEntity) {
    new.row.set_default("date", work.now());
    new.row.set_default("user_id", work.caller.user_id.clone());
}

/// A list holds either contexts or versions.
pub(super) fn before_create_item(
    work: &mut UnitOfWork<'_>,
    new: &mut NewEntity,
) -> Result<(), ApiError> {
    let sql = "select case system_type \
                 when 'assetversion' then exists (select 1 from context where id = ?2) \
                 else exists (select 1 from asset_version where id = ?2) end \
               from list where id = ?1";
    let mut statement = work.connection.prepare_cached(sql)?;
    let mut rows = statement.query([new.row.get("list_id"), new.row.get("entity_id")])?;
    let wrong = match rows.next()? {
        Some(row) => row.get(0)?,
        None => false,
    };
    if wrong {
        return Err(ApiError::validation(
            "The list holds items of another type.",
        ));
    }
    Ok(())
}
