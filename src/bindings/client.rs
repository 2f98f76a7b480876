//! Calls to the server, with the settings that the session has at that moment.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use ftrack_client::commit::Commit;
use ftrack_client::config::{Config, Secret};
use ftrack_client::error::{Error, Outcome};
use ftrack_client::merge;
use ftrack_client::paging::PageReader;
use ftrack_client::query::Pager;
use ftrack_client::transport::{Idempotency, Transport, encode_batch, transfer_client};
use ftrack_protocol::Operation;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::batch::Batch;
use crate::entity_map::EntityMap;
use crate::pages::Pages;
use crate::reader::ContentReader;
use crate::transfer_control::TransferControl;
use crate::{blocking, error, transfer};

/// Longest silence of a connection when the caller sets no limit.
const NO_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// Talks to one server as one user.
#[pyclass(frozen, module = "ftrack_rs._core")]
pub struct Client {
    pub transport: Arc<Transport>,
}

#[pymethods]
impl Client {
    #[new]
    fn new(
        py: Python<'_>,
        server_url: String,
        api_user: String,
        api_key: String,
        headers: Vec<(String, String)>,
        timeout: Option<f64>,
    ) -> PyResult<Self> {
        let timeout = timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let transport = Transport::new(Config {
            headers: secrets(headers),
            timeout: timeout.unwrap_or(NO_TIMEOUT),
            ..Config::new(server_url, api_user, api_key)
        });
        Ok(Self {
            transport: Arc::new(transport.map_err(|error| error::from_client(py, &error))?),
        })
    }

    /// Posts a batch and returns the answer, undecoded.
    fn call<'py>(&self, py: Python<'py>, body: Vec<u8>) -> PyResult<Bound<'py, PyBytes>> {
        let idempotency = Idempotency::of_body(&body);
        let answer = self.post(py, Bytes::from(body), idempotency)?;
        Ok(PyBytes::new(py, &answer))
    }

    /// Returns the entities of one page of a query, and the offset of the next.
    fn query<'py>(
        &self,
        map: &Bound<'py, EntityMap>,
        expression: String,
    ) -> PyResult<(Bound<'py, PyList>, Option<u64>)> {
        let py = map.py();
        let body = encode_batch(&[Operation::Query { expression }])
            .map_err(|error| error::from_client(py, &error))?;
        let answer = self.post(py, body, Idempotency::Read)?;
        let identities = &map.get().inner;
        let page = py.detach(|| merge::merge_query_answer(identities, &answer));
        map.get().touch();
        let page = page.map_err(|error| error::from_client(py, &error))?;
        Ok((EntityMap::page(map, &page.entities)?, page.next_offset))
    }

    /// Prepares to read all pages of a query; `expression` holds neither `offset` nor `limit`.
    fn pages(
        &self,
        map: &Bound<'_, EntityMap>,
        expression: String,
        offset: u64,
        page_size: u64,
        limit: Option<u64>,
    ) -> Pages {
        let pager = Pager::of_parts(expression, offset, page_size, limit);
        let identities = Arc::clone(&map.get().inner);
        let transport = Arc::clone(&self.transport);
        Pages::new(PageReader::new(transport, identities, pager), map)
    }

    /// Posts recorded operations, makes sure of them if the answer is lost, and returns the answer, undecoded.
    fn commit<'py>(
        &self,
        py: Python<'py>,
        entities: &EntityMap,
        batch: &Batch,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let commit = self.prepare(entities, batch);
        let answer = blocking::wait(py, "commit", async move { commit.send().await })?;
        let answer = answer.map_err(|error| error::from_client(py, &error))?;
        Ok(PyBytes::new(py, &answer))
    }

    /// Returns whether the server holds what recorded operations write, or none if that cannot be told.
    fn holds(&self, py: Python<'_>, entities: &EntityMap, batch: &Batch) -> PyResult<Option<bool>> {
        let commit = self.prepare(entities, batch);
        let outcome = blocking::wait(py, "look up changes", async move { commit.outcome().await })?;
        Ok(outcome.map(|outcome| outcome == Outcome::Made))
    }

    /// Sends files side by side: of each the component, the name for downloads, and the path. `ask` is called for where each goes; without it, the server is asked about many at
    /// once.
    #[pyo3(signature = (files, control=None, ask=None))]
    fn upload(
        &self,
        py: Python<'_>,
        files: Vec<transfer::File>,
        control: Option<&Bound<'_, TransferControl>>,
        ask: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let free = TransferControl::default();
        transfer::send(py, self, files, control.map_or(&free, Bound::get), ask)
    }

    /// Fetches files side by side: of each the component, the URL, the path to write, and the size if it is known.
    #[pyo3(signature = (files, control=None, *, keeps_existing=false))]
    fn download(
        &self,
        py: Python<'_>,
        files: Vec<transfer::Fetch>,
        control: Option<&Bound<'_, TransferControl>>,
        keeps_existing: bool,
    ) -> PyResult<()> {
        let free = TransferControl::default();
        let (handle, existing) = (
            control.map_or(&free, Bound::get),
            transfer::existing(keeps_existing),
        );
        transfer::fetch(py, self, files, handle, existing)
    }

    /// Prepares to read what is at `url` as a stream; `name` stands for it in errors.
    #[pyo3(signature = (name, url, control=None))]
    fn reader(
        &self,
        py: Python<'_>,
        name: &str,
        url: &str,
        control: Option<&Bound<'_, TransferControl>>,
    ) -> PyResult<ContentReader> {
        let free = TransferControl::default();
        transfer::reader(py, self, name, url, control.map_or(&free, Bound::get))
    }

    /// Asks for `url` and returns the HTTP status of the answer.
    fn status_of(&self, py: Python<'_>, url: String) -> PyResult<u16> {
        transfer::status_of(py, self, url)
    }
}

impl Client {
    /// Returns how long a connection may stay silent.
    pub fn timeout(&self) -> Duration {
        self.transport.config().timeout
    }

    /// Returns the client for signed URLs.
    pub fn http(&self, py: Python<'_>) -> PyResult<Arc<reqwest::Client>> {
        transfer_client(&self.transport.config().network)
            .map_err(|error| error::from_client(py, &error))
    }

    fn prepare(&self, entities: &EntityMap, batch: &Batch) -> Commit {
        Commit {
            transport: Arc::clone(&self.transport),
            map: Arc::clone(&entities.inner),
            batch: Arc::clone(&batch.operations),
            new_ids: batch.new_ids.clone(),
        }
    }

    fn post(&self, py: Python<'_>, body: Bytes, idempotency: Idempotency) -> PyResult<Bytes> {
        let transport = Arc::clone(&self.transport);
        let answer: Result<Bytes, Error> = blocking::wait(py, "call the API", async move {
            transport.call(body, idempotency).await
        })?;
        answer.map_err(|error| error::from_client(py, &error))
    }
}

/// Keeps the values of headers or cookies from being printed.
pub fn secrets(values: Vec<(String, String)>) -> Vec<(String, Secret)> {
    values
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect()
}
