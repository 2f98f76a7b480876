//! What transfers need of the connection to ftrack.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::{StatusCode, Url};
use serde_json::Value;

use super::http::innermost;
use super::{Idempotency, Transport, encode_batch, pool};
use crate::error::{Error, Result};
use crate::transfer::{Api, ApiError};

/// A storage that takes longer to remove one file is in trouble.
const REMOVAL: Duration = Duration::from_secs(20);

/// Serves transfers with the calls and the connections of a session.
#[derive(Clone, Debug)]
pub struct TransferApi {
    transport: Arc<Transport>,
    client: Arc<reqwest::Client>,
}

impl TransferApi {
    /// Prepares transfers that call the API as `transport` does.
    pub fn new(transport: Arc<Transport>) -> Result<Self> {
        Ok(Self {
            client: pool::transfer_client(&transport.config().network)?,
            transport,
        })
    }

    async fn answers(&self, operations: Vec<Value>) -> Result<Vec<Value>> {
        let actions = operations
            .iter()
            .map(|o| o["action"].as_str().unwrap_or_default());
        let idempotency = Idempotency::of(actions);
        let body = encode_batch(&operations)?;
        let answer = self.transport.call(body, idempotency).await?;
        serde_json::from_slice(&answer).map_err(|e| Error::decode("the answer of the server", &e))
    }

    /// Returns the URL of a component as the official client makes it, with the key in it.
    fn component_url(&self, action: &str, component_id: &str) -> std::result::Result<Url, String> {
        let config = self.transport.config();
        let query = [
            ("id", component_id),
            ("username", &config.api_user),
            ("apiKey", config.api_key.expose()),
        ];
        let address = format!("{}/component/{action}", config.server_url);
        Url::parse_with_params(&address, query).map_err(|error| error.to_string())
    }

    async fn remove_file(&self, component_id: &str) -> Result<()> {
        let host = self.transport.host();
        let failed = |reason: String| Error::Connection {
            host: host.to_owned(),
            action: "remove a file".to_owned(),
            reason,
        };
        let url = self.component_url("remove", component_id).map_err(failed)?;
        let answer = self.client.get(url).timeout(REMOVAL).send().await;
        let status = answer.map_err(|e| failed(innermost(&e)))?.status();
        if status.is_success() || status == StatusCode::NOT_FOUND {
            Ok(())
        } else {
            Err(failed(format!("it answered with status {status}")))
        }
    }
}

impl Api for TransferApi {
    fn call(&self, operations: Vec<Value>) -> BoxFuture<'_, Result<Vec<Value>, ApiError>> {
        self.answers(operations)
            .map(|result| result.map_err(ApiError::from))
            .boxed()
    }

    fn remove<'a>(&'a self, component_id: &'a str) -> BoxFuture<'a, Result<(), ApiError>> {
        self.remove_file(component_id)
            .map(|result| result.map_err(ApiError::from))
            .boxed()
    }

    fn content_url(&self, component_id: &str) -> Option<String> {
        self.component_url("get", component_id)
            .map(String::from)
            .ok()
    }

    fn http(&self) -> &reqwest::Client {
        &self.client
    }
}
