//! Reads content as a stream, from any position, without keeping it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use reqwest::Client;

use super::get::{Answer, Origin, Wanted};
use super::link::{Attempts, Failure, Flow};
use super::version::Version;
use super::{Control, Progress, RetryPolicy, TransferError, TransferOptions};

/// Content on a server, of which only what is read is fetched.
///
/// Nothing is asked for before the first read. A connection that breaks is made again where it broke, if the server lets versions of the content be told apart;
/// bytes of two versions are never mixed.
pub struct Reader {
    origin: Origin,
    retry: RetryPolicy,
    control: Control,
    progress: Progress,
    position: u64,
    /// What the first answer said; parts that are asked for later have to be of the same version.
    version: Option<Version>,
    stream: Option<Stream>,
}

/// An answer that is being read, and what was received of it but not read yet.
struct Stream {
    answer: Answer,
    flow: Arc<Flow>,
    received: Bytes,
}

impl Reader {
    /// Prepares to read what is at `url`, for which `name` stands in errors. `client` must follow no redirects itself.
    pub fn new(
        client: &Client,
        url: &str,
        name: &Path,
        options: &TransferOptions,
        control: &Control,
    ) -> Result<Self, TransferError> {
        Ok(Self {
            origin: Origin::new(client, url, name, options.stall)?,
            retry: options.retry,
            control: control.clone(),
            progress: Progress::new(),
            position: 0,
            version: None,
            stream: None,
        })
    }

    /// Returns where the next read begins.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Lets the next read begin elsewhere, also behind the end.
    pub fn seek(&mut self, position: u64) {
        if position != self.position {
            self.stream = None;
            self.position = position;
        }
    }

    /// Returns the size of the content.
    pub async fn size(&mut self) -> Result<u64, TransferError> {
        let control = self.control.clone();
        let asking = control.run(self.ask_size()).await;
        asking.unwrap_or(Err(TransferError::Cancelled))
    }

    async fn ask_size(&mut self) -> Result<u64, TransferError> {
        let mut attempts = Attempts::new(self.retry);
        while self.version.is_none() {
            if let Err(failure) = self.look().await {
                attempts.pause(failure).await?;
            }
        }
        let size = self.version.as_ref().and_then(|version| version.size);
        size.ok_or_else(|| self.origin.invalid("the server does not tell its size"))
    }

    /// Reads `most` bytes, or fewer if the content ends before.
    pub async fn read(&mut self, most: usize) -> Result<Vec<u8>, TransferError> {
        let control = self.control.clone();
        let reading = control.run(self.fill(most)).await;
        reading.unwrap_or(Err(TransferError::Cancelled))
    }

    async fn fill(&mut self, most: usize) -> Result<Vec<u8>, TransferError> {
        let mut content = Vec::new();
        while content.len() < most {
            let piece = self.next(most - content.len()).await?;
            if piece.is_empty() {
                break;
            }
            content.extend_from_slice(&piece);
        }
        Ok(content)
    }

    /// Returns the next bytes, at most `most`; none at the end.
    async fn next(&mut self, most: usize) -> Result<Bytes, TransferError> {
        let mut attempts = Attempts::new(self.retry);
        loop {
            match self.receive(most).await {
                Ok(bytes) => {
                    self.position += bytes.len() as u64;
                    return Ok(bytes);
                }
                Err(failure) => {
                    // What follows could be of another version than what was read.
                    if self.stream.take().is_some() && self.known().is_none() {
                        return Err(failure.error);
                    }
                    attempts.pause(failure).await?;
                }
            }
        }
    }

    async fn receive(&mut self, most: usize) -> Result<Bytes, Failure> {
        if self.stream.is_none() {
            self.stream = self.open().await?;
        }
        let Some(stream) = &mut self.stream else {
            return Ok(Bytes::new());
        };
        while stream.received.is_empty() {
            match stream
                .answer
                .next(&stream.flow, &self.control, None)
                .await?
            {
                Some(bytes) => stream.received = bytes,
                None => return Ok(Bytes::new()),
            }
        }
        let length = most.min(stream.received.len());
        Ok(stream.received.split_to(length))
    }

    /// Asks for the content from the position on; `None` if there is nothing.
    async fn open(&mut self) -> Result<Option<Stream>, Failure> {
        if self.version.is_none() && self.position > 0 {
            self.look().await?;
        }
        let flow = Arc::new(Flow::new(0, &self.progress));
        let Some((version, size)) = self.known() else {
            let answer = self.origin.get(&flow, Wanted::Whole).await?;
            self.version = Some(answer.version.clone());
            return Stream::skipped(answer, flow, self.position, &self.control).await;
        };
        if self.position >= size {
            return Ok(None);
        }
        let rest = Wanted::Part(version, &(self.position..size));
        let answer = self.origin.get(&flow, rest).await?;
        Ok(Some(Stream::new(answer, flow)))
    }

    /// Finds out which version there is.
    async fn look(&mut self) -> Result<(), Failure> {
        let flow = Flow::new(0, &self.progress);
        let answer = self.origin.get(&flow, Wanted::Beginning(1)).await?;
        self.version = Some(answer.version);
        Ok(())
    }

    /// Returns the version and its size if parts of it can be asked for.
    fn known(&self) -> Option<(&Version, u64)> {
        let version = self.version.as_ref()?;
        version.tag.as_ref()?;
        Some((version, version.size?))
    }
}

impl Stream {
    fn new(answer: Answer, flow: Arc<Flow>) -> Self {
        Self {
            answer,
            flow,
            received: Bytes::new(),
        }
    }

    /// Receives the first bytes of an answer in vain: the only way to what follows where parts cannot be asked for.
    async fn skipped(
        answer: Answer,
        flow: Arc<Flow>,
        mut bytes: u64,
        control: &Control,
    ) -> Result<Option<Self>, Failure> {
        let mut stream = Self::new(answer, flow);
        while bytes > 0 {
            let Some(mut piece) = stream.answer.next(&stream.flow, control, None).await? else {
                return Ok(None);
            };
            let skipped = usize::try_from(bytes)
                .unwrap_or(usize::MAX)
                .min(piece.len());
            stream.received = piece.split_off(skipped);
            bytes -= skipped as u64;
        }
        Ok(Some(stream))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reader")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
