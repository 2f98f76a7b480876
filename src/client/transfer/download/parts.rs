//! Fetches one version of a large file in parts, several at a time.
//!
//! Each part is asked for on condition that the content is still the version of the first answer, and its answer has to say so. A part that breaks is fetched
//! again by itself, a few times; then the attempt at the whole file ends, and the next one fetches what is missing. Of another version that is everything.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use ftrack_md5::Md5;
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use parking_lot::Mutex;
use tokio::try_join;

use super::super::TransferError;
use super::super::get::{Answer, Wanted};
use super::super::limit::Permit;
use super::super::link::{Attempts, Failure, Flow};
use super::super::tally::{admitted, blocking};
use super::super::version::Version;
use super::checkpoint::Checkpoint;
use super::writer::{MEMORY, Start};
use super::{Content, Fetch};
use crate::checksum::{Digest, md5_files};

/// More parts than this are more requests than anybody gains from; those of huge files are larger.
const MOST_PARTS: u64 = 1000;

/// Bytes that are read at once to hash them.
const CHUNK: usize = 512 * 1024;

/// One attempt at a file in parts.
pub(super) struct Parts<'a> {
    fetch: &'a Fetch<'a>,
    version: Version,
    size: u64,
    checkpoint: Arc<Checkpoint>,
    /// What moves the parts, to take back all of it if the attempt fails.
    flows: Mutex<Vec<Arc<Flow>>>,
}

impl<'a> Parts<'a> {
    /// Gets ready to fetch `size` bytes of a version into a file that may hold some of them.
    pub(super) async fn prepare(
        fetch: &'a Fetch<'a>,
        version: Version,
        size: u64,
    ) -> Result<Self, TransferError> {
        let (path, file) = (fetch.log.path().to_owned(), Arc::clone(&fetch.file));
        let wanted = version.clone();
        let preparing = blocking(move || {
            file.set_len(size)?;
            Checkpoint::open(&path, &wanted)
        });
        let checkpoint = preparing.await?.map_err(|error| fetch.unwritable(error))?;
        Ok(Self {
            fetch,
            version,
            size,
            checkpoint: Arc::new(checkpoint),
            flows: Mutex::default(),
        })
    }

    /// Fetches all parts; `first` is the answer with the beginning, in its place.
    pub(super) async fn fetch(
        &self,
        first: Answer,
        flow: Arc<Flow>,
        place: Permit,
    ) -> Result<Content, Failure> {
        self.flows.lock().push(Arc::clone(&flow));
        let fetched = self.fetch_all(first, flow, place).await;
        if fetched.is_err() {
            self.flows.lock().iter().for_each(|flow| flow.rewind());
        }
        fetched
    }

    async fn fetch_all(
        &self,
        first: Answer,
        flow: Arc<Flow>,
        place: Permit,
    ) -> Result<Content, Failure> {
        let link = first.link.clone();
        let beginning = 0..first.length().unwrap_or_default();
        let run = self.fetch.run;
        let rest = split(beginning.end..self.size, run.options.range);
        let first = self.part(beginning, Some((first, flow)), place);
        let rest = admitted(stream::iter(rest), run.limiter, run.control)
            .map(|(part, place)| self.part(part, None, place).boxed())
            .buffer_unordered(usize::MAX);
        try_join!(first, rest.try_collect::<()>())?;
        let (size, md5) = (self.size, self.whole_md5().await?);
        let fetch = self.fetch;
        fetch
            .verified(&link, &self.version, Content { size, md5 })
            // Nobody knows which parts are wrong.
            .inspect_err(|_| fetch.log.discard())
    }

    async fn part(
        &self,
        part: Range<u64>,
        mut first: Option<(Answer, Arc<Flow>)>,
        place: Permit,
    ) -> Result<(), Failure> {
        if self.was_received(&part).await? {
            self.flow().advance(part.end - part.start);
            return Ok(());
        }
        let mut attempts = Attempts::new(self.fetch.run.options.retry);
        loop {
            let (answer, flow) = match first.take() {
                Some((answer, flow)) => (Some(answer), flow),
                None => (None, self.flow()),
            };
            let failure = match self.attempt(&part, answer, &flow, &place).await {
                Ok(md5) => {
                    place.succeeded(&flow);
                    return Ok(self.note(part, md5).await?);
                }
                Err(failure) => failure,
            };
            flow.rewind();
            if failure.is_change() {
                return Err(failure);
            }
            failure.blame(&place);
            attempts.pause(failure).await?;
        }
    }

    async fn attempt(
        &self,
        part: &Range<u64>,
        answer: Option<Answer>,
        flow: &Flow,
        place: &Permit,
    ) -> Result<Digest, Failure> {
        let run = self.fetch.run;
        let _reserved = flow.excuse(run.options.budget.reserve(MEMORY)).await;
        let mut answer = if let Some(answer) = answer {
            answer
        } else {
            let wanted = Wanted::Part(&self.version, part);
            self.fetch.origin.get(flow, wanted).await?
        };
        let start = Start::At(part.start);
        let mut writer = self.fetch.writer(start).await?;
        let expected = part.end - part.start;
        while let Some(bytes) = answer.next(flow, run.control, Some(place)).await? {
            if flow.moved() > expected {
                break;
            }
            writer = writer.write(&bytes).await?;
        }
        match flow.moved() {
            moved if moved == expected => Ok(writer.finish().await?),
            actual => Err(Failure::passing(answer.link.wrong_size(expected, actual))),
        }
    }

    fn flow(&self) -> Arc<Flow> {
        let flow = Arc::new(Flow::new(self.fetch.index, self.fetch.run.progress));
        self.flows.lock().push(Arc::clone(&flow));
        flow
    }

    /// Returns whether an earlier attempt, or a process that was killed, has received this part, which is in the file.
    async fn was_received(&self, part: &Range<u64>) -> Result<bool, TransferError> {
        let Some(expected) = self.checkpoint.received(part) else {
            return Ok(false);
        };
        let (path, part) = (self.fetch.pending.path().to_owned(), part.clone());
        let found = blocking(move || File::open(path).and_then(|file| md5_at(file, part)));
        Ok(found.await?.is_ok_and(|found| found == expected))
    }

    async fn note(&self, part: Range<u64>, md5: Digest) -> Result<(), TransferError> {
        let checkpoint = Arc::clone(&self.checkpoint);
        let noted = blocking(move || checkpoint.note(&part, md5)).await?;
        noted.map_err(|error| self.fetch.unwritable(error))
    }

    /// Reads everything once more where there is an MD5 to compare it with: the parts of a file, hashed by themselves, do not tell that of the whole.
    async fn whole_md5(&self) -> Result<Option<Digest>, TransferError> {
        let Fetch { run, item, .. } = self.fetch;
        if item.md5.or(self.version.md5).is_none() {
            return Ok(None);
        }
        let path = self.fetch.pending.path().to_owned();
        let (hash, stop) = (run.options.hash, run.stop.clone());
        let hashed = blocking(move || md5_files(&[path], &hash, &stop, &|_, _| {}).pop()).await?;
        match hashed {
            Some(Ok(digest)) => Ok(Some(digest.md5)),
            Some(Err(error)) => Err(TransferError::reading(&item.target, error)),
            None => Err(TransferError::WorkerLost),
        }
    }
}

fn split(bytes: Range<u64>, part: u64) -> impl Iterator<Item = Range<u64>> + Send {
    let part = part.max(bytes.end.div_ceil(MOST_PARTS)).max(1);
    let end = bytes.end;
    let count = (bytes.end - bytes.start).div_ceil(part);
    (0..count).map(move |index| {
        let start = bytes.start + index * part;
        start..(start + part).min(end)
    })
}

fn md5_at(mut file: File, part: Range<u64>) -> io::Result<Digest> {
    file.seek(SeekFrom::Start(part.start))?;
    let (mut left, mut md5) = (file.take(part.end - part.start), Md5::new());
    let mut chunk = vec![0; CHUNK];
    loop {
        match left.read(&mut chunk)? {
            0 => return Ok(Digest(md5.digest())),
            read => md5.update(&chunk[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(bytes: Range<u64>, part: u64) -> Vec<Range<u64>> {
        split(bytes, part).collect()
    }

    #[test]
    fn parts_cover_everything_once() {
        assert_eq!(parts(4..12, 4), [4..8, 8..12]);
        assert_eq!(parts(4..13, 4), [4..8, 8..12, 12..13]);
        assert_eq!(parts(4..4, 4), []);
    }

    #[test]
    fn huge_files_have_larger_parts() {
        let huge = parts(4..4_000_000, 4);
        assert_eq!(huge.len(), 1000);
        assert_eq!(huge[0], 4..4_004);
    }
}
