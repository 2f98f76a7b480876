//! Jobs: work that somebody waits for.

use rusqlite::types::Value as SqlValue;

use super::{create::NewEntity, row::Row, unit_of_work::UnitOfWork, update::ChangedEntity};

pub(super) fn before_create(work: &mut UnitOfWork<'_>, new: &mut NewEntity) {
    new.row.set_default("created_at", work.now());
    new.row.set_default("user_id", work.caller.user_id.clone());
    finish(work, &mut new.row);
}

pub(super) fn before_update(work: &mut UnitOfWork<'_>, entity: &mut ChangedEntity) {
    if entity.changes("status") {
        finish(work, &mut entity.row);
    }
}

/// Guess: ftrack notes when a job ended.
fn finish(work: &UnitOfWork<'_>, row: &mut Row) {
    if matches!(row.text("status"), Some("done" | "failed")) {
        row.set_default("finished_at", SqlValue::Text(work.now()));
    }
}
