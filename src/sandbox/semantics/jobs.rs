//! Jobs: work that somebody waits for.

use rusqlite::types::Value as SqlValue;

use crate::error::ApiError;

use super::{create::NewEntity, row::Row, unit_of_work::UnitOfWork, update::ChangedEntity};

#[expect(
    clippy::unnecessary_wraps,
    reason = "all hooks answer whether they refuse"
)]
pub(super) fn before_create(
    work: &mut UnitOfWork<'_>,
    new: &mut NewEntity,
) -> Result<(), ApiError> {
    new.row.set_default("created_at", work.now());
    new.row.set_default("user_id", work.caller.user_id.clone());
    finish(work, &mut new.row);
    Ok(())
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "all hooks answer whether they refuse"
)]
pub(super) fn before_update(
    work: &mut UnitOfWork<'_>,
    entity: &mut ChangedEntity,
) -> Result<(), ApiError> {
    if entity.changes("status") {
        finish(work, &mut entity.row);
    }
    Ok(())
}

/// Guess: ftrack notes when a job ended.
fn finish(work: &UnitOfWork<'_>, row: &mut Row) {
    if matches!(row.text("status"), Some("done" | "failed")) {
        row.set_default("finished_at", SqlValue::Text(work.now()));
    }
}
