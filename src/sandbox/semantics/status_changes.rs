//! The history of statuses: one row for each change.

use rusqlite::types::Value as SqlValue;
use uuid::Uuid;

use crate::{error::ApiError, schema::Catalog};

use super::{row::Row, unit_of_work::UnitOfWork, update::ChangedEntity};

/// Records that the status of `entity`, which the server calls a `parent_type`, has changed.
pub(super) fn record(
    work: &UnitOfWork<'_>,
    entity: &ChangedEntity,
    parent_type: &str,
) -> Result<(), ApiError> {
    if !entity.changes("status_id") {
        return Ok(());
    }
    let Some(history) = Catalog::get().entity_type("StatusChange") else {
        return Ok(());
    };
    let mut row = Row::new(Catalog::get().table(history.table));
    row.set("id", Uuid::new_v4().to_string());
    row.set("parent_id", entity.row.get("id").clone());
    row.set("parent_type", parent_type.to_owned());
    row.set("date", work.now());
    row.set("from_status_id", entity.old.get("status_id").clone());
    row.set("status_id", entity.row.get("status_id").clone());
    row.set("user_id", SqlValue::Text(work.caller.user_id.clone()));
    Ok(row.insert(work.connection)?)
}
