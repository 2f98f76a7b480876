//! Running timers, logged time and who is to work on what.

use crate::error::ApiError;

use super::{create::NewEntity, row::Row, unit_of_work::UnitOfWork, update::ChangedEntity};

pub(super) fn before_create_timer(
    work: &mut UnitOfWork<'_>,
    new: &mut NewEntity,
) -> Result<(), ApiError> {
    new.row.set_default("start", work.now());
    new.row.set_default("user_id", work.caller.user_id.clone());
    check_single_timer(work, &new.row)
}

pub(super) fn before_update_timer(
    work: &UnitOfWork<'_>,
    entity: &ChangedEntity,
) -> Result<(), ApiError> {
    if entity.changes("user_id") {
        check_single_timer(work, &entity.row)?;
    }
    Ok(())
}

/// A user has one timer at most; clients look for `DuplicateEntryError` to offer to stop the other.
fn check_single_timer(work: &UnitOfWork<'_>, timer: &Row) -> Result<(), ApiError> {
    let sql = "select exists (select 1 from timer where user_id = ?1 and id is not ?2)";
    let running: bool = work
        .connection
        .prepare_cached(sql)?
        .query_row([timer.get("user_id"), timer.get("id")], |row| row.get(0))?;
    if running {
        return Err(ApiError::duplicate(
            "Duplicate entry: the user has a running timer already.",
        ));
    }
    Ok(())
}

pub(super) fn before_create_timelog(work: &mut UnitOfWork<'_>, new: &mut NewEntity) {
    new.row.set_default("start", work.now());
    new.row.set_default("duration", 0);
}

/// Guess: ftrack knows no other appointments, as its schema tells no others apart.
pub(super) fn before_create_appointment(new: &mut NewEntity) -> Result<(), ApiError> {
    match new.row.text("type") {
        None | Some("assignment" | "allocation") => Ok(()),
        Some(other) => Err(ApiError::validation(format!(
            "An appointment is an assignment or an allocation, not '{other}'."
        ))),
    }
}
