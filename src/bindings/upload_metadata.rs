//! Where files are sent, asked of a session whose way to ask for it has been replaced.

use std::pin::Pin;
use std::sync::Arc;

use ftrack_client::transfer::{Api, ApiError};
use ftrack_client::transport::TransferApi;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Map, Value, json};

/// Asks `Session.get_upload_metadata`, file by file, as the official client does.
pub struct UploadMetadata {
    ask: Arc<Py<PyAny>>,
    /// What does everything else.
    api: TransferApi,
}

impl UploadMetadata {
    /// Prepares to call `ask`.
    pub fn new(ask: Py<PyAny>, api: TransferApi) -> Self {
        Self {
            ask: Arc::new(ask),
            api,
        }
    }
}

impl Api for UploadMetadata {
    fn call(
        &self,
        operations: Vec<Value>,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<Value>, ApiError>> + Send + '_>> {
        let ask = Arc::clone(&self.ask);
        // Python may take its time, which no thread of the runtime has.
        let asked = tokio::task::spawn_blocking(move || {
            Python::try_attach(|py| {
                let ask = ask.bind(py);
                let answers = operations.iter().map(|one| answer(ask, one));
                answers.collect::<PyResult<Vec<_>>>()
            })
        });
        Box::pin(async move { Ok(asked.await?.ok_or("Python has ended")??) })
    }

    fn remove<'a>(
        &'a self,
        component_id: &'a str,
    ) -> Pin<Box<dyn Future<Output = Result<(), ApiError>> + Send + 'a>> {
        self.api.remove(component_id)
    }

    fn content_url(&self, component_id: &str) -> Option<String> {
        self.api.content_url(component_id)
    }

    fn http(&self) -> &reqwest::Client {
        self.api.http()
    }
}

/// Returns the answer to an operation `get_upload_metadata` about a whole file.
fn answer(ask: &Bound<'_, PyAny>, operation: &Value) -> PyResult<Value> {
    let py = ask.py();
    let arguments = PyDict::new(py);
    for name in ["component_id", "file_name", "checksum"] {
        arguments.set_item(name, operation[name].as_str())?;
    }
    arguments.set_item("file_size", operation["file_size"].as_u64())?;
    let metadata = ask.call((), Some(&arguments))?;
    let url: String = metadata.get_item("url")?.extract()?;
    let given = metadata.get_item("headers")?;
    let mut headers = Map::new();
    for header in given.call_method0("items")?.try_iter()? {
        let (name, value): (String, Bound<'_, PyAny>) = header?.extract()?;
        headers.insert(name, value.str()?.to_cow()?.into());
    }
    Ok(json!({"url": url, "headers": headers}))
}
