//! The entities of an encode: its job, its output components, and their way from queued to done or failed.
//!
//! They are written by the same rules as what clients write, so that nobody can tell the difference.

use ftrack_protocol::Value;
use rusqlite::{Connection, Transaction};
use serde_json::{Map, json};
use tracing::warn;

use super::encode::{EncodeTask, Output, OutputRole, job_data};
use super::file_id::FileId;
use super::files::SERVER_LOCATION;
use crate::app::Caller;
use crate::error::{ApiError, ErrorKind};
use crate::operations::entity;
use crate::semantics::{self, UnitOfWork};

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
    pub review: serde_json::Value,
}

/// Creates the job and the empty outputs.
pub fn create(work: &mut UnitOfWork<'_>, task: &EncodeTask) -> Result<(), ApiError> {
    let state = JobState::Queued;
    let job = [
        ("type", JOB_TYPE.into()),
        ("status", state.status().into()),
        ("data", text(&job_data(task, &state))),
    ];
    semantics::create(work, &entity("Job", &[&task.job_id], job))?;
    task.outputs
        .iter()
        .try_for_each(|output| create_output(work, task, output))
}

/// Records where a job stands.
pub fn set_state(
    work: &mut UnitOfWork<'_>,
    task: &EncodeTask,
    state: &JobState,
) -> Result<(), ApiError> {
    let changes = [
        ("status", state.status().into()),
        ("data", text(&job_data(task, state))),
    ];
    semantics::update(work, &entity("Job", &[&task.job_id], changes))?;
    Ok(())
}

/// Makes the outputs visible: sizes, metadata, the server's location, the version's thumbnail.
pub fn fill(
    work: &mut UnitOfWork<'_>,
    task: &EncodeTask,
    outputs: &[Filled],
) -> Result<(), ApiError> {
    for output in outputs {
        let id = output.component.as_str();
        let size = Value::Int(i64::try_from(output.size).unwrap_or(i64::MAX));
        semantics::update(work, &entity("FileComponent", &[id], [("size", size)]))?;
        set_review(work, id, &output.review)?;
        let location = [
            ("component_id", id.into()),
            ("location_id", SERVER_LOCATION.into()),
            ("resource_identifier", id.into()),
        ];
        semantics::create(
            work,
            &entity("ComponentLocation", &[FileId::unique().as_str()], location),
        )?;
    }
    let thumbnail = outputs
        .iter()
        .find(|output| output.role == OutputRole::Thumbnail);
    if let (Some(version), Some(thumbnail)) = (&task.version_id, thumbnail) {
        let changes = [("thumbnail_id", thumbnail.component.as_str().into())];
        semantics::update(work, &entity("AssetVersion", &[version], changes))?;
    }
    Ok(())
}

/// Removes a component with all that belongs to it; one that is gone already is no problem.
pub fn remove_component(work: &mut UnitOfWork<'_>, component: &str) -> Result<(), ApiError> {
    match semantics::delete(work, "FileComponent", &[component.into()]) {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Fails the jobs that an earlier run of the server left unfinished, and removes their empty outputs.
///
/// Clients can make such jobs as well, with any data: one that cannot be failed is left as it is.
pub fn abandon_unfinished(transaction: &Transaction<'_>) -> Result<(), ApiError> {
    for job in unfinished(transaction)? {
        let job_id = job.job_id.clone();
        if let Err(error) = abandon(transaction, job) {
            warn!(job_id, %error, "a job of an earlier run could not be failed");
        }
    }
    Ok(())
}

fn abandon(transaction: &Transaction<'_>, job: Unfinished) -> Result<(), ApiError> {
    let Unfinished {
        job_id,
        mut data,
        caller,
    } = job;
    let work = &mut UnitOfWork::new(transaction, &caller);
    let outputs = data.remove("output").unwrap_or_default();
    for output in outputs.as_array().into_iter().flatten() {
        remove_component(work, output["component_id"].as_str().unwrap_or_default())?;
    }
    let error = "the server was stopped before the media was encoded";
    data.insert("output".to_owned(), json!([]));
    data.insert("error".to_owned(), json!(error));
    let changes = [("status", "failed".into()), ("data", text(&data.into()))];
    semantics::update(work, &entity("Job", &[&job_id], changes))?;
    work.finish()
}

struct Unfinished {
    job_id: String,
    data: Map<String, serde_json::Value>,
    caller: Caller,
}

fn unfinished(database: &Connection) -> Result<Vec<Unfinished>, ApiError> {
    let mut jobs = database.prepare_cached(
        "select job.id, coalesce(job.data, ''), coalesce(job.user_id, ''), coalesce(resource.username, '')
         from job left join resource on resource.id = job.user_id
         where job.type = ?1 and job.status in ('queued', 'running')",
    )?;
    let rows = jobs.query_map([JOB_TYPE], |row| {
        let data: String = row.get(1)?;
        Ok(Unfinished {
            job_id: row.get(0)?,
            data: serde_json::from_str(&data).unwrap_or_default(),
            caller: Caller {
                user_id: row.get(2)?,
                username: row.get(3)?,
                key: None,
                assumed_by: None,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn create_output(
    work: &mut UnitOfWork<'_>,
    task: &EncodeTask,
    output: &Output,
) -> Result<(), ApiError> {
    let id = output.component.as_str();
    let component = [
        ("name", output.role.name().into()),
        ("file_type", output.role.file_type().into()),
        (
            "version_id",
            task.version_id.as_deref().map_or(Value::Null, Value::text),
        ),
    ];
    semantics::create(work, &entity("FileComponent", &[id], component))?;
    let link = [
        ("component_id", id.into()),
        ("job_id", task.job_id.as_str().into()),
    ];
    semantics::create(work, &entity("JobComponent", &[id, &task.job_id], link))?;
    // ftrack answers this very word until the encode is done.
    set_review(work, id, &json!("encoding"))
}

/// Sets the metadata that web players read; creating what exists replaces it.
fn set_review(
    work: &mut UnitOfWork<'_>,
    component: &str,
    review: &serde_json::Value,
) -> Result<(), ApiError> {
    let metadata = [
        ("parent_id", component.into()),
        ("parent_type", "FileComponent".into()),
        ("key", "ftr_meta".into()),
        ("value", text(review)),
    ];
    semantics::create(
        work,
        &entity("Metadata", &[component, "ftr_meta"], metadata),
    )?;
    Ok(())
}

fn text(json: &serde_json::Value) -> Value {
    Value::text(json.to_string())
}
