//! Completes uploads whose parts have all arrived, those of several files in one call.

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::journal::{AcceptedPart, PartsUpload};
use super::link::Failure;
use super::ticket::call;
use super::upload::Checked;
use super::{Api, ApiError, TransferError};
use crate::error::{Error, ErrorKind};

/// The most uploads that are completed in one call.
const CALL_OPERATIONS: usize = 100;

/// Has uploads completed; cheap to clone.
#[derive(Clone)]
pub(super) struct Completer(mpsc::UnboundedSender<Completion>);

/// An upload to be completed.
pub(super) struct Completion {
    operation: Value,
    completed: oneshot::Sender<Result<(), ApiError>>,
}

impl Completer {
    /// Returns a completer and what [`complete_all`] serves.
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Completion>) {
        let (queue, completions) = mpsc::unbounded_channel();
        (Self(queue), completions)
    }

    /// Makes a file of its parts. When the server refuses, perhaps because it has done so already and the answer was lost, another upload may succeed.
    pub(super) async fn complete(
        &self,
        file: &Checked,
        component_id: &str,
        upload: &PartsUpload,
        parts: &[AcceptedPart],
    ) -> Result<(), Failure> {
        let (completed, outcome) = oneshot::channel();
        let operation = operation(component_id, upload, parts);
        // Both fail only when the transfer ends.
        let _ = self.0.send(Completion {
            operation,
            completed,
        });
        let outcome = outcome.await.map_err(|_| TransferError::WorkerLost)?;
        outcome.map_err(|source| {
            let is_refused = is_refusal(&source);
            let error = TransferError::Incomplete {
                path: file.source.path.clone(),
                source,
            };
            if is_refused {
                Failure::by_new_url(error)
            } else {
                error.into()
            }
        })
    }
}

/// Completes uploads until there is no [`Completer`] any more. What comes while a call is under way waits for the next.
pub(super) async fn complete_all(
    api: &dyn Api,
    mut completions: mpsc::UnboundedReceiver<Completion>,
) {
    while let Some(first) = completions.recv().await {
        let mut batch = vec![first];
        while batch.len() < CALL_OPERATIONS
            && let Ok(next) = completions.try_recv()
        {
            batch.push(next);
        }
        complete_together(api, batch).await;
    }
}

/// Completes uploads in one call. If the server refuses it, one call each shows whose fault it is.
async fn complete_together(api: &dyn Api, batch: Vec<Completion>) {
    let operations = batch.iter().map(|one| one.operation.clone()).collect();
    match call(api, operations).await {
        Err(error) if batch.len() > 1 && is_refusal(&error) => {
            for one in batch {
                let outcome = call(api, vec![one.operation]).await;
                answer(one.completed, outcome.map(drop));
            }
        }
        Err(error) => {
            // One failure ends the transfer, so that the others need not know.
            if let Some(first) = batch.into_iter().next() {
                answer(first.completed, Err(error));
            }
        }
        Ok(_) => batch
            .into_iter()
            .for_each(|one| answer(one.completed, Ok(()))),
    }
}

fn answer(completed: oneshot::Sender<Result<(), ApiError>>, outcome: Result<(), ApiError>) {
    // Nobody waits any longer when the transfer has ended.
    let _ = completed.send(outcome);
}

/// Tells whether the server answered that it will not.
fn is_refusal(error: &ApiError) -> bool {
    error
        .downcast_ref::<Error>()
        .is_some_and(|error| error.kind() == ErrorKind::Server)
}

fn operation(component_id: &str, upload: &PartsUpload, parts: &[AcceptedPart]) -> Value {
    let mut parts: Vec<_> = parts
        .iter()
        .map(|part| json!({"part_number": part.number, "e_tag": part.etag}))
        .collect();
    parts.sort_unstable_by_key(|part| part["part_number"].as_u64());
    json!({
        "action": "complete_multipart_upload",
        "component_id": component_id,
        "upload_id": upload.upload_id,
        "parts": parts,
    })
}
