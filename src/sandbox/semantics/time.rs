//! Running timers, logged time and who is to work on what.

use crate::error::ApiError;

use super::{create::NewEntity, unit_of_work::UnitOfWork};

/// A user has one timer at most; clients look for `DuplicateEntryError` to offer to stop the other.
pub(super) fn before_create_timer(
    work: &mut UnitOfWork<'_>,
    new: &mut NewEntity,
) -> Result<(), ApiError> {
    new.row.set_default("start", work.now());
    new.row.set_default("user_id", work.caller.user_id.clone());
    let sql = "select exists (select 1 from timer where user_id = ?1)";
    let running: bool = work
        .connection
        .prepare_cached(sql)?
        .query_row([new.row.get("user_id")], |row| row.get(0))?;
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
