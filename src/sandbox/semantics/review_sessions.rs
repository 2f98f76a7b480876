//! Review sessions: what clients are shown, for a while.

use crate::error::ApiError;

use super::{create::NewEntity, unit_of_work::UnitOfWork};

/// Guess: one begins at once and is open for a week, unless its client says otherwise; ftrack's documentation creates
/// them with a name, a description and a project only.
pub(super) fn before_create(work: &UnitOfWork<'_>, new: &mut NewEntity) -> Result<(), ApiError> {
    new.row.set_default("start_date", work.now());
    let sql = "select strftime('%Y-%m-%dT%H:%M:%S', ?1, '+7 days')";
    let end: Option<String> = work
        .connection
        .prepare_cached(sql)?
        .query_row([new.row.get("start_date")], |row| row.get(0))?;
    if let Some(end) = end {
        new.row.set_default("end_date", end);
    }
    Ok(())
}

/// Guess: what is added without a place comes last.
pub(super) fn before_create_object(
    work: &UnitOfWork<'_>,
    new: &mut NewEntity,
) -> Result<(), ApiError> {
    if !new.row.is_null("sort_order") {
        return Ok(());
    }
    let sql = "select coalesce(max(sort_order), 0) + 1 from review_session_object where review_session_id = ?1";
    let last: f64 = work
        .connection
        .prepare_cached(sql)?
        .query_row([new.row.get("review_session_id")], |row| row.get(0))?;
    new.row.set("sort_order", last);
    Ok(())
}
