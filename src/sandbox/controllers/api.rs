//! `POST /api`: a batch of operations in, their results out.
//!
//! A batch is one transaction. When any operation fails, nothing of the batch stays and the whole answer is one error
//! object in place of the array of results.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use rusqlite::Transaction;
use serde_json::json;

use crate::{
    app::{App, AppState, Batch, Caller},
    controllers::{
        auth, batch, limits,
        operation::{self, MalformedBody, Operation},
    },
    encode::ReadOptions,
    error::ApiError,
    events::update::ClientTokens,
};

/// Answers a call.
pub async fn handle(State(app): State<AppState>, headers: HeaderMap, body: Bytes) -> Response {
    let options = read_options(&app, &headers);
    let strict = options.strict;
    match answer(app, &headers, &body, options).await {
        Ok(answer) => answer.into_response(),
        Err(Refusal::Malformed(error)) => malformed(&error),
        Err(Refusal::Failed(error)) => {
            (error.status(strict), Json(error.to_json())).into_response()
        }
    }
}

/// The results of a batch, and a cookie if it changed whom the session acts as.
struct Answer {
    results: Vec<u8>,
    cookie: Option<String>,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let json = [(header::CONTENT_TYPE, "application/json")];
        match self.cookie {
            None => (json, self.results).into_response(),
            Some(cookie) => (json, [(header::SET_COOKIE, cookie)], self.results).into_response(),
        }
    }
}

/// Why there are no results.
enum Refusal {
    Malformed(MalformedBody),
    Failed(ApiError),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

async fn answer(
    app: AppState,
    headers: &HeaderMap,
    body: &[u8],
    options: ReadOptions,
) -> Result<Answer, Refusal> {
    let caller = auth::from_headers(&app, headers).await?;
    let operations = operation::decode(body).map_err(Refusal::Malformed)?;
    limits::check(&app.config, &operations)?;
    refuse_read_only(&caller, &operations)?;
    let store = app.store.clone();
    if !operations.iter().any(Operation::writes) {
        let read = store
            .read(move |connection| batch::read(connection, &app, &caller, &operations, &options));
        return Ok(Answer {
            results: read.await?,
            cookie: None,
        });
    }
    let mut shared = Batch::new(app, caller);
    shared.tokens = ClientTokens::read(headers);
    let write = move |transaction: &Transaction<'_>| {
        let results = batch::write(transaction, &mut shared, &operations, &options)?;
        Ok((results, shared))
    };
    // Not here: a client that hangs up ends this task, but not what it has begun.
    let committed = |(results, mut shared): (Vec<u8>, Batch)| {
        let cookie = shared.cookie.take();
        shared.committed();
        Answer { results, cookie }
    };
    Ok(store.write_then(write, committed).await?)
}

/// Refuses changes in the name of a user who was assumed for reading only.
fn refuse_read_only(caller: &Caller, operations: &[Operation]) -> Result<(), ApiError> {
    let is_read_only = caller
        .assumed_by
        .as_ref()
        .is_some_and(|assumed| assumed.is_read_only);
    let changes = |operation: &Operation| {
        operation.changes_files() || operation.writes() && !operation.ends_assumption()
    };
    if is_read_only && operations.iter().any(changes) {
        let content = "The user was assumed for reading only.";
        return Err(ApiError::permission(content));
    }
    Ok(())
}

/// The form in which ftrack's web framework refuses bodies it cannot read.
fn malformed(error: &MalformedBody) -> Response {
    let detail = |fault: &operation::Fault| json!({"loc": fault.location, "msg": fault.message, "type": fault.code});
    let details: Vec<_> = error.faults.iter().map(detail).collect();
    let body = Json(json!({"detail": details}));
    (StatusCode::UNPROCESSABLE_ENTITY, body).into_response()
}

/// Reads `ftrack-strict-api: true` and `ftrack-api-options: strict:1;denormalize:1`.
fn read_options(app: &App, headers: &HeaderMap) -> ReadOptions {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let options = text("ftrack-api-options");
    let strict = is_true(text("ftrack-strict-api")) || is_set(options, "strict");
    ReadOptions {
        strict,
        // ftrack denormalizes for strict clients only.
        denormalize: strict && is_set(options, "denormalize"),
        base_url: app.base_url.clone(),
        signer: Some(Arc::clone(&app.signer)),
        // Whose call it is comes out later.
        hidden_attributes: Vec::new(),
    }
}

fn is_set(options: &str, name: &str) -> bool {
    // The documentation separates name and value by an equals sign, the JavaScript client by a colon.
    let mut pairs = options
        .split(';')
        .filter_map(|option| option.split_once([':', '=']));
    pairs.any(|(option, value)| option.trim().eq_ignore_ascii_case(name) && is_true(value))
}

fn is_true(text: &str) -> bool {
    let text = text.trim();
    text == "1" || text.eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_options_with_either_separator() {
        assert!(is_set("strict:1;denormalize:1", "denormalize"));
        assert!(is_set("denormalize=TRUE; strict=0", "denormalize"));
        assert!(!is_set("denormalize=true;strict=0", "strict"));
        assert!(!is_set("", "strict"));
    }
}
