//! Notes: authors, recipients, replies and labels.

use rusqlite::{OptionalExtension, params, types::Value as SqlValue};

use crate::error::ApiError;

use super::{
    contexts, create::NewEntity, row::Row, unit_of_work::UnitOfWork, update::ChangedEntity,
};

pub(super) fn before_create(
    work: &mut UnitOfWork<'_>,
    new: &mut NewEntity,
) -> Result<(), ApiError> {
    let row = &mut new.row;
    row.set_default("date", work.now());
    row.set_default("thread_activity", work.now());
    row.set_default("user_id", work.caller.user_id.clone());
    inherit(work, row)
}

pub(super) fn after_create(work: &mut UnitOfWork<'_>, note: &Row) -> Result<(), ApiError> {
    if let (Some(id), Some(author)) = (note.text("id"), note.text("user_id")) {
        work.authors.push((id.to_owned(), author.to_owned()));
    }
    wake_thread(work, note)
}

/// Makes the authors of new notes recipients of them, as they want to know what follows.
///
/// Clients set the recipients of a note without its author; that does not take the author off.
pub(super) fn tell_authors(work: &mut UnitOfWork<'_>) -> Result<(), ApiError> {
    let sql = "insert or ignore into recipient (note_id, resource_id) select id, ?2 from note where id = ?1";
    for (note, author) in std::mem::take(&mut work.authors) {
        work.connection
            .prepare_cached(sql)?
            .execute([note, author])?;
    }
    Ok(())
}

pub(super) fn before_update(
    work: &mut UnitOfWork<'_>,
    entity: &mut ChangedEntity,
) -> Result<(), ApiError> {
    let replies = entity.changes("in_reply_to_id");
    if !replies && !entity.changes("parent_id") {
        return Ok(());
    }
    inherit(work, &mut entity.row)?;
    if replies {
        wake_thread(work, &entity.row)?;
    }
    Ok(())
}

/// A reply hangs on what the note it replies to hangs on; every note is in the project of what it hangs on.
fn inherit(work: &UnitOfWork<'_>, row: &mut Row) -> Result<(), ApiError> {
    if let Some(thread) = row.text("in_reply_to_id").map(str::to_owned) {
        let sql = "select parent_id, parent_type from note where id = ?1";
        let parent: Option<(SqlValue, SqlValue)> = work
            .connection
            .prepare_cached(sql)?
            .query_row([thread], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((id, parent_type)) = parent {
            row.set("parent_id", id);
            row.set("parent_type", parent_type);
        }
    }
    if let Some(parent) = row.text("parent_id").map(str::to_owned) {
        let project = contexts::project_of_any(work, &parent)?;
        row.set("project_id", project.map_or(SqlValue::Null, SqlValue::Text));
    }
    Ok(())
}

/// Guess: a reply moves its thread to the top of what happened last.
fn wake_thread(work: &UnitOfWork<'_>, note: &Row) -> Result<(), ApiError> {
    if note.is_null("in_reply_to_id") {
        return Ok(());
    }
    work.connection
        .prepare_cached("update note set thread_activity = ?2 where id = ?1")?
        .execute(params![note.get("in_reply_to_id"), work.now()])?;
    Ok(())
}

/// The category of a note is the first of its labels: ftrack keeps both in one table.
pub(super) fn after_create_label_link(
    work: &mut UnitOfWork<'_>,
    link: &Row,
) -> Result<(), ApiError> {
    let sql = "update note set category_id = coalesce(category_id, ?2) where id = ?1";
    work.connection
        .prepare_cached(sql)?
        .execute([link.get("note_id"), link.get("label_id")])?;
    Ok(())
}

pub(super) fn after_delete_label_link(
    work: &mut UnitOfWork<'_>,
    link: &Row,
) -> Result<(), ApiError> {
    let sql = "update note set category_id = (select min(label_id) from note_label_link where note_id = ?1) \
               where id = ?1 and category_id = ?2";
    work.connection
        .prepare_cached(sql)?
        .execute([link.get("note_id"), link.get("label_id")])?;
    Ok(())
}
