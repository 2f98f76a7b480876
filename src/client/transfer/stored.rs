//! What a storage holds of a file that was sent: asked for its first byte, which tells the size of all.

use std::time::Duration;

use reqwest::{StatusCode, Url};

use super::TransferError;
use super::get::{Origin, Wanted};
use super::link::Flow;
use super::upload::{Checked, Run};

/// Nothing is moved that could take longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is known of a file at a storage.
pub(super) enum Stored {
    /// The host holds so many bytes of it.
    Bytes(String, u64),
    /// The storage at the host has no such file.
    Nothing(String),
    /// The server does not lead to the storage, or that does not answer as it should.
    Untold,
}

/// Asks for a file. ftrack need not know its component yet, so what it says itself about a missing one proves nothing; the storage's word does.
pub(super) async fn stored(run: Run<'_>, file: &Checked) -> Result<Stored, TransferError> {
    let sender = run.sender;
    let Some(url) = run.api.content_url(run.component_id(file)) else {
        return Ok(Stored::Untold);
    };
    let stall = sender.options.stall.min(PATIENCE);
    let origin = Origin::new(run.api.http(), &url, &file.source.path, stall)?;
    let flow = Flow::new(file.index, &sender.progress);
    let answer = match origin.get(&flow, Wanted::Beginning(1)).await {
        Ok(answer) => answer,
        Err(failure) => return Ok(missing(failure.error, &url)),
    };
    let size = answer.version.size;
    Ok(size.map_or(Stored::Untold, |size| Stored::Bytes(answer.link.host, size)))
}

fn missing(error: TransferError, asked: &str) -> Stored {
    let asked = Url::parse(asked).ok();
    let asked = asked.as_ref().and_then(Url::host_str);
    match error {
        TransferError::Rejected { host, status, .. }
            if status == StatusCode::NOT_FOUND.as_u16() && Some(host.as_str()) != asked =>
        {
            Stored::Nothing(host)
        }
        _ => Stored::Untold,
    }
}
