//! MD5 streams of many tasks, hashed together.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use md5_many::{Md5Many, Md5State};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::Digest;
use super::lanes::update_streams;

/// Hashes streams that come and go in the lanes of the vector unit.
///
/// What comes while a row is hashed becomes the next row: lanes fill up by themselves exactly when there is more to hash than one thread keeps up with.
#[derive(Clone, Debug, Default)]
pub struct SharedLanes(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Piece>,
    /// Whether there is a thread that will look into the queue again.
    is_served: bool,
}

/// The MD5 of the bytes so far of one stream.
#[derive(Debug, Default)]
pub struct RunningDigest(Md5State);

#[derive(Debug)]
struct Piece {
    stream: RunningDigest,
    bytes: Bytes,
    hashed: oneshot::Sender<RunningDigest>,
}

impl SharedLanes {
    /// Appends bytes to a stream.
    pub async fn update(&self, stream: RunningDigest, bytes: Bytes) -> io::Result<RunningDigest> {
        let (hashed, receiver) = oneshot::channel();
        self.push(Piece {
            stream,
            bytes,
            hashed,
        });
        receiver.await.map_err(io::Error::other)
    }

    fn push(&self, piece: Piece) {
        let mut queue = self.0.lock();
        queue.waiting.push(piece);
        if !queue.is_served {
            queue.is_served = true;
            let lanes = self.clone();
            tokio::task::spawn_blocking(move || lanes.serve());
        }
    }

    /// Hashes until nothing waits.
    fn serve(&self) {
        while let Some(row) = self.next_row() {
            hash(row);
        }
    }

    fn next_row(&self) -> Option<Vec<Piece>> {
        let mut queue = self.0.lock();
        let row = std::mem::take(&mut queue.waiting);
        queue.is_served = !row.is_empty();
        queue.is_served.then_some(row)
    }
}

impl RunningDigest {
    /// Returns the MD5 of all bytes so far.
    pub fn finish(&self) -> Digest {
        Digest(self.0.finalize())
    }
}

fn hash(pieces: Vec<Piece>) {
    let (mut states, rest): (Vec<_>, Vec<_>) = pieces
        .into_iter()
        .map(|piece| (piece.stream.0, (piece.bytes, piece.hashed)))
        .unzip();
    let inputs: Vec<&[u8]> = rest.iter().map(|(bytes, _)| &bytes[..]).collect();
    update_streams(Md5Many::new(), &mut states, &inputs);
    for (state, (bytes, hashed)) in states.into_iter().zip(rest) {
        drop(bytes);
        // A stream that was given up is missed by nobody.
        let _ = hashed.send(RunningDigest(state));
    }
}

#[cfg(test)]
mod tests {
    use md5::{Digest as _, Md5};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn streams_of_many_tasks_have_their_own_md5() {
        let lanes = SharedLanes::default();
        let tasks = (0..40_usize).map(|number| {
            let lanes = lanes.clone();
            tokio::spawn(async move {
                let content: Vec<u8> = (0..=250).cycle().take(number * 1_000).collect();
                let mut stream = RunningDigest::default();
                for piece in content.chunks(100 + number) {
                    let piece = Bytes::copy_from_slice(piece);
                    stream = lanes.update(stream, piece).await.unwrap();
                }
                assert_eq!(stream.finish(), Digest(Md5::digest(&content).into()));
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    }
}
