//! MD5 streams of many tasks, hashed together while their bytes move.

use std::future::Future;
use std::io;

use bytes::Bytes;
use ftrack_md5::SharedMd5;
use tokio::sync::oneshot;

use super::Digest;

/// How long a row of lanes waits to be filled, for each byte of a piece. Tasks read and send their next piece meanwhile, which takes longer than this unless few share
/// a fast link; with a fourth of it, large files in parts took longer in four of five runs (docs/performance.md).
const LINGER_NANOSECONDS: u64 = 8;

/// Hashes streams that come and go in the lanes of the vector unit.
#[derive(Clone, Debug)]
pub struct SharedLanes(ftrack_md5::SharedLanes<Bytes>);

impl Default for SharedLanes {
    fn default() -> Self {
        Self(ftrack_md5::SharedLanes::lingering(LINGER_NANOSECONDS))
    }
}

/// The MD5 of the bytes so far of one stream.
#[derive(Debug)]
pub struct RunningDigest(SharedMd5);

impl SharedLanes {
    /// Begins a stream.
    pub fn begin(&self) -> RunningDigest {
        RunningDigest(self.0.begin())
    }

    /// Appends bytes to a stream, which is given back when they are hashed. That begins at once, whether or not it is waited for.
    pub fn update(
        &self,
        RunningDigest(stream): RunningDigest,
        bytes: Bytes,
        are_last: bool,
    ) -> impl Future<Output = io::Result<RunningDigest>> + Send + 'static {
        let (sender, hashed) = oneshot::channel();
        // A stream that was given up is missed by nobody.
        let hashed_by = move |stream| drop(sender.send(RunningDigest(stream)));
        if self.0.push(stream, bytes, are_last, hashed_by) {
            let lanes = self.0.clone();
            tokio::task::spawn_blocking(move || lanes.serve());
        }
        async move { hashed.await.map_err(io::Error::other) }
    }
}

impl RunningDigest {
    /// Returns the MD5 of all bytes so far.
    pub fn finish(&self) -> Digest {
        Digest(self.0.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn streams_of_many_tasks_have_their_own_md5() {
        let lanes = SharedLanes::default();
        let tasks = (0..40_usize).map(|number| {
            let lanes = lanes.clone();
            tokio::spawn(async move {
                let content: Vec<u8> = (0..=250).cycle().take(number * 1_000).collect();
                let mut stream = lanes.begin();
                let mut pieces = content.chunks(100 + number).peekable();
                while let Some(piece) = pieces.next() {
                    let (piece, is_last) = (Bytes::copy_from_slice(piece), pieces.peek().is_none());
                    stream = lanes.update(stream, piece, is_last).await.unwrap();
                }
                assert_eq!(stream.finish(), Digest::of(&content));
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }
}
