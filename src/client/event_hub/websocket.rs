//! The websocket of a session: an HTTP connection that changes its protocol.

use reqwest::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use reqwest::{Client, Response, StatusCode, Upgraded};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::handshake::{Server, Ticket};
use crate::error::Result;

/// The largest packet that is read, in bytes: far more than an event needs.
const MAX_PACKET: usize = 64 << 20;

/// A websocket to the event server.
pub(super) type Socket = WebSocketStream<Upgraded>;

/// Opens the websocket that `ticket` is good for.
pub(super) async fn open(server: &Server<'_>, client: &Client, ticket: &Ticket) -> Result<Socket> {
    let key = generate_key();
    let request = client
        .get(server.websocket_url(ticket)?)
        .headers(server.headers()?)
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", &key);
    let response = request
        .send()
        .await
        .map_err(|error| server.failure(&error))?;
    if let Some(reason) = refusal(&response, &key) {
        return Err(server.unreachable(reason));
    }
    let upgraded = response
        .upgrade()
        .await
        .map_err(|error| server.failure(&error))?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MAX_PACKET))
        .max_frame_size(Some(MAX_PACKET));
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(limits)).await)
}

/// Returns why the answer is no websocket, if it is none.
fn refusal(response: &Response, key: &str) -> Option<String> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Some(format!(
            "it answered with status {} in place of a websocket",
            response.status().as_u16()
        ));
    }
    let expected = derive_accept_key(key.as_bytes());
    let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT);
    let is_ours = accepted.is_some_and(|accepted| accepted.as_bytes() == expected.as_bytes());
    (!is_ours).then(|| "it answered with the websocket of somebody else".to_owned())
}
