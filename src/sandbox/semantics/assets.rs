//! Assets and their versions: numbering, authorship and the project they are in.

use rusqlite::types::Value as SqlValue;

use crate::error::ApiError;

use super::{
    contexts, create::NewEntity, row::Row, unit_of_work::UnitOfWork, update::ChangedEntity,
    workflow,
};

/// An asset is in the project of its context, whichever a client sends.
pub(super) fn place_asset(work: &mut UnitOfWork<'_>, row: &mut Row) -> Result<(), ApiError> {
    if let Some(parent) = row.text("context_id").map(str::to_owned)
        && let Some(project) = contexts::project_of(work, &parent)?
    {
        row.set("project_id", project.id.clone());
    }
    Ok(())
}

/// A version is in the project of its asset.
pub(super) fn place_version(work: &UnitOfWork<'_>, row: &mut Row) -> Result<(), ApiError> {
    if let Some(asset) = row.text("asset_id").map(str::to_owned)
        && let Some(project) = contexts::project_of_any(work, &asset)?
    {
        row.set("project_id", project);
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
    place_version(work, row)?;
    complete_status(work, row)?;
    if let Some(asset) = row.text("asset_id").map(str::to_owned) {
        number(work, &asset, row)?;
    }
    Ok(())
}

fn complete_status(work: &mut UnitOfWork<'_>, row: &mut Row) -> Result<(), ApiError> {
    if !row.is_null("status_id") {
        return Ok(());
    }
    let mut schema = String::new();
    if let Some(project) = row.text("project_id").map(str::to_owned)
        && let Some(project) = contexts::project_of(work, &project)?
    {
        schema.clone_from(&project.schema_id);
    }
    let status = workflow::version_status(work, &schema)?;
    row.set("status_id", status.map_or(SqlValue::Null, SqlValue::Text));
    Ok(())
}

/// Versions of one asset count from 1; a client may choose a number of its own.
fn number(work: &mut UnitOfWork<'_>, asset: &str, row: &mut Row) -> Result<(), ApiError> {
    let highest = match work.versions.get(asset) {
        Some(version) => *version,
        None => highest_version(work, asset)?,
    };
    if row.is_null("version") {
        let next = highest.checked_add(1).ok_or_else(|| {
            ApiError::validation(format!("Asset({asset}) has the highest version there is."))
        })?;
        row.set("version", next);
    }
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

/// Forgets which versions are the highest, as some have changed or gone.
pub(super) fn forget_versions(work: &mut UnitOfWork<'_>) {
    work.versions.clear();
}

/// What belongs to an asset or a version goes where it goes.
pub(super) fn after_update(
    work: &mut UnitOfWork<'_>,
    entity: &ChangedEntity,
) -> Result<(), ApiError> {
    if entity.changes("version") || entity.changes("asset_id") {
        forget_versions(work);
    }
    if entity.changes("project_id") {
        contexts::take_along(work, &entity.row)?;
    }
    Ok(())
}
