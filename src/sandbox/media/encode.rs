//! `encode_media`: what is decided, and written to the database, before anything is encoded.
//!
//! The operation answers at once: the job and the output components exist from then on, the work is done behind it by
//! [`queue`](super::queue).

use rusqlite::{Connection, OptionalExtension as _};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::encode_rows::{self, JobState};
use super::file_id::FileId;
use super::file_type::{MediaKind, media_kind};
use super::pending::PendingFiles;
use crate::app::{Batch, Caller};
use crate::error::ApiError;
use crate::semantics::UnitOfWork;

/// One encode: a file, what becomes of it, and the rows that are waiting for the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeTask {
    /// The job that reports on it.
    pub job_id: String,
    /// Who asked for it.
    pub caller: Caller,
    /// The component whose file is encoded.
    pub source: FileId,
    /// How the file is read.
    pub kind: MediaKind,
    /// The components to fill.
    pub outputs: Vec<Output>,
    /// The version that gets the thumbnail.
    pub version_id: Option<String>,
    /// Whether the source stays.
    pub keep_original: bool,
}

/// One component that an encode fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The id of the component.
    pub component: FileId,
    /// What it is for.
    pub role: OutputRole,
}

/// What an output is for; web players find outputs by these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputRole {
    /// The movie that browsers play.
    Movie,
    /// The still that browsers show.
    Image,
    /// The small picture.
    Thumbnail,
}

impl OutputRole {
    /// The name of the component.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Movie => "ftrackreview-mp4",
            Self::Image => "ftrackreview-image",
            Self::Thumbnail => "thumbnail",
        }
    }

    /// The file type of the component.
    pub const fn file_type(self) -> &'static str {
        match self {
            Self::Movie => ".mp4",
            Self::Image | Self::Thumbnail => ".jpg",
        }
    }

    /// The format in the job's data.
    pub const fn format(self) -> &'static str {
        match self {
            Self::Movie => "video/mp4",
            Self::Image | Self::Thumbnail => "image/jpeg",
        }
    }
}

/// Answers `encode_media`: makes the job and its output components, and has the work begin once they are committed.
///
/// # Errors
/// The component or the version does not exist, the component has no file on this server, or its file type is no
/// picture. What turns up later, a broken file or a missing ffmpeg, makes the job fail instead.
pub fn encode_media(
    work: &mut UnitOfWork<'_>,
    batch: &mut Batch,
    arriving: &PendingFiles,
    operation: &Map<String, Value>,
) -> Result<Value, ApiError> {
    let request = Request::deserialize(operation)
        .map_err(|error| ApiError::validation(format!("encode_media: {error}.")))?;
    let task = plan(work.connection, batch, arriving, request)?;
    encode_rows::create(work, &task)?;
    let answer = json!({"action": "encode_media", "job_id": task.job_id});
    batch.after_commit(move |app| app.encodes.submit(task));
    Ok(answer)
}

/// Returns the job's data: what clients poll for.
pub fn job_data(task: &EncodeTask, state: &JobState) -> Value {
    let output = |output: &Output| json!({"format": output.role.format(), "component_id": output.component.as_str()});
    let mut data = json!({
        "output": task.outputs.iter().map(output).collect::<Vec<_>>(),
        "source_component_id": task.source.as_str(),
        "keep_original": task.keep_original,
    });
    if let JobState::Failed { reason } = state {
        // The outputs are gone with the failure.
        data["output"] = json!([]);
        data["error"] = json!(reason);
    }
    data
}

#[derive(Deserialize)]
struct Request {
    component_id: String,
    version_id: Option<String>,
    #[serde(default = "keep")]
    keep_original: bool,
}

/// Guess: without being told, the server destroys nothing.
const fn keep() -> bool {
    true
}

fn plan(
    connection: &Connection,
    batch: &Batch,
    arriving: &PendingFiles,
    request: Request,
) -> Result<EncodeTask, ApiError> {
    let source = FileId::parse(&request.component_id)?;
    let kind = source_kind(connection, &source)?;
    if !arriving.bring(&source) && !batch.app.files.path(&source).is_file() {
        return Err(ApiError::validation(format!(
            "Component {source} has no file in ftrack.server."
        )));
    }
    if let Some(version) = &request.version_id {
        check_version(connection, version)?;
    }
    let roles = match kind {
        MediaKind::Movie => [OutputRole::Movie, OutputRole::Thumbnail],
        MediaKind::Still | MediaKind::ForeignStill => [OutputRole::Image, OutputRole::Thumbnail],
    };
    Ok(EncodeTask {
        job_id: FileId::unique().to_string(),
        caller: batch.caller.clone(),
        source,
        kind,
        outputs: roles
            .map(|role| Output {
                component: FileId::unique(),
                role,
            })
            .into(),
        version_id: request.version_id,
        keep_original: request.keep_original,
    })
}

fn source_kind(connection: &Connection, source: &FileId) -> Result<MediaKind, ApiError> {
    let file_type: Option<String> = connection
        .prepare_cached("select coalesce(file_type, '') from component where id = ?1")?
        .query_row([source.as_str()], |row| row.get(0))
        .optional()?;
    let file_type = file_type
        .ok_or_else(|| ApiError::validation(format!("Component {source} does not exist.")))?;
    media_kind(&file_type).ok_or_else(|| {
        ApiError::validation(format!(
            "Component {source} cannot be encoded: {file_type:?} is no type of picture."
        ))
    })
}

fn check_version(connection: &Connection, version: &str) -> Result<(), ApiError> {
    let exists = connection
        .prepare_cached("select 1 from asset_version where id = ?1")?
        .exists([version])?;
    if exists {
        Ok(())
    } else {
        Err(ApiError::validation(format!(
            "AssetVersion {version} does not exist."
        )))
    }
}
