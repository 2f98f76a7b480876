//! Files to and from the ftrack server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ftrack_client::transfer::{
    Api, ApiError, Cancel, DownloadItem, Progress, TransferOptions, UploadItem, download, upload,
};
use ftrack_client::transport::{CallHeaders, Idempotency, Transport, encode_batch, transfer_client};
use futures_util::future::BoxFuture;
use pyo3::prelude::*;
use serde_json::Value;

use crate::client::Client;
use crate::{blocking, error};

#[pymethods]
impl Client {
    /// Sends files side by side: of each the component, the name for downloads, and the path.
    fn upload(&self, py: Python<'_>, files: Vec<(String, String, PathBuf)>) -> PyResult<()> {
        let items = files
            .into_iter()
            .map(|(component_id, file_name, path)| UploadItem { component_id, path, file_name })
            .collect();
        let link = Link::new(py, self)?;
        let options = self.options();
        let sent = blocking::wait(py, "upload files", async move {
            upload(&link, items, &options, &Progress::new(), &Cancel::new()).await
        })?;
        sent.map(drop).map_err(|error| error::from_transfer(py, "upload", &error))
    }

    /// Fetches files side by side: of each the component, the URL, and the path to write.
    fn download(&self, py: Python<'_>, files: Vec<(String, String, PathBuf)>) -> PyResult<()> {
        let items = files
            .into_iter()
            .map(|(component_id, url, target)| DownloadItem {
                component_id: Some(component_id),
                url,
                target,
                size: None,
                md5: None,
            })
            .collect();
        let http = transfer_client().map_err(|error| error::from_client(py, &error))?;
        let options = self.options();
        let fetched = blocking::wait(py, "download files", async move {
            download(&http, items, &options, &Progress::new(), &Cancel::new()).await
        })?;
        fetched.map(drop).map_err(|error| error::from_transfer(py, "download", &error))
    }

    /// Asks for `url` and returns the HTTP status of the answer.
    fn status_of(&self, py: Python<'_>, url: String) -> PyResult<u16> {
        let http = transfer_client().map_err(|error| error::from_client(py, &error))?;
        let timeout = self.stall();
        let status = blocking::wait(py, "ask the server", async move {
            let answer = http.get(url).timeout(timeout).send().await;
            answer.map(|answer| answer.status().as_u16())
        })?;
        status.map_err(|cause| error::from_http(py, &self.transport, cause))
    }
}

impl Client {
    fn options(&self) -> TransferOptions {
        TransferOptions {
            stall: self.stall(),
            ..TransferOptions::default()
        }
    }

    fn stall(&self) -> Duration {
        self.headers.timeout.unwrap_or(self.transport.config().timeout)
    }
}

/// The connection to ftrack that an upload asks for its URLs.
struct Link {
    transport: Arc<Transport>,
    headers: CallHeaders,
    http: Arc<reqwest::Client>,
}

impl Link {
    fn new(py: Python<'_>, client: &Client) -> PyResult<Self> {
        Ok(Self {
            transport: Arc::clone(&client.transport),
            headers: client.headers.clone(),
            http: transfer_client().map_err(|error| error::from_client(py, &error))?,
        })
    }
}

impl Api for Link {
    fn call(&self, operations: Vec<Value>) -> BoxFuture<'_, Result<Vec<Value>, ApiError>> {
        Box::pin(async move {
            let body = encode_batch(&operations)?;
            // Asking for URLs twice leaves one of them unused.
            let answer = self.transport.call(body, Idempotency::Read, &self.headers).await?;
            Ok(serde_json::from_slice(&answer)?)
        })
    }

    fn http(&self) -> &reqwest::Client {
        &self.http
    }
}
