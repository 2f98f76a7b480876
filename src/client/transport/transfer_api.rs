//! What transfers need of the connection to ftrack.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{CallHeaders, Idempotency, Transport, encode_batch, pool};
use crate::error::{Error, Result};
use crate::transfer::{Api, ApiError};

/// Serves transfers with the calls and the connections of a session.
#[derive(Clone, Debug)]
pub struct TransferApi {
    transport: Arc<Transport>,
    overrides: CallHeaders,
    client: Arc<reqwest::Client>,
}

impl TransferApi {
    /// Prepares transfers that call the API as `transport` does.
    pub fn new(transport: Arc<Transport>, overrides: CallHeaders) -> Result<Self> {
        Ok(Self {
            transport,
            overrides,
            client: pool::transfer_client()?,
        })
    }

    async fn answers(&self, operations: Vec<Value>) -> Result<Vec<Value>> {
        let actions = operations
            .iter()
            .map(|o| o["action"].as_str().unwrap_or_default());
        let idempotency = Idempotency::of(actions);
        let body = encode_batch(&operations)?;
        let answer = self
            .transport
            .call(body, idempotency, &self.overrides)
            .await?;
        serde_json::from_slice(&answer).map_err(|e| Error::decode("the answer of the server", &e))
    }
}

impl Api for TransferApi {
    fn call(&self, operations: Vec<Value>) -> BoxFuture<'_, Result<Vec<Value>, ApiError>> {
        self.answers(operations)
            .map(|result| result.map_err(ApiError::from))
            .boxed()
    }

    fn http(&self) -> &reqwest::Client {
        &self.client
    }
}
