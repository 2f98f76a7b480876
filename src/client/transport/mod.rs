//! The way to the server: one POST per batch, over connections that the whole process shares.

mod answer;
pub(crate) mod headers;
mod http;
mod network;
mod pool;
mod tls;
mod transfer_api;

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub(crate) use answer::{Asked, check_answer};
pub use http::Transport;
pub(crate) use http::innermost;
pub use network::Network;
pub(crate) use pool::event_client;
pub use pool::transfer_client;
pub(crate) use tls::insecure;
pub use transfer_api::TransferApi;

use crate::error::{Error, Result};

/// Whether a call may be sent twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// Asking again changes nothing: retried after broken connections and busy servers.
    Read,
    /// Asking again might do it twice: retried only if no connection was ever established.
    Write,
}

impl Idempotency {
    /// Returns what a batch of these actions is: a read only if all of it is known to be harmless when it is asked again.
    pub fn of<'a>(actions: impl IntoIterator<Item = &'a str>) -> Self {
        if actions
            .into_iter()
            .all(|action| REPEATABLE.contains(&action))
        {
            Self::Read
        } else {
            Self::Write
        }
    }

    /// Returns what a batch is that was encoded already.
    pub fn of_body(body: &[u8]) -> Self {
        let actions: Option<Vec<Action<'_>>> = serde_json::from_slice(body).ok();
        actions.map_or(Self::Write, |actions| {
            Self::of(actions.iter().map(|operation| &*operation.action))
        })
    }
}

/// What is looked at of an operation.
#[derive(Deserialize)]
struct Action<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
}

/// Actions that may be asked again: they change nothing, or are refused the second time, as the completion of an upload is.
const REPEATABLE: [&str; 9] = [
    "complete_multipart_upload",
    "get_upload_metadata",
    "get_widget_url",
    "parse_query",
    "permissions",
    "query",
    "query_schemas",
    "query_server_information",
    "search",
];

/// Writes a batch of operations as the body of a call.
pub fn encode_batch<T: Serialize>(operations: &[T]) -> Result<Bytes> {
    serde_json::to_vec(operations)
        .map(Bytes::from)
        .map_err(|e| Error::decode("the operations to send", &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_may_be_sent_twice_if_all_of_it_may() {
        let of = |body: &str| Idempotency::of_body(body.as_bytes());
        let query = r#"{"action": "query", "expression": "Task"}"#;
        assert_eq!(of(&format!("[{query}]")), Idempotency::Read);
        let create = r#"{"action": "create", "entity_data": {"action": "query"}}"#;
        assert_eq!(of(&format!("[{query}, {create}]")), Idempotency::Write);
        assert_eq!(of("[7]"), Idempotency::Write);
    }
}
