//! `GET /sandbox/outbox`: the mails that ftrack would have sent, for tests and people who look.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::admin::Authorized;
use crate::{app::AppState, error::ApiError, operations::outbox};

/// Answers all mails, oldest first, to whoever has a key.
pub async fn mails(State(app): State<AppState>, _: Authorized) -> Result<Json<Value>, ApiError> {
    let mails = app.store.read(outbox::mails).await?;
    Ok(Json(json!({"mails": mails})))
}
