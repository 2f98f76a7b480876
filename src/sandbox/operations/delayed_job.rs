//! `delayed_job`: work that the server does later.

use serde_json::json;

use super::{Arguments, Outcome, Writing, entity};
use crate::{
    app::{AppState, Caller},
    error::ApiError,
    semantics,
};

/// The work that ftrack's clients know of: users are taken over from a directory, which the sandbox does not have.
const JOB_TYPES: &[&str] = &["SYNC_USERS_LDAP"];

/// Answers a job, which is done soon after, as there is nothing to do.
pub(super) fn delayed_job(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let job_type = arguments.text("job_type")?;
    if !JOB_TYPES.contains(&job_type) {
        return Err(ApiError::validation(format!(
            "No job of type '{job_type}' exists."
        )));
    }
    let id = uuid::Uuid::new_v4().to_string();
    let data = json!({"description": job_type}).to_string();
    let attributes = [("status", "running".into()), ("data", data.as_str().into())];
    let job = semantics::create(writing.work, &entity("Job", &[&id], attributes))?;
    let caller = writing.batch.caller.clone();
    writing.batch.after_commit(move |app| {
        // A server that stops in between leaves the job as it is.
        tokio::spawn(finish(app.clone(), caller, id));
    });
    Ok(Outcome::Entity(job))
}

/// Ends the job, and tells those who wait for it.
async fn finish(app: AppState, caller: Caller, id: String) {
    let ended = app.change(caller, move |work| {
        let done = entity("Job", &[&id], [("status", "done".into())]);
        semantics::update(work, &done).map(drop)
    });
    if let Err(error) = ended.await {
        tracing::warn!(%error, "a job could not be ended");
    }
}
