//! Projects and the typed contexts below them: what they inherit from their parent, and what keeps them in order.

use std::{collections::HashMap, rc::Rc};

use rusqlite::{Connection, OptionalExtension, types::Value as SqlValue};

use crate::{error::ApiError, schema::EntityType};

use super::{
    create::NewEntity,
    row::Row,
    unit_of_work::{UnitOfWork, entity_name},
    update::ChangedEntity,
    workflow,
};

/// What a batch already knows of projects and their workflows.
#[derive(Debug, Default)]
pub(super) struct ContextLookup {
    projects: HashMap<String, Option<Rc<Project>>>,
    pub defaults: HashMap<(String, String, Option<String>), workflow::Defaults>,
}

/// The project that a context is in.
#[derive(Debug)]
pub(super) struct Project {
    pub id: String,
    pub schema_id: String,
    start_date: Option<String>,
    end_date: Option<String>,
}

/// Forgets what is known of projects, as something of them has changed.
pub(super) fn forget(work: &mut UnitOfWork<'_>) {
    work.contexts = ContextLookup::default();
}

/// Returns the project of the context `id`, if there is such a context.
pub(super) fn project_of(
    work: &mut UnitOfWork<'_>,
    id: &str,
) -> Result<Option<Rc<Project>>, ApiError> {
    if let Some(project) = work.contexts.projects.get(id) {
        return Ok(project.clone());
    }
    let sql = "select project.id, project.project_schema_id, project.start_date, project.end_date \
               from context join context project on project.id = context.project_id where context.id = ?1";
    let project = work
        .connection
        .prepare_cached(sql)?
        .query_row([id], |row| {
            Ok(Rc::new(Project {
                id: row.get(0)?,
                schema_id: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                start_date: row.get(2)?,
                end_date: row.get(3)?,
            }))
        })
        .optional()?;
    work.contexts
        .projects
        .insert(id.to_owned(), project.clone());
    Ok(project)
}

pub(super) fn before_create(
    work: &mut UnitOfWork<'_>,
    new: &mut NewEntity,
) -> Result<(), ApiError> {
    if new.entity_type.name == "Project" {
        keep_on_top(new.entity_type, &mut new.row)?;
        complete_project(&mut new.row);
        return Ok(());
    }
    // Some clients name only the project of what lies directly below it.
    if let Some(project) = new.row.text("project_id").map(str::to_owned) {
        new.row.set_default("parent_id", project);
    }
    let name = entity_name(new.entity_type, &new.row.key());
    let Some(parent) = new.row.text("parent_id").map(str::to_owned) else {
        return Err(ApiError::validation(format!("{name} has no parent.")));
    };
    let Some(project) = project_of(work, &parent)? else {
        return Err(ApiError::integrity(format!(
            "The parent of {name}, '{parent}', does not exist."
        )));
    };
    new.row.set("project_id", project.id.clone());
    check_object_type(work, &project, &new.row)?;
    check_dates(&project, &new.row)?;
    complete_typed_context(work, &project, &mut new.row)
}

/// Completes a context whose object type has changed, or refuses the new one.
pub(super) fn complete_converted(work: &mut UnitOfWork<'_>, row: &mut Row) -> Result<(), ApiError> {
    let id = row.text("project_id").unwrap_or_default().to_owned();
    let project = project_of(work, &id)?
        .ok_or_else(|| ApiError::integrity(format!("The project '{id}' does not exist.")))?;
    check_object_type(work, &project, row)?;
    complete_typed_context(work, &project, row)
}

/// A project is in no context but itself.
fn keep_on_top(entity_type: &EntityType, row: &mut Row) -> Result<(), ApiError> {
    if !row.is_null("parent_id") {
        let name = entity_name(entity_type, &row.key());
        return Err(ApiError::validation(format!(
            "{name} is a project and cannot have a parent."
        )));
    }
    let id = row.get("id").clone();
    row.set("project_id", id);
    Ok(())
}

fn complete_project(row: &mut Row) {
    let name = row.get("name").clone();
    row.set_default("full_name", name);
    row.set_default("status", "active".to_owned());
}

fn complete_typed_context(
    work: &mut UnitOfWork<'_>,
    project: &Project,
    row: &mut Row,
) -> Result<(), ApiError> {
    row.set_default("bid", 0);
    row.set_default("sort", 0);
    row.set_default("description", String::new());
    let object_type = row.text("object_type_id").unwrap_or_default().to_owned();
    if row.is_null("type_id") {
        let defaults = workflow::defaults(work, &project.schema_id, &object_type, None)?;
        row.set(
            "type_id",
            defaults.type_id.map_or(SqlValue::Null, SqlValue::Text),
        );
    }
    if row.is_null("status_id") {
        let type_id = row.text("type_id").map(str::to_owned);
        let defaults = workflow::defaults(work, &project.schema_id, &object_type, type_id)?;
        row.set(
            "status_id",
            defaults.status_id.map_or(SqlValue::Null, SqlValue::Text),
        );
    }
    Ok(())
}

/// Guess: the text; ftrack refuses object types that the project schema does not list.
fn check_object_type(work: &UnitOfWork<'_>, project: &Project, row: &Row) -> Result<(), ApiError> {
    let sql = "select exists (select 1 from project_schema_object_type where project_schema_id = ?1) \
               and not exists (select 1 from project_schema_object_type where project_schema_id = ?1 and object_type_id = ?2)";
    let object_type = row.text("object_type_id");
    let refused: bool = work
        .connection
        .prepare_cached(sql)?
        .query_row((&project.schema_id, object_type), |row| row.get(0))?;
    if refused {
        return Err(not_allowed_by_schema());
    }
    Ok(())
}

fn not_allowed_by_schema() -> ApiError {
    ApiError::validation("The object type is not allowed by the schema of the project.")
}

/// Stored moments compare as text.
fn check_dates(project: &Project, row: &Row) -> Result<(), ApiError> {
    let dates = ["start_date", "end_date"].map(|column| row.text(column));
    let outside = dates.into_iter().flatten().any(|date| {
        project
            .start_date
            .as_deref()
            .is_some_and(|start| date < start)
            || project.end_date.as_deref().is_some_and(|end| date > end)
    });
    if outside {
        return Err(outside_of_project());
    }
    Ok(())
}

fn outside_of_project() -> ApiError {
    ApiError::validation("TypedContext dates must be within project start and end dates.")
}

pub(super) fn before_update(
    work: &mut UnitOfWork<'_>,
    entity: &mut ChangedEntity,
) -> Result<(), ApiError> {
    if entity.entity_type.name == "Project" {
        return keep_on_top(entity.entity_type, &mut entity.row);
    }
    if entity.changes("parent_id") || entity.changes("project_id") {
        place_below_parent(work, entity)?;
    }
    let dates_change = entity.changes("start_date") || entity.changes("end_date");
    if dates_change
        && let Some(id) = entity.row.text("project_id").map(str::to_owned)
        && let Some(project) = project_of(work, &id)?
    {
        check_dates(&project, &entity.row)?;
    }
    Ok(())
}

/// Guess: the project of a context is that of its parent, whichever a client sends.
fn place_below_parent(
    work: &mut UnitOfWork<'_>,
    entity: &mut ChangedEntity,
) -> Result<(), ApiError> {
    let name = entity_name(entity.entity_type, &entity.row.key());
    let Some(parent) = entity.row.text("parent_id").map(str::to_owned) else {
        return Err(ApiError::validation(format!("{name} must have a parent.")));
    };
    let sql = "with recursive above (id) as (\
                 values (?1) union select parent_id from context join above using (id) where parent_id is not null\
               ) select exists (select 1 from above where id = ?2)";
    let circular: bool = work
        .connection
        .prepare_cached(sql)?
        .query_row((&parent, entity.row.get("id")), |row| row.get(0))?;
    if circular {
        return Err(ApiError::validation(format!(
            "{name} cannot be moved below itself."
        )));
    }
    let project = project_of(work, &parent)?.ok_or_else(|| {
        ApiError::integrity(format!("The parent of {name}, '{parent}', does not exist."))
    })?;
    entity.row.set("project_id", project.id.clone());
    Ok(())
}

pub(super) fn after_update(
    work: &mut UnitOfWork<'_>,
    entity: &ChangedEntity,
) -> Result<(), ApiError> {
    let columns = [
        "parent_id",
        "project_id",
        "start_date",
        "end_date",
        "project_schema_id",
    ];
    if columns.iter().any(|column| entity.changes(column)) {
        forget(work);
    }
    if entity.changes("project_id") {
        take_along(work, &entity.row)?;
        work.checks.moved(entity.row.get("id"));
    }
    Ok(())
}

/// All that belongs to the context, the asset or the version `?1`, itself included.
const BELOW: &str = "with recursive below (id) as (\
     values (?1) union select context.id from context join below on context.parent_id = below.id\
   ), assets (id) as (select id from asset where id = ?1 or context_id in below\
   ), versions (id) as (select id from asset_version where id = ?1 or asset_id in assets)";

/// Moves all that belongs to a context, an asset or a version to the project that it is in now.
pub(super) fn take_along(work: &UnitOfWork<'_>, row: &Row) -> Result<(), ApiError> {
    let statements = [
        "update context set project_id = ?2 where id in below",
        "update asset set project_id = ?2 where id in assets",
        "update asset_version set project_id = ?2 where id in versions",
        "update note set project_id = ?2 where parent_id in \
         (select id from below union all select id from assets union all select id from versions)",
    ];
    for statement in statements {
        work.connection
            .prepare_cached(&format!("{BELOW} {statement}"))?
            .execute([row.get("id"), row.get("project_id")])?;
    }
    Ok(())
}

/// Refuses that a context, or one below it, has come to a project whose dates or schema do not allow it.
pub(super) fn check_moved(connection: &Connection, id: &SqlValue) -> Result<(), ApiError> {
    let sql = format!(
        "{BELOW} select max(moved.start_date < project.start_date or moved.start_date > project.end_date \
           or moved.end_date < project.start_date or moved.end_date > project.end_date), \
         max(exists (select 1 from project_schema_object_type allowed \
             where allowed.project_schema_id = project.project_schema_id) \
           and not exists (select 1 from project_schema_object_type allowed \
             where allowed.project_schema_id = project.project_schema_id \
             and allowed.object_type_id = moved.object_type_id)) \
         from context moved join context project on project.id = moved.project_id where moved.id in below"
    );
    let (outside, not_allowed): (Option<bool>, Option<bool>) = connection
        .prepare_cached(&sql)?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if outside == Some(true) {
        return Err(outside_of_project());
    }
    if not_allowed == Some(true) {
        return Err(not_allowed_by_schema());
    }
    Ok(())
}

/// Returns the project of whatever entity `id` is: a context, an asset or a version.
pub(super) fn project_of_any(work: &UnitOfWork<'_>, id: &str) -> Result<Option<String>, ApiError> {
    let sql = "select project_id from context where id = ?1 \
               union all select project_id from asset where id = ?1 \
               union all select project_id from asset_version where id = ?1";
    let mut statement = work.connection.prepare_cached(sql)?;
    let project: Option<Option<String>> = statement.query_row([id], |row| row.get(0)).optional()?;
    Ok(project.flatten())
}
