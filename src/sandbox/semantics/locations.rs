//! Locations: they stay as long as they hold components.

use crate::error::ApiError;

use super::{row::Row, unit_of_work::UnitOfWork};

pub(super) fn before_delete(work: &UnitOfWork<'_>, location: &Row) -> Result<(), ApiError> {
    let sql = "select exists (select 1 from component_location where location_id = ?1)";
    let used: bool = work
        .connection
        .prepare_cached(sql)?
        .query_row([location.get("id")], |row| row.get(0))?;
    if used {
        return Err(ApiError::integrity(format!(
            "The location '{}' still has components in it.",
            location.text("name").unwrap_or_default()
        )));
    }
    Ok(())
}
