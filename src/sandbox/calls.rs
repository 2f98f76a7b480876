//! The log of API calls, kept in memory: what tests and the demo count.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::time::Instant;

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use serde::Deserialize;

use crate::app::AppState;
use crate::error::ApiError;

/// One call of `POST /api`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// The actions of the batch in order; empty when the body could not be read.
    pub actions: Vec<String>,
    /// Size of the body that came, in bytes.
    pub request_bytes: usize,
    /// Size of the body that was answered, in bytes.
    pub response_bytes: u64,
    /// Time from the whole request to the answer, in microseconds.
    pub micros: u64,
}

/// The latest calls, oldest first.
#[derive(Debug, Default)]
pub struct CallLog {
    records: Mutex<VecDeque<CallRecord>>,
}

impl CallLog {
    /// The most records kept: a few MB of memory, and far more than a test or a demo looks at.
    const CAPACITY: usize = 10_000;

    /// Returns the latest calls, oldest first.
    pub fn records(&self) -> Vec<CallRecord> {
        self.records.lock().iter().cloned().collect()
    }

    fn push(&self, record: CallRecord) {
        let mut records = self.records.lock();
        if records.len() == Self::CAPACITY {
            records.pop_front();
        }
        records.push_back(record);
    }
}

/// Middleware that reads the whole body, up to the limit, and logs the call with its answer.
pub async fn log_call(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let limit = app.config.body_limit;
    let Ok(bytes) = to_bytes(body, limit).await else {
        let error = ApiError::validation(format!(
            "The body of an API call is limited to {limit} bytes."
        ));
        return (StatusCode::PAYLOAD_TOO_LARGE, error).into_response();
    };
    let started = Instant::now();
    let actions = actions(&bytes);
    let request_bytes = bytes.len();
    let response = next.run(Request::from_parts(head, Body::from(bytes))).await;
    app.calls.push(CallRecord {
        actions,
        request_bytes,
        response_bytes: response.body().size_hint().exact().unwrap_or_default(),
        micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
    });
    response
}

fn actions(body: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Operation<'a> {
        #[serde(borrow)]
        action: Cow<'a, str>,
    }
    let operations: Vec<Operation<'_>> = serde_json::from_slice(body).unwrap_or_default();
    operations
        .into_iter()
        .map(|operation| operation.action.into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_actions_of_a_batch() {
        let body = br#"[{"action":"create","entity_data":{"action":"x"}},{"expression":"","action":"que\u0072y"}]"#;
        assert_eq!(actions(body), ["create", "query"]);
        assert!(actions(b"{").is_empty());
    }

    #[test]
    fn forgets_the_oldest_calls() {
        let log = CallLog::default();
        let record = |micros| CallRecord {
            actions: vec![],
            request_bytes: 0,
            response_bytes: 0,
            micros,
        };
        (0..=CallLog::CAPACITY as u64).for_each(|micros| log.push(record(micros)));
        assert_eq!(log.records().len(), CallLog::CAPACITY);
        assert_eq!(log.records()[0].micros, 1);
    }
}
