//! Has the server make media playable, after everything is published.
//!
//! That may take long and can be asked for again, so it is no part of the transaction.

use std::time::{Duration, Instant};

use ftrack_protocol::query::quoted;
use serde_json::{Value, json};

use super::error::PublishError;
use super::lookup::{call, query_operation};
use super::plan::{EncodeSource, PlannedVersion, REVIEWABLE};
use super::rows::{Rows, found};
use super::seal::{Parts, Sealed};
use crate::transfer::Api;

/// Time between two looks at a job. Short clips are encoded in seconds.
const INTERVAL: Duration = Duration::from_millis(500);

/// An encode that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The version, by position.
    pub(super) version: usize,
    version_id: String,
    component_id: String,
    keep_original: bool,
}

impl Wanted {
    /// Returns the encode of a version, if it needs one.
    pub(super) fn of(
        position: usize,
        planned: &PlannedVersion,
        sealed: &Sealed,
        parts: &Parts,
    ) -> Option<Self> {
        let (key, keep_original) = match planned.encode.as_ref()? {
            EncodeSource::Component(name) => (name.as_str(), true),
            EncodeSource::File(_) => (REVIEWABLE, false),
        };
        let id = sealed.id.to_string();
        Some(Self {
            version: position,
            version_id: planned.existing.clone().unwrap_or(id),
            component_id: parts.id(key),
            keep_original,
        })
    }

    fn operation(&self) -> Value {
        json!({
            "action": "encode_media",
            "component_id": self.component_id,
            "version_id": self.version_id,
            "keep_original": self.keep_original,
        })
    }
}

/// Asks for the encodes and returns the id of the job of each.
///
/// After a lost answer, or when the publish was there before, jobs may exist that have the component as their source; those are taken, unless they have failed.
pub(super) async fn request(
    api: &dyn Api,
    wanted: &[Wanted],
    may_exist: bool,
) -> Result<Vec<String>, PublishError> {
    let mut jobs = if may_exist {
        existing(api, wanted).await?
    } else {
        vec![None; wanted.len()]
    };
    let missing: Vec<_> = (0..wanted.len()).filter(|n| jobs[*n].is_none()).collect();
    if !missing.is_empty() {
        let operations = missing.iter().map(|n| wanted[*n].operation()).collect();
        match call(api, "have media encoded", operations).await {
            Ok(answers) => {
                for (n, answer) in missing.iter().zip(&answers) {
                    jobs[*n] = answer["job_id"].as_str().map(str::to_owned);
                }
            }
            Err(error) => {
                jobs = existing(api, wanted).await?;
                if jobs.iter().any(Option::is_none) {
                    return Err(error);
                }
            }
        }
    }
    Ok(jobs.into_iter().map(Option::unwrap_or_default).collect())
}

async fn existing(api: &dyn Api, wanted: &[Wanted]) -> Result<Vec<Option<String>>, PublishError> {
    let operations = wanted
        .iter()
        .map(|encode| {
            let pattern = quoted(&format!("%{}%", encode.component_id));
            query_operation(&format!(
                "select id, status from Job where data like {pattern}"
            ))
        })
        .collect();
    let answers = call(api, "look for encodes", operations).await?;
    Ok(answers.iter().map(usable).collect())
}

/// Returns the job of those found that has ended well, or else one that may.
fn usable(answer: &Value) -> Option<String> {
    let mut rows = Rows::default();
    rows.add(answer);
    let rank = |id: &String| match stage(rows.text(id, "status"), Duration::ZERO) {
        Stage::Done => Some(1),
        Stage::Open { .. } => Some(0),
        Stage::Failed => None,
    };
    let jobs = found(answer).into_iter();
    let ranked = jobs.filter_map(|id| Some((rank(&id)?, id)));
    ranked.max_by_key(|(rank, _)| *rank).map(|(_, id)| id)
}

/// What is known of a job at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is `queued` or `running`, since it was asked for.
    Open { status: String, since: Duration },
    /// It has ended well.
    Done,
    /// It has ended otherwise, or is gone.
    Failed,
}

/// Waits until all jobs have ended. `tell` is told of each at every look; servers say of jobs what they do, but not how far they are.
pub(super) async fn wait(
    api: &dyn Api,
    jobs: &[String],
    mut tell: impl FnMut(usize, Stage),
) -> Result<(), PublishError> {
    let started = Instant::now();
    let mut open: Vec<usize> = (0..jobs.len()).collect();
    loop {
        let ids = super::lookup::id_list(open.iter().map(|n| jobs[*n].as_str()));
        let expression = format!("select id, status from Job where id in ({ids})");
        let answers = call(api, "look at encodes", vec![query_operation(&expression)]).await?;
        let mut rows = Rows::default();
        for answer in &answers {
            rows.add(answer);
        }
        open.retain(|n| {
            let stage = stage(rows.text(&jobs[*n], "status"), started.elapsed());
            let is_open = matches!(stage, Stage::Open { .. });
            tell(*n, stage);
            is_open
        });
        if open.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

fn stage(status: Option<&str>, since: Duration) -> Stage {
    match status {
        Some("done") => Stage::Done,
        Some(status @ ("queued" | "running")) => Stage::Open {
            status: status.to_owned(),
            since,
        },
        _ => Stage::Failed,
    }
}
