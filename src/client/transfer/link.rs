//! One HTTP exchange about one file: who is on the other side, whether bytes still move, and what a failure means.

use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use reqwest::{Response, StatusCode, Url};
use tokio::time::{Instant, sleep_until};

use super::limit::Permit;
use super::{Progress, TransferError};
use crate::checksum::Digest;
use crate::retry::{RetryPolicy, is_transient, retry_after};

/// More of an error's body than this is not read.
const ERROR_BODY: usize = 4096;

/// The file and the host that an exchange is about.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) path: PathBuf,
    pub(super) host: String,
}

/// A failed attempt.
pub(super) struct Failure {
    pub(super) error: TransferError,
    again: Again,
}

/// Whether the same attempt may succeed later.
enum Again {
    Never,
    /// Yes, but not before the server said.
    After(Option<Duration>),
    /// Perhaps, when the URL has expired.
    ByNewUrl,
}

impl Failure {
    /// Describes a failure that other URLs may avoid.
    pub(super) fn by_new_url(error: TransferError) -> Self {
        Self {
            error,
            again: Again::ByNewUrl,
        }
    }

    /// Describes a failure that may pass.
    pub(super) fn passing(error: TransferError) -> Self {
        Self {
            error,
            again: Again::After(None),
        }
    }

    /// Tells the limiter, if fewer requests may avoid it.
    pub(super) fn blame(&self, place: &Permit) {
        if self.may_pass() {
            place.failed();
        }
    }

    /// Returns whether the content was found to be another than before.
    pub(super) fn is_change(&self) -> bool {
        matches!(self.error, TransferError::ContentChanged { .. })
    }

    /// Returns whether the same attempt may succeed later.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self.again, Again::After(_))
    }

    /// Returns whether the URL may have expired.
    pub(super) fn wants_new_url(&self) -> bool {
        matches!(self.again, Again::ByNewUrl)
    }
}

impl From<Failure> for TransferError {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        Self {
            error,
            again: Again::Never,
        }
    }
}

impl Link {
    pub(super) fn new(path: &Path, url: &Url) -> Self {
        Self {
            path: path.to_owned(),
            host: url.host_str().unwrap_or("an unnamed host").to_owned(),
        }
    }

    /// Describes an error of the HTTP client, which may pass.
    pub(super) fn broken(&self, error: reqwest::Error) -> Failure {
        Failure::passing(TransferError::Connection {
            path: self.path.clone(),
            host: self.host.clone(),
            source: error.without_url(),
        })
    }

    /// Describes a connection on which nothing moved for a time, which may pass.
    pub(super) fn stalled(&self, after: Duration) -> Failure {
        Failure::passing(TransferError::Stalled {
            path: self.path.clone(),
            host: self.host.clone(),
            after,
        })
    }

    /// Describes an answer that belongs to another version of the content.
    pub(super) fn changed(&self) -> Failure {
        Failure::passing(TransferError::ContentChanged {
            path: self.path.clone(),
            host: self.host.clone(),
        })
    }

    pub(super) fn wrong_size(&self, expected: u64, actual: u64) -> TransferError {
        TransferError::SizeMismatch {
            path: self.path.clone(),
            host: self.host.clone(),
            expected,
            actual,
        }
    }

    pub(super) fn wrong_content(&self, expected: Digest, actual: Digest) -> TransferError {
        TransferError::ChecksumMismatch {
            path: self.path.clone(),
            host: self.host.clone(),
            expected,
            actual,
        }
    }

    pub(super) fn redirected(&self) -> TransferError {
        TransferError::Redirected {
            path: self.path.clone(),
            host: self.host.clone(),
        }
    }

    /// Fails unless the answer to a PUT is a success. S3 may answer an error under status 200, and then has not kept the bytes.
    pub(super) async fn judge(&self, response: Response) -> Result<(), Failure> {
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        let status = response.status();
        match error_code(response).await {
            None => Ok(()),
            code => Err(self.refusal(status, code, Again::After(None))),
        }
    }

    /// Describes an answer that is no success.
    pub(super) async fn refused(&self, response: Response) -> Failure {
        let status = response.status();
        if status.is_redirection() {
            return self.redirected().into();
        }
        let asked = retry_after(response.headers());
        let code = error_code(response).await;
        // S3 answers 400 and not 408 when the body arrived too slowly.
        let again = if is_transient(status) || code.as_deref() == Some("RequestTimeout") {
            Again::After(asked)
        } else if status == StatusCode::FORBIDDEN {
            Again::ByNewUrl
        } else {
            Again::Never
        };
        self.refusal(status, code, again)
    }

    fn refusal(&self, status: StatusCode, code: Option<String>, again: Again) -> Failure {
        let (path, host) = (self.path.clone(), self.host.clone());
        let error = if is_wrong_checksum(status, code.as_deref()) {
            TransferError::ChecksumRejected { path, host }
        } else {
            TransferError::Rejected {
                path,
                host,
                status: status.as_u16(),
                code,
            }
        };
        Failure { error, again }
    }
}

/// Returns whether a refusal says that the body does not match its `Content-MD5`. A 400 that names no code is taken for it: the other reasons of a 400 are named.
fn is_wrong_checksum(status: StatusCode, code: Option<&str>) -> bool {
    status == StatusCode::BAD_REQUEST && matches!(code, None | Some("BadDigest" | "InvalidDigest"))
}

/// Reads the `<Code>` of an S3-like error answer.
async fn error_code(mut response: Response) -> Option<String> {
    let mut body = Vec::new();
    while body.len() < ERROR_BODY {
        let Ok(Some(chunk)) = response.chunk().await else {
            break;
        };
        body.extend_from_slice(&chunk[..chunk.len().min(ERROR_BODY)]);
    }
    let text = String::from_utf8_lossy(&body);
    let (code, _) = text.split_once("<Code>")?.1.split_once("</Code>")?;
    // What follows is no code, and may be the request, with its signature.
    let code = code
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || *c == ' ');
    let code = code.filter(char::is_ascii_alphanumeric);
    Some(code.take(64).collect())
}

/// The attempts at one exchange.
pub(super) struct Attempts {
    policy: RetryPolicy,
    failures: u32,
}

impl Attempts {
    pub(super) fn new(policy: RetryPolicy) -> Self {
        Self {
            policy,
            failures: 0,
        }
    }

    /// Waits until the attempt may be repeated, or returns its failure if it may not.
    pub(super) async fn pause(&mut self, failure: Failure) -> Result<(), Failure> {
        self.failures += 1;
        let wait = match failure.again {
            Again::Never | Again::ByNewUrl => None,
            Again::After(asked) => self.policy.wait(self.failures, asked),
        };
        let Some(wait) = wait else {
            return Err(failure);
        };
        tracing::info!(error = %failure.error, ?wait, "a transfer is tried again");
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// The bytes that one attempt moves.
pub(super) struct Flow {
    index: usize,
    progress: Progress,
    started: Instant,
    state: Mutex<State>,
}

struct State {
    moved: u64,
    last: Instant,
    /// When a wait began that is our own and not the other side's.
    excused_since: Option<Instant>,
    /// The time of all such waits that have ended.
    excused: Duration,
    given_up: bool,
}

impl Flow {
    pub(super) fn new(index: usize, progress: &Progress) -> Self {
        let state = State {
            moved: 0,
            last: Instant::now(),
            excused_since: None,
            excused: Duration::ZERO,
            given_up: false,
        };
        Self {
            index,
            progress: progress.clone(),
            started: Instant::now(),
            state: Mutex::new(state),
        }
    }

    /// Notes how many bytes there are to move.
    pub(super) fn sized(&self, size: u64) {
        self.progress.sized(self.index, size);
    }

    /// Notes that bytes moved.
    pub(super) fn advance(&self, bytes: u64) {
        {
            let mut state = self.state.lock();
            // The connection may still read from a body whose answer came early.
            if state.given_up {
                return;
            }
            state.moved += bytes;
            state.last = Instant::now();
        }
        self.progress.transferred(self.index, bytes);
    }

    /// Returns how long the other side took so far.
    pub(super) fn elapsed(&self) -> Duration {
        self.started
            .elapsed()
            .saturating_sub(self.state.lock().excused)
    }

    /// Waits for something that is not up to the other side: this time does not count as a stall.
    pub(super) async fn excuse<T>(&self, wait: impl Future<Output = T>) -> T {
        self.state.lock().excused_since = Some(Instant::now());
        let _excused = Excused(self);
        wait.await
    }

    /// Ends the attempt and leaves its bytes in the progress.
    pub(super) fn keep(&self) {
        let mut state = self.state.lock();
        state.given_up = true;
        state.moved = 0;
    }

    /// Gives the attempt up and takes its bytes back from the progress.
    pub(super) fn rewind(&self) {
        let moved = {
            let mut state = self.state.lock();
            state.given_up = true;
            std::mem::take(&mut state.moved)
        };
        self.progress.rewound(self.index, moved);
    }

    pub(super) fn moved(&self) -> u64 {
        self.state.lock().moved
    }

    /// Runs `work` until it ends, or returns `None` when nothing moved for `limit`.
    pub(super) async fn bounded<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        self.state.lock().last = Instant::now();
        let idle = async {
            loop {
                let deadline = self.state.lock().deadline(limit);
                if deadline <= Instant::now() {
                    break;
                }
                sleep_until(deadline).await;
            }
        };
        tokio::select! {
            biased;
            result = work => Some(result),
            () = idle => None,
        }
    }
}

impl State {
    fn deadline(&self, limit: Duration) -> Instant {
        let start = match self.excused_since {
            Some(_) => Instant::now(),
            None => self.last,
        };
        start + limit
    }
}

/// A wait that is under way, also if it is given up.
struct Excused<'a>(&'a Flow);

impl Drop for Excused<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.last = Instant::now();
        if let Some(since) = state.excused_since.take() {
            let waited = since.elapsed();
            state.excused += waited;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_of_our_own_is_no_stall() {
        let (flow, limit) = (Flow::new(0, &Progress::new()), Duration::from_millis(10));
        let wait = flow.excuse(tokio::time::sleep(10 * limit));
        assert!(flow.bounded(limit, wait).await.is_some());
        let silence = std::future::pending::<()>();
        assert!(flow.bounded(limit, silence).await.is_none());
    }
}
