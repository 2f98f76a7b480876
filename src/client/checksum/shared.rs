//! MD5 streams of many tasks, hashed together.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ftrack_md5::{Kernel, Md5, update_many};
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::Digest;

/// How long a piece waits for those of other streams; about what it takes to hash a row of them.
const LINGER: Duration = Duration::from_millis(2);

/// Hashes streams that come and go in the lanes of the vector unit.
///
/// What comes while a row is hashed becomes the next row. A row costs the same however few of its lanes are taken, so it waits a moment for the other streams under way.
#[derive(Clone, Debug, Default)]
pub struct SharedLanes(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    /// How many streams are under way.
    streams: AtomicUsize,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Piece>,
    /// Whether there is a thread that will look into the queue again.
    is_served: bool,
}

/// The MD5 of the bytes so far of one stream.
#[derive(Debug)]
pub struct RunningDigest {
    state: Md5,
    _counted: Counted,
}

/// One of the streams under way, until it is dropped.
#[derive(Debug)]
struct Counted(Arc<Shared>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Piece {
    stream: RunningDigest,
    bytes: Bytes,
    hashed: oneshot::Sender<RunningDigest>,
}

impl SharedLanes {
    /// Begins a stream.
    pub fn begin(&self) -> RunningDigest {
        self.0.streams.fetch_add(1, Ordering::Relaxed);
        RunningDigest {
            state: Md5::new(),
            _counted: Counted(Arc::clone(&self.0)),
        }
    }

    /// Appends bytes to a stream, which is given back when they are hashed. That begins at once, whether or not it is waited for.
    pub fn update(
        &self,
        stream: RunningDigest,
        bytes: Bytes,
    ) -> impl Future<Output = io::Result<RunningDigest>> + Send + 'static {
        let (hashed, receiver) = oneshot::channel();
        self.push(Piece {
            stream,
            bytes,
            hashed,
        });
        async move { receiver.await.map_err(io::Error::other) }
    }

    fn push(&self, piece: Piece) {
        let mut queue = self.0.queue.lock();
        queue.waiting.push(piece);
        if queue.is_served {
            self.0.arrived.notify_one();
        } else {
            queue.is_served = true;
            let lanes = self.clone();
            tokio::task::spawn_blocking(move || lanes.serve());
        }
    }

    /// Hashes until nothing waits.
    fn serve(&self) {
        // Waiting for the last of many costs more than the lanes that stay empty.
        let width = Kernel::best().best_width().div_ceil(2);
        while let Some(row) = self.next_row(width) {
            hash(row);
        }
    }

    /// Takes what waits, of `width` streams if there are as many.
    fn next_row(&self, width: usize) -> Option<Vec<Piece>> {
        let mut queue = self.0.queue.lock();
        let end = Instant::now() + LINGER;
        let is_short = |queue: &Queue| {
            let streams = self.0.streams.load(Ordering::Relaxed);
            (1..width.min(streams)).contains(&queue.waiting.len())
        };
        while is_short(&queue) && !self.0.arrived.wait_until(&mut queue, end).timed_out() {}
        let row = std::mem::take(&mut queue.waiting);
        queue.is_served = !row.is_empty();
        queue.is_served.then_some(row)
    }
}

impl RunningDigest {
    /// Returns the MD5 of all bytes so far.
    pub fn finish(&self) -> Digest {
        Digest(self.state.digest())
    }
}

fn hash(mut pieces: Vec<Piece>) {
    let mut row: Vec<_> = pieces
        .iter_mut()
        .map(|piece| (&mut piece.stream.state, &piece.bytes[..]))
        .collect();
    update_many(&mut row);
    for piece in pieces {
        let Piece {
            stream,
            bytes,
            hashed,
        } = piece;
        // Whoever is answered may use the buffer again.
        drop(bytes);
        // A stream that was given up is missed by nobody.
        let _ = hashed.send(stream);
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
                for piece in content.chunks(100 + number) {
                    let piece = Bytes::copy_from_slice(piece);
                    stream = lanes.update(stream, piece).await.unwrap();
                }
                assert_eq!(stream.finish(), Digest::of(&content));
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }
}
