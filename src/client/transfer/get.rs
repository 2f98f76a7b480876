//! Asks for content, or for a part of it, wherever redirects lead.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, IF_RANGE, LOCATION, RANGE};
use reqwest::{Client, Response, StatusCode, Url};

use super::limit::Permit;
use super::link::{Failure, Flow, Link};
use super::version::{self, Extent, Version};
use super::{Control, TransferError};

/// ftrack redirects `/component/get` once, to the storage or its delivery network; more hops than these are a loop.
const MAX_REDIRECTS: usize = 5;

/// Where content is. The URL may hold keys, so it is never printed.
#[derive(Clone)]
pub(super) struct Origin {
    client: Client,
    url: Url,
    /// What stands for the content in errors.
    path: PathBuf,
    stall: Duration,
}

/// What a request wants of the content.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// All of it, in one piece.
    Whole,
    /// So many bytes from the start, or all if there are fewer.
    Beginning(u64),
    /// A part of a version that is known already.
    Part(&'a Version, &'a Range<u64>),
}

/// An answer whose head was read and whose body is still to come.
pub(super) struct Answer {
    pub(super) version: Version,
    pub(super) extent: Extent,
    pub(super) link: Link,
    response: Response,
    stall: Duration,
}

impl Origin {
    /// `client` must follow no redirects itself, see [`Api::http`](super::Api::http).
    pub(super) fn new(
        client: &Client,
        url: &str,
        path: &Path,
        stall: Duration,
    ) -> Result<Self, TransferError> {
        let url = Url::parse(url).map_err(|_| invalid(path, "the download URL is none"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid(path, "the download URL is not HTTP"));
        }
        Ok(Self {
            client: client.clone(),
            url,
            path: path.to_owned(),
            stall,
        })
    }

    /// Describes what is wrong with the URL or with what is behind it.
    pub(super) fn invalid(&self, fault: &'static str) -> TransferError {
        invalid(&self.path, fault)
    }

    /// Sends the request and reads the head of the answer, which is one that was wanted.
    pub(super) async fn get(&self, flow: &Flow, wanted: Wanted<'_>) -> Result<Answer, Failure> {
        let mut link = Link::new(&self.path, &self.url);
        let following = flow.bounded(self.stall, self.follow(&mut link, wanted));
        let response = following.await;
        let response = response.ok_or_else(|| link.stalled(self.stall))??;
        let head = version::read(response.status(), response.headers());
        match head.filter(|(version, extent)| wanted.is(version, extent)) {
            Some((version, extent)) => Ok(Answer {
                version,
                extent,
                link,
                response,
                stall: self.stall,
            }),
            None => Err(self.unwanted(flow, link, response).await),
        }
    }

    /// Says why an answer is none that was wanted.
    async fn unwanted(&self, flow: &Flow, link: Link, response: Response) -> Failure {
        // A precondition that fails, or a range that is not there any more, tells the same as other content.
        let is_other = matches!(
            response.status(),
            StatusCode::PRECONDITION_FAILED | StatusCode::RANGE_NOT_SATISFIABLE
        );
        if is_other || response.status().is_success() {
            return link.changed();
        }
        let refused = flow.bounded(self.stall, link.refused(response)).await;
        refused.unwrap_or_else(|| link.stalled(self.stall))
    }

    /// Follows redirects: no credentials and no part of the URL go along, and never from HTTPS to HTTP.
    async fn follow(&self, link: &mut Link, wanted: Wanted<'_>) -> Result<Response, Failure> {
        let mut url = self.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            *link = Link::new(&self.path, &url);
            let request = self.client.get(url.clone()).headers(wanted.headers());
            let response = request.send().await.map_err(|error| link.broken(error))?;
            match redirect(&url, &response) {
                Some(target) => url = target,
                None => return Ok(response),
            }
        }
        Err(link.redirected().into())
    }
}

impl Wanted<'_> {
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut add = |name, value: Option<&str>| {
            let value = value.and_then(|value| value.parse().ok());
            headers.extend(value.map(|value| (name, value)));
        };
        let bytes = |range: &Range<u64>| format!("bytes={}-{}", range.start, range.end - 1);
        match self {
            Self::Whole => {}
            Self::Beginning(length) => add(RANGE, Some(&bytes(&(0..*length)))),
            Self::Part(version, range) => {
                add(RANGE, Some(&bytes(range)));
                add(IF_RANGE, version.tag.as_deref());
            }
        }
        headers
    }

    /// Returns whether this is what an answer brings.
    fn is(&self, version: &Version, extent: &Extent) -> bool {
        match (self, extent) {
            // Servers need not know ranges.
            (Self::Whole | Self::Beginning(_), Extent::Whole) => true,
            (Self::Beginning(length), Extent::Part(range)) => {
                range.start == 0 && version.size.map(|size| size.min(*length)) == Some(range.end)
            }
            (Self::Part(known, wanted), Extent::Part(range)) => {
                version == *known && range == *wanted
            }
            (Self::Whole, Extent::Part(_)) | (Self::Part(..), Extent::Whole) => false,
        }
    }
}

impl Answer {
    /// Returns the size of the content if it goes on after this answer.
    pub(super) fn more(&self) -> Option<u64> {
        match &self.extent {
            Extent::Whole => None,
            Extent::Part(range) => self.version.size.filter(|size| *size > range.end),
        }
    }

    /// Returns how many bytes the answer announced, where it did.
    pub(super) fn length(&self) -> Option<u64> {
        match &self.extent {
            Extent::Whole => self.version.size,
            Extent::Part(range) => Some(range.end - range.start),
        }
    }

    /// Waits for the next piece of the content.
    ///
    /// Only this is bounded in time, not what is done with the piece: a write that nobody waits for any longer could happen in the middle of the next attempt.
    pub(super) async fn next(
        &mut self,
        flow: &Flow,
        control: &Control,
        place: Option<&Permit>,
    ) -> Result<Option<Bytes>, Failure> {
        if self.length() == Some(0) {
            // What a server sends beside "there are no bytes" is no content.
            return Ok(None);
        }
        let arriving = flow.bounded(self.stall, self.response.chunk()).await;
        let bytes = arriving.ok_or_else(|| self.link.stalled(self.stall))?;
        let bytes = bytes.map_err(|error| self.link.broken(error))?;
        let length = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        flow.advance(length);
        flow.excuse(control.admit(length, place)).await;
        Ok(bytes)
    }
}

fn invalid(path: &Path, fault: &'static str) -> TransferError {
    TransferError::InvalidTicket {
        path: path.to_owned(),
        fault,
    }
}

/// Returns where the answer leads, without the fragment, if the request may go there.
fn redirect(from: &Url, response: &Response) -> Option<Url> {
    if !response.status().is_redirection() {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let target = from.join(location).ok()?;
    let downgrades = from.scheme() == "https" && target.scheme() != "https";
    (matches!(target.scheme(), "http" | "https") && !downgrades).then_some(target)
}
