//! What people who test do to a running server from outside: set faults, read the log, go back to the start.
//!
//! The endpoints take the key of an API call, and no fault reaches them.

use axum::Json;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth;
use crate::app::AppState;
use crate::calls::{CallFilter, CallRecord};
use crate::error::ApiError;
use crate::events::EventRecord;
use crate::faults::{Endpoint, Fault};
use crate::snapshot::{self, SnapshotError};

/// A request with a valid key.
pub struct Authorized;

impl FromRequestParts<AppState> for Authorized {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        auth::from_headers(app, &parts.headers).await?;
        Ok(Self)
    }
}

/// `POST /sandbox/faults`: sets the faults of the body, one a line in their text form, and answers their ids.
pub async fn set_faults(
    State(app): State<AppState>,
    _: Authorized,
    body: String,
) -> Result<Json<Value>, ApiError> {
    let lines = body.lines().map(str::trim).filter(|line| !line.is_empty());
    let faults: Result<Vec<Fault>, _> = lines.map(str::parse).collect();
    let faults = faults.map_err(|error| ApiError::validation(error.to_string()))?;
    let set = |fault| app.faults.set(fault, Some(&app.events)).0;
    let ids: Vec<u64> = faults.into_iter().map(set).collect();
    Ok(Json(json!({"ids": ids})))
}

/// `GET /sandbox/faults`: answers the faults that are set and how often each has met a request.
pub async fn list_faults(State(app): State<AppState>, _: Authorized) -> Json<Value> {
    let statuses = app.faults.list();
    let statuses = statuses.iter().map(|status| {
        json!({
            "id": status.id.0,
            "fault": status.fault.to_string(),
            "matched": status.matched,
            "fired": status.fired,
        })
    });
    Json(statuses.collect())
}

/// `DELETE /sandbox/faults`: removes all faults.
pub async fn clear_faults(State(app): State<AppState>, _: Authorized) -> StatusCode {
    app.faults.clear(Some(&app.events));
    StatusCode::NO_CONTENT
}

/// Which calls to answer.
#[derive(Deserialize)]
pub struct CallQuery {
    endpoint: Option<String>,
    action: Option<String>,
}

/// `GET /sandbox/calls?endpoint=...&action=...`: answers the log, oldest first.
pub async fn calls(
    State(app): State<AppState>,
    _: Authorized,
    Query(CallQuery { endpoint, action }): Query<CallQuery>,
) -> Result<Json<Value>, ApiError> {
    let find = |name: String| {
        Endpoint::from_name(&name)
            .ok_or_else(|| ApiError::validation(format!("No endpoint is called {name:?}.")))
    };
    let endpoint = endpoint.map(find).transpose()?;
    let filter = CallFilter { endpoint, action };
    let records = app.calls.records(|record| filter.matches(record));
    Ok(Json(records.iter().map(CallRecord::to_json).collect()))
}

/// Which events to answer.
#[derive(Deserialize)]
pub struct EventQuery {
    topic: Option<String>,
}

/// `GET /sandbox/events?topic=...`: answers the log of events, oldest first.
pub async fn events(
    State(app): State<AppState>,
    _: Authorized,
    Query(EventQuery { topic }): Query<EventQuery>,
) -> Json<Value> {
    let records = app.events.records(topic.as_deref());
    Json(records.iter().map(EventRecord::to_json).collect())
}

/// `POST /sandbox/reset`: returns to the state the server began with.
pub async fn reset(State(app): State<AppState>, _: Authorized) -> Result<StatusCode, ApiError> {
    // A task of its own: one whose client hangs up is not left half done.
    let done = tokio::spawn(async move { snapshot::reset(&app).await });
    let done = done.await.unwrap_or(Err(SnapshotError::Stopped));
    done.map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

impl CallRecord {
    fn to_json(&self) -> Value {
        let text = |body: &Option<bytes::Bytes>| {
            body.as_ref()
                .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        json!({
            "endpoint": self.endpoint.name(),
            "method": self.method,
            "path": self.path,
            "actions": self.actions.iter().collect::<Vec<_>>(),
            "declared_bytes": self.declared_bytes,
            "request_bytes": self.request_bytes,
            "response_bytes": self.response_bytes,
            "status": self.status,
            "faults": self.faults,
            "request_body": text(&self.request_body),
            "response_body": text(&self.response_body),
            "micros": self.micros,
        })
    }
}

impl EventRecord {
    fn to_json(&self) -> Value {
        let event = self.event.as_deref();
        json!({
            "topic": self.topic,
            "user": self.user,
            "published_bytes": self.published_bytes,
            "deliveries": self.deliveries,
            "delivered_bytes": self.delivered_bytes,
            "refused": self.refused,
            "event": event.and_then(|event| serde_json::from_slice::<Value>(event).ok()),
        })
    }
}
