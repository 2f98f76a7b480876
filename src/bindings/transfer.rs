//! Files to and from the ftrack server, and on disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ftrack_client::error::Error;
use ftrack_client::transfer::{
    Api, CopyItem, DownloadItem, Existing, Reader, TransferOptions, UploadItem, copy, download,
    upload,
};
use ftrack_client::transport::TransferApi;
use pyo3::prelude::*;

use crate::client::Client;
use crate::reader::ContentReader;
use crate::transfer_control::TransferControl;
use crate::upload_metadata::UploadMetadata;
use crate::{blocking, error};

/// A component, the name of its content, and the path of the file.
pub type File = (String, String, PathBuf);

/// A component, the URL of its content, the path to write, and the size, if it is known.
pub type Fetch = (String, String, PathBuf, Option<u64>);

/// Sends files side by side; `ask` is called for where each goes.
pub fn send(
    py: Python<'_>,
    client: &Client,
    files: Vec<File>,
    handle: &TransferControl,
    ask: Option<Py<PyAny>>,
) -> PyResult<()> {
    let items = files
        .into_iter()
        .map(|(component_id, file_name, path)| UploadItem {
            component_id,
            path,
            file_name,
            seen: None,
        })
        .collect();
    let mut options = handle.options(Some(client));
    if ask.is_some() {
        // What is asked knows nothing of parts.
        options.multipart_threshold = u64::MAX;
    }
    let api = api(client, ask).map_err(|error| error::from_client(py, &error))?;
    let (progress, control) = (handle.progress.clone(), handle.control.clone());
    let tick = |py: Python<'_>| handle.tick(py);
    let sent = blocking::wait_ticking(py, "upload files", &tick, async move {
        upload(&*api, items, &options, &progress, &control).await
    })?;
    sent.map(drop)
        .map_err(|error| error::from_transfer(py, "upload", &error))
}

fn api(client: &Client, ask: Option<Py<PyAny>>) -> Result<Box<dyn Api>, Error> {
    let api = TransferApi::new(Arc::clone(&client.transport))?;
    Ok(match ask {
        Some(ask) => Box::new(UploadMetadata::new(ask, api)),
        None => Box::new(api),
    })
}

/// Fetches files side by side.
pub fn fetch(
    py: Python<'_>,
    client: &Client,
    files: Vec<Fetch>,
    handle: &TransferControl,
    existing: Existing,
) -> PyResult<()> {
    let items = files
        .into_iter()
        .map(|(component_id, url, target, size)| DownloadItem {
            component_id: Some(component_id),
            url,
            target,
            size,
            md5: None,
        })
        .collect();
    let http = client.http(py)?;
    let options = TransferOptions {
        existing,
        ..handle.options(Some(client))
    };
    let (progress, control) = (handle.progress.clone(), handle.control.clone());
    let tick = |py: Python<'_>| handle.tick(py);
    let fetched = blocking::wait_ticking(py, "download files", &tick, async move {
        download(&http, items, &options, &progress, &control).await
    })?;
    fetched
        .map(drop)
        .map_err(|error| error::from_transfer(py, "download", &error))
}

/// Copies files side by side: of each the component, the file, and the path to write.
#[pyfunction]
#[pyo3(signature = (files, control=None, *, keeps_existing=false))]
pub fn copy_files(
    py: Python<'_>,
    files: Vec<(String, PathBuf, PathBuf)>,
    control: Option<&Bound<'_, TransferControl>>,
    keeps_existing: bool,
) -> PyResult<()> {
    let items = files
        .into_iter()
        .map(|(component_id, source, target)| CopyItem {
            component_id: Some(component_id),
            source,
            target,
        })
        .collect();
    let free = TransferControl::default();
    let handle = control.map_or(&free, Bound::get);
    let options = TransferOptions {
        existing: existing(keeps_existing),
        ..handle.options(None)
    };
    let (progress, control) = (handle.progress.clone(), handle.control.clone());
    let tick = |py: Python<'_>| handle.tick(py);
    let copied = blocking::wait_ticking(py, "copy files", &tick, async move {
        copy(items, &options, &progress, &control).await
    })?;
    copied
        .map(drop)
        .map_err(|error| error::from_transfer(py, "copy", &error))
}

/// Returns what becomes of files that are in the way.
pub fn existing(keeps_existing: bool) -> Existing {
    if keeps_existing {
        Existing::Kept
    } else {
        Existing::Replaced
    }
}

/// Prepares to read what is at `url` as a stream; `name` stands for it in errors.
pub fn reader(
    py: Python<'_>,
    client: &Client,
    name: &str,
    url: &str,
    handle: &TransferControl,
) -> PyResult<ContentReader> {
    let http = client.http(py)?;
    let options = handle.options(Some(client));
    Reader::new(&http, url, Path::new(name), &options, &handle.control)
        .map(ContentReader::new)
        .map_err(|error| error::from_reading(py, &error))
}

/// Asks for `url` and returns the HTTP status of the answer.
pub fn status_of(py: Python<'_>, client: &Client, url: String) -> PyResult<u16> {
    let http = client.http(py)?;
    let timeout = client.timeout();
    let status = blocking::wait(py, "ask the server", async move {
        let answer = http.get(url).timeout(timeout).send().await;
        answer.map(|answer| answer.status().as_u16())
    })?;
    status.map_err(|cause| error::from_http(py, &client.transport, cause))
}
