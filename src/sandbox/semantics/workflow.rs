//! The status and the type that something gets when nobody chooses one.

use rusqlite::{OptionalExtension, Params};

use crate::error::ApiError;

use super::unit_of_work::UnitOfWork;

/// What a context of one object type and task type starts with.
#[derive(Debug, Clone, Default)]
pub(super) struct Defaults {
    pub status_id: Option<String>,
    pub type_id: Option<String>,
}

/// Of several statuses one that says nothing has been done yet, and of those the last in the list, as ftrack lists
/// what is done on top.
const FIRST: &str = "left join state on state.id = status.state_id \
                     order by state.short is not 'NOT_STARTED', status.sort desc, status.id limit 1";

/// Returns the defaults in projects of the schema `schema`.
///
/// Guess: the order in which ftrack looks; the overrides of a type come before the statuses of the object type, and
/// those before the ones of the workflow.
pub(super) fn defaults(
    work: &mut UnitOfWork<'_>,
    schema: &str,
    object_type: &str,
    type_id: Option<String>,
) -> Result<Defaults, ApiError> {
    let key = (schema.to_owned(), object_type.to_owned(), type_id);
    if let Some(defaults) = work.contexts.defaults.get(&key) {
        return Ok(defaults.clone());
    }
    let type_id = key.2.as_deref();
    let defaults = Defaults {
        status_id: task_status(work, schema, object_type, type_id)?,
        type_id: task_type(work, schema, object_type)?,
    };
    work.contexts.defaults.insert(key, defaults.clone());
    Ok(defaults)
}

/// Returns the status of a new asset version in projects of the schema `schema`.
pub(super) fn version_status(
    work: &UnitOfWork<'_>,
    schema: &str,
) -> Result<Option<String>, ApiError> {
    let sql = "from project_schema \
               join workflow_schema_status on workflow_schema_id = asset_version_workflow_schema_id \
               join status on status.id = workflow_schema_status.status_id";
    let found = first_status(
        work,
        &format!("{sql} {}", ordered("project_schema.id = ?1")),
        [schema],
    )?;
    match found {
        None => first_status(work, &format!("from status {FIRST}"), []),
        found => Ok(found),
    }
}

fn task_status(
    work: &UnitOfWork<'_>,
    schema: &str,
    object_type: &str,
    type_id: Option<&str>,
) -> Result<Option<String>, ApiError> {
    let overridden = format!(
        "from project_schema_override schema \
         join workflow_schema_status link on link.workflow_schema_id = schema.workflow_schema_id \
         join status on status.id = link.status_id {}",
        ordered("schema.project_schema_id = ?1 and schema.type_id = ?2")
    );
    let of_object_type = format!(
        "from schema join schema_status link on link.schema_id = schema.id \
         join status on status.id = link.status_id {}",
        ordered("schema.project_schema_id = ?1 and schema.type_id = ?2")
    );
    let of_workflow = format!(
        "from project_schema schema \
         join workflow_schema_status link on link.workflow_schema_id = schema.task_workflow_schema_id \
         join status on status.id = link.status_id {}",
        ordered("schema.id = ?1")
    );
    if let Some(status) = first_status(work, &overridden, (schema, type_id))? {
        return Ok(Some(status));
    }
    if let Some(status) = first_status(work, &of_object_type, (schema, object_type))? {
        return Ok(Some(status));
    }
    if let Some(status) = first_status(work, &of_workflow, [schema])? {
        return Ok(Some(status));
    }
    first_status(work, &format!("from status {FIRST}"), [])
}

fn ordered(condition: &str) -> String {
    FIRST.replacen("order by", &format!("where {condition} order by"), 1)
}

fn first_status(
    work: &UnitOfWork<'_>,
    from: &str,
    params: impl Params,
) -> Result<Option<String>, ApiError> {
    let mut statement = work
        .connection
        .prepare_cached(&format!("select status.id {from}"))?;
    Ok(statement.query_row(params, |row| row.get(0)).optional()?)
}

fn task_type(
    work: &UnitOfWork<'_>,
    schema: &str,
    object_type: &str,
) -> Result<Option<String>, ApiError> {
    let of_object_type = "select schema_type.type_id from schema join schema_type on schema_id = schema.id \
                          join type on type.id = schema_type.type_id \
                          where project_schema_id = ?1 and schema.type_id = ?2 \
                          order by schema_type.sort, type.sort, type.name limit 1";
    let of_schema = "select type.id from project_schema \
                     join task_type_schema_type link on link.task_type_schema_id = project_schema.task_type_schema_id \
                     join type on type.id = link.type_id \
                     where project_schema.id = ?1 order by type.sort, type.name limit 1";
    let connection = work.connection;
    let own: Option<String> = connection
        .prepare_cached(of_object_type)?
        .query_row([schema, object_type], |row| row.get(0))
        .optional()?;
    if own.is_some() {
        return Ok(own);
    }
    let mut statement = connection.prepare_cached(of_schema)?;
    if let Some(id) = statement.query_row([schema], |row| row.get(0)).optional()? {
        return Ok(Some(id));
    }
    let any = "select id from type order by sort, name limit 1";
    Ok(connection
        .prepare_cached(any)?
        .query_row([], |row| row.get(0))
        .optional()?)
}
