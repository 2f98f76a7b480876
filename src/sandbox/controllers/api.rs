//! `POST /api`: a batch of operations in, their results out.
//!
//! A batch is one transaction. When any operation fails, nothing of the batch stays and the whole answer is one error
//! object in place of the array of results.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    app::{App, AppState, Batch},
    controllers::{
        auth, batch,
        operation::{self, MalformedBody},
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
        Ok(results) => ([(header::CONTENT_TYPE, "application/json")], results).into_response(),
        Err(Refusal::Malformed(error)) => malformed(&error),
        Err(Refusal::Failed(error)) => {
            (error.status(strict), Json(error.to_json())).into_response()
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
) -> Result<Vec<u8>, Refusal> {
    let caller = auth::from_headers(&app, headers).await?;
    let operations = operation::decode(body).map_err(Refusal::Malformed)?;
    let store = app.store.clone();
    if !operations.iter().any(operation::Operation::writes) {
        let results =
            store.read(move |connection| batch::read(connection, &app, &operations, &options));
        return Ok(results.await?);
    }
    let mut shared = Batch::new(app, caller);
    shared.tokens = ClientTokens::read(headers);
    let written = store.write(move |transaction| {
        let mut shared = shared;
        let results = batch::write(transaction, &mut shared, &operations, &options)?;
        Ok((results, shared))
    });
    let (results, shared) = written.await?;
    shared.committed();
    Ok(results)
}

/// The form in which ftrack's web framework refuses bodies it cannot read.
fn malformed(error: &MalformedBody) -> Response {
    let detail = json!({"detail": [{
        "loc": error.location,
        "msg": error.message,
        "type": "value_error",
    }]});
    (StatusCode::UNPROCESSABLE_ENTITY, Json(detail)).into_response()
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
    ReadOptions {
        strict: is_true(text("ftrack-strict-api")) || is_set(options, "strict"),
        denormalize: is_set(options, "denormalize"),
        base_url: app.base_url.clone(),
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
