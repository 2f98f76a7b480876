//! Assets and their versions: numbering, authorship and the project they are in.

use rusqlite::types::Value as SqlValue;

use crate::error::ApiError;

use super::{contexts, create::NewEntity, row::Row, unit_of_work::UnitOfWork, workflow};

pub(super) fn before_create_asset(
    work: &mut UnitOfWork<'_>,
    new: &mut NewEntity,
) -> Result<(), ApiError> {
    if let Some(parent) = new.row.text("context_id").map(str::to_owned)
        && let Some(project) = contexts::project_of(work, &parent)?
    {
        new.row.set("project_id", project.id.clone());
    }
    Ok(())
}

pub(super) fn before_create_version(
    work: &mut UnitOfWork<'_>,
    new: &mut NewEntity,
) -> Result<(), ApiError> {
    let row = &mut new.row;
    row.set_default("date", work.now());
    row.set_default("user_id", work.caller.user_id.clone());
    set_project_and_status(work, row)?;
    if let Some(asset) = row.text("asset_id").map(str::to_owned) {
        number(work, &asset, row)?;
    }
    Ok(())
}

fn set_project_and_status(work: &mut UnitOfWork<'_>, row: &mut Row) -> Result<(), ApiError> {
    let mut project = None;
    if let Some(asset) = row.text("asset_id").map(str::to_owned)
        && let Some(id) = contexts::project_of_any(work, &asset)?
    {
        project = contexts::project_of(work, &id)?;
        row.set("project_id", id);
    }
    if row.is_null("status_id") {
        let schema = project.map_or_else(String::new, |project| project.schema_id.clone());
        let status = workflow::version_status(work, &schema)?;
        row.set("status_id", status.map_or(SqlValue::Null, SqlValue::Text));
    }
    Ok(())
}

/// Versions of one asset count from 1; a client may choose a number of its own.
fn number(work: &mut UnitOfWork<'_>, asset: &str, row: &mut Row) -> Result<(), ApiError> {
    let highest = match work.versions.get(asset) {
        Some(version) => *version,
        None => highest_version(work, asset)?,
    };
    row.set_default("version", highest + 1);
    if let SqlValue::Integer(version) = row.get("version") {
        work.versions
            .insert(asset.to_owned(), highest.max(*version));
    }
    Ok(())
}

fn highest_version(work: &UnitOfWork<'_>, asset: &str) -> Result<i64, ApiError> {
    let sql = "select coalesce(max(version), 0) from asset_version where asset_id = ?1";
    let mut statement = work.connection.prepare_cached(sql)?;
    Ok(statement.query_row([asset], |row| row.get(0))?)
}
