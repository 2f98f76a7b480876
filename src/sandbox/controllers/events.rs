//! The doors of the event server: socket.io's handshake and websocket.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::auth;
use crate::app::AppState;
use crate::error::{ApiError, ErrorKind};
use crate::events::{self, Ticket};
use crate::faults::connection::Connection;

/// The largest packet a client may send, in bytes: far more than an event needs, and little to hold in memory.
const MAX_PACKET: usize = 4 << 20;

/// What each connection holds in memory for reading, in bytes: most packets are smaller, larger ones take several reads.
const READ_BUFFER: usize = 16 << 10;

/// Credentials in the URL, as the JavaScript client sends them.
#[derive(Deserialize)]
pub struct UrlCredentials {
    api_user: Option<String>,
    api_key: Option<String>,
}

/// `GET /socket.io/1/`: answers `<session id>:<heartbeat>:<close timeout>:<transports>`.
pub async fn handshake(
    State(app): State<AppState>,
    Query(query): Query<UrlCredentials>,
    headers: HeaderMap,
) -> Result<String, ApiError> {
    let header = |name| {
        let value = headers.get(name)?;
        std::str::from_utf8(value.as_bytes()).ok()
    };
    let user = header("ftrack-user").or_else(|| header("ftrack-api-user"));
    let caller = auth::check(
        &app,
        user.or(query.api_user.as_deref()),
        header("ftrack-api-key").or(query.api_key.as_deref()),
    );
    let ticket = app.events.admit(caller.await?);
    let timeout = app.config.events.close_timeout.as_secs();
    Ok(format!("{}:{timeout}:{timeout}:websocket", ticket.as_str()))
}

/// `GET /socket.io/1/websocket/<session id>`: the connection itself, for whoever has made the handshake.
pub async fn websocket(
    State(app): State<AppState>,
    ConnectInfo(stream): ConnectInfo<Connection>,
    Path(ticket): Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let Some(caller) = app.events.redeem(&Ticket::from(ticket)) else {
        // The text is that of socket.io 0.9.
        let error = ApiError::new(ErrorKind::InvalidCredentials, "client not handshaken");
        return error.into_response();
    };
    upgrade
        .max_message_size(MAX_PACKET)
        .max_frame_size(MAX_PACKET)
        .read_buffer_size(READ_BUFFER)
        .on_upgrade(move |socket| events::serve(app, caller, socket, stream))
}
