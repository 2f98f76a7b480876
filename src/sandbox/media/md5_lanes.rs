//! The MD5 of bodies that arrive at the same time, computed side by side.
//!
//! One MD5 cannot be made faster, but sixteen independent ones take little longer than one in the lanes of the vector
//! unit. One thread hashes: while it works on a batch, the chunks of other uploads queue up and form the next. As long as
//! there are more bodies under way it waits for them a moment: a full row costs hardly more than one that is half empty.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use md5_many::{Md5Many, Md5State};
use tokio::sync::oneshot;

/// The thread that hashes, as seen by those who have bytes to hash; it ends with this value.
#[derive(Debug)]
pub struct Md5Lanes {
    queue: Sender<Request>,
    under_way: Arc<AtomicUsize>,
}

/// The MD5 of the bytes so far of one body.
#[derive(Debug)]
pub struct RunningMd5 {
    state: Md5State,
    _counted: Counted,
}

/// One of the bodies under way, until it is dropped.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counter))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long a body waits for the others, so that they are hashed together; about what it takes to hash a row of them.
const LINGER: Duration = Duration::from_millis(2);

/// Bytes of a block, the step in which MD5 works.
const MD5_BLOCK: usize = 64;

/// Lanes of half a row of AVX-512, which has a kernel of its own; shorter rows have none.
const HALF_ROW: usize = 8;

struct Request {
    state: RunningMd5,
    bytes: Bytes,
    answer: oneshot::Sender<RunningMd5>,
}

impl Request {
    /// Hashes what an earlier piece left to be filled of its last block: only whole blocks go side by side.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "what is missing is less than a block"
    )]
    fn complete_block(&mut self) {
        let used = self.state.state.bytes_hashed() % MD5_BLOCK as u64;
        if used > 0 {
            let missing = (MD5_BLOCK as u64 - used) as usize;
            let start = self.bytes.split_to(missing.min(self.bytes.len()));
            self.state.state.update(&start);
        }
    }
}

impl Md5Lanes {
    /// Starts the thread.
    pub fn start() -> io::Result<Self> {
        let (queue, requests) = channel();
        let under_way = Arc::default();
        let bodies = Arc::clone(&under_way);
        thread::Builder::new()
            .name("sandbox-md5".to_owned())
            .spawn(move || serve(&requests, &bodies))?;
        Ok(Self { queue, under_way })
    }

    /// Begins the MD5 of a body that arrives.
    pub fn begin(&self) -> RunningMd5 {
        RunningMd5 {
            state: Md5State::new(),
            _counted: Counted::new(&self.under_way),
        }
    }

    /// Appends bytes to a running MD5.
    pub async fn update(&self, state: RunningMd5, bytes: Bytes) -> io::Result<RunningMd5> {
        let (answer, answered) = oneshot::channel();
        let ended = || io::Error::other("the hashing thread has ended");
        self.queue
            .send(Request {
                state,
                bytes,
                answer,
            })
            .map_err(|_| ended())?;
        answered.await.map_err(|_| ended())
    }
}

impl RunningMd5 {
    /// Returns the MD5 of all bytes so far.
    pub fn finish(&self) -> [u8; 16] {
        self.state.finalize()
    }
}

fn serve(requests: &Receiver<Request>, under_way: &AtomicUsize) {
    let engine = Md5Many::new();
    while let Ok(first) = requests.recv() {
        let batch = gather(first, requests, engine.lanes(), under_way);
        hash(engine, batch);
    }
}

/// Returns the requests that wait, after waiting a moment for those of other bodies if they do not fill a row.
fn gather(
    first: Request,
    requests: &Receiver<Request>,
    row: usize,
    under_way: &AtomicUsize,
) -> Vec<Request> {
    let mut batch = vec![first];
    let end = Instant::now() + LINGER;
    loop {
        batch.extend(requests.try_iter());
        if batch.len() >= row.min(under_way.load(Ordering::Relaxed)) {
            return batch;
        }
        match requests.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(request) => batch.push(request),
            Err(_) => return batch,
        }
    }
}

/// Hashes the bytes of all requests and answers them.
fn hash(engine: Md5Many, mut batch: Vec<Request>) {
    for group in batch.chunks_mut(engine.lanes()) {
        for request in &mut *group {
            request.complete_block();
        }
        while hash_side_by_side(engine, group) {}
    }
    for Request {
        mut state,
        bytes,
        answer,
    } in batch
    {
        state.state.update(&bytes);
        // Whoever is answered may use the buffer again.
        drop(bytes);
        // An upload that broke off waits for nothing.
        let _ = answer.send(state);
    }
}

/// Hashes the blocks that all bodies of a group still have in common; answers whether there were any worth it.
///
/// The kernels are fast only when every lane is taken, so lanes without a body hash the first one once more, for nothing.
fn hash_side_by_side(engine: Md5Many, group: &mut [Request]) -> bool {
    let mut active: Vec<&mut Request> = group
        .iter_mut()
        .filter(|request| request.bytes.len() >= MD5_BLOCK)
        .collect();
    let shortest = active.iter().map(|request| request.bytes.len()).min();
    let (Some(shortest), true) = (shortest, active.len() > 1) else {
        return false;
    };
    let common = shortest - shortest % MD5_BLOCK;
    let pieces: Vec<Bytes> = active
        .iter_mut()
        .map(|request| request.bytes.split_to(common))
        .collect();
    let mut inputs: Vec<&[u8]> = pieces.iter().map(AsRef::as_ref).collect();
    let width = row_width(engine, inputs.len());
    inputs.resize(width, inputs[0]);
    let mut states: Vec<Md5State> = active
        .iter_mut()
        .map(|request| std::mem::take(&mut request.state.state))
        .collect();
    states.resize_with(width, Md5State::new);
    engine.update_many(&mut states, &inputs);
    for (request, state) in active.into_iter().zip(states) {
        request.state.state = state;
    }
    true
}

/// Returns how many lanes to fill for so many bodies: a full row, or half of one where that is enough.
fn row_width(engine: Md5Many, bodies: usize) -> usize {
    let half = engine.lanes() / 2;
    if bodies <= half && half >= HALF_ROW {
        half
    } else {
        engine.lanes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use md5::{Digest as _, Md5};
    use proptest::prelude::*;

    /// Hashes all bodies at once, each in chunks of its own size.
    async fn hash_all(lanes: &Md5Lanes, bodies: &[(Vec<u8>, usize)]) -> Vec<[u8; 16]> {
        let hashes = bodies.iter().map(async |(body, chunk)| {
            let mut state = lanes.begin();
            for bytes in body.chunks(*chunk) {
                state = lanes
                    .update(state, Bytes::copy_from_slice(bytes))
                    .await
                    .unwrap();
            }
            state.finish()
        });
        join_all(hashes).await
    }

    proptest! {
        #[test]
        fn bodies_of_all_lengths_have_their_own_md5(
            bodies in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..500), 1_usize..200), 0..20),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let lanes = Md5Lanes::start().unwrap();
            let expect: Vec<[u8; 16]> = bodies.iter().map(|(body, _)| Md5::digest(body).into()).collect();
            prop_assert_eq!(runtime.block_on(hash_all(&lanes, &bodies)), expect);
        }
    }
}
