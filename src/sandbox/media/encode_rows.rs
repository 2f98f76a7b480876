//! The rows of an encode: its job, its output components, and their way from queued to done or failed.

use ftrack_protocol::DateTime;
use rusqlite::{Connection, Transaction, named_params, params};
use serde_json::{Value, json};

use super::encode::{EncodeTask, Output, OutputRole, job_data};
use super::file_id::FileId;
use crate::error::ApiError;

/// The id of the location `ftrack.server`, the same on every server.
const SERVER_LOCATION: &str = "3a372bde-05bc-11e4-8908-20c9d081909b";

/// Guess: the type of the job; only `api_job`, which clients make themselves, is known.
const JOB_TYPE: &str = "encode_media";

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// It waits for its turn.
    Queued,
    /// It is being worked on.
    Running,
    /// All outputs are there.
    Done,
    /// There are no outputs.
    Failed {
        /// One sentence for people.
        reason: String,
    },
}

impl JobState {
    const fn status(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed { .. } => "failed",
        }
    }

    const fn is_final(&self) -> bool {
        matches!(self, Self::Done | Self::Failed { .. })
    }
}

/// A finished output: its file is in place.
#[derive(Debug, Clone, PartialEq)]
pub struct Filled {
    /// The component.
    pub component: FileId,
    /// What it is for.
    pub role: OutputRole,
    /// Size of the file in bytes.
    pub size: u64,
    /// What web players read: the `ftr_meta` metadata.
    pub review: Value,
}

/// Creates the job and the empty outputs.
pub fn create(
    transaction: &Transaction<'_>,
    task: &EncodeTask,
    user_id: &str,
) -> Result<(), ApiError> {
    transaction
        .prepare_cached(
            "insert into job (id, status, user_id, data, type, created_at)
             values (:id, :status, :user, :data, :type, :now)",
        )?
        .execute(named_params! {
            ":id": task.job_id,
            ":status": JobState::Queued.status(),
            ":user": user_id,
            ":data": job_data(task, &JobState::Queued).to_string(),
            ":type": JOB_TYPE,
            ":now": DateTime::now().to_naive_seconds(),
        })?;
    task.outputs
        .iter()
        .try_for_each(|output| create_output(transaction, task, output))
}

/// Records where a job stands.
pub fn set_state(
    transaction: &Transaction<'_>,
    task: &EncodeTask,
    state: &JobState,
) -> Result<(), ApiError> {
    let finished_at = state.is_final().then(|| DateTime::now().to_naive_seconds());
    transaction
        .prepare_cached("update job set status = ?2, data = ?3, finished_at = ?4 where id = ?1")?
        .execute(params![
            task.job_id,
            state.status(),
            job_data(task, state).to_string(),
            finished_at
        ])?;
    Ok(())
}

/// Makes the outputs visible: sizes, metadata, the server's location, the version's thumbnail.
pub fn fill(
    transaction: &Transaction<'_>,
    task: &EncodeTask,
    outputs: &[Filled],
) -> Result<(), ApiError> {
    for output in outputs {
        let id = output.component.as_str();
        transaction
            .prepare_cached("update component set size = ?2 where id = ?1")?
            .execute(params![id, i64::try_from(output.size).unwrap_or(i64::MAX)])?;
        set_review(transaction, id, &output.review.to_string())?;
        transaction
            .prepare_cached(
                "insert into component_location (id, component_id, location_id, resource_identifier)
                 values (?1, ?2, ?3, ?2)",
            )?
            .execute(params![FileId::unique().as_str(), id, SERVER_LOCATION])?;
    }
    let thumbnail = outputs
        .iter()
        .find(|output| output.role == OutputRole::Thumbnail);
    if let (Some(version), Some(thumbnail)) = (&task.version_id, thumbnail) {
        transaction
            .prepare_cached("update asset_version set thumbnail_id = ?2 where id = ?1")?
            .execute(params![version, thumbnail.component.as_str()])?;
    }
    Ok(())
}

/// Removes a component with all that belongs to it.
pub fn remove_component(transaction: &Transaction<'_>, component: &FileId) -> Result<(), ApiError> {
    let statements = [
        "delete from component_location where component_id = ?1",
        "delete from job_component where component_id = ?1",
        "delete from metadata where parent_id = ?1",
        "delete from component where id = ?1",
    ];
    for statement in statements {
        transaction
            .prepare_cached(statement)?
            .execute([component.as_str()])?;
    }
    Ok(())
}

/// Fails the jobs that an earlier run of the server left unfinished, and removes their empty outputs.
pub fn abandon_unfinished(transaction: &Transaction<'_>) -> Result<(), ApiError> {
    for (job_id, mut data) in unfinished(transaction)? {
        let outputs = data["output"].take();
        for output in outputs.as_array().into_iter().flatten() {
            if let Some(Ok(component)) = output["component_id"].as_str().map(FileId::parse) {
                remove_component(transaction, &component)?;
            }
        }
        data["output"] = json!([]);
        data["error"] = json!("the server was stopped before the media was encoded");
        transaction
            .prepare_cached(
                "update job set status = 'failed', data = ?2, finished_at = ?3 where id = ?1",
            )?
            .execute(params![
                job_id,
                data.to_string(),
                DateTime::now().to_naive_seconds()
            ])?;
    }
    Ok(())
}

fn unfinished(database: &Connection) -> Result<Vec<(String, Value)>, ApiError> {
    let mut jobs = database.prepare_cached(
        "select id, data from job where type = ?1 and status in ('queued', 'running')",
    )?;
    let rows = jobs.query_map([JOB_TYPE], |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?))
    })?;
    rows.map(|row| {
        let (id, data) = row?;
        Ok((
            id,
            serde_json::from_str(&data).unwrap_or_else(|_| json!({})),
        ))
    })
    .collect()
}

fn create_output(
    transaction: &Transaction<'_>,
    task: &EncodeTask,
    output: &Output,
) -> Result<(), ApiError> {
    let id = output.component.as_str();
    transaction
        .prepare_cached(
            "insert into component (id, system_type, name, file_type, size, version_id)
             values (:id, 'file', :name, :file_type, 0, :version)",
        )?
        .execute(named_params! {
            ":id": id,
            ":name": output.role.name(),
            ":file_type": output.role.file_type(),
            ":version": task.version_id,
        })?;
    transaction
        .prepare_cached("insert into job_component (job_id, component_id) values (?1, ?2)")?
        .execute([task.job_id.as_str(), id])?;
    // ftrack answers this very word until the encode is done.
    set_review(transaction, id, &json!("encoding").to_string())
}

fn set_review(transaction: &Transaction<'_>, component: &str, value: &str) -> Result<(), ApiError> {
    transaction
        .prepare_cached(
            "insert or replace into metadata (parent_id, parent_type, key, value)
             values (?1, 'filecomponent', 'ftr_meta', ?2)",
        )?
        .execute([component, value])?;
    Ok(())
}
