//! Streams of which many threads bring pieces, hashed together.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{Kernel, Md5, update_many};

/// How long a row waits by default, for each byte of its first piece: about as long as hashing the others takes.
const LINGER_NANOSECONDS: u64 = 2;

/// Hashes streams that come and go, as many at a time as the vector unit has lanes.
///
/// What comes while a row is hashed becomes the next row. A full row costs less than two that are half empty, so one that is not full waits a moment for streams of
/// which more is expected. `B` is what holds the bytes of a piece. Clones share the work.
///
/// ```
/// let lanes = ftrack_md5::SharedLanes::default();
/// let (sender, receiver) = std::sync::mpsc::channel();
/// if lanes.push(lanes.begin(), b"abc", true, move |stream| sender.send(stream).unwrap()) {
///     lanes.serve();
/// }
/// assert_eq!(receiver.recv().unwrap().digest()[..4], [0x90, 0x01, 0x50, 0x98]);
/// ```
pub struct SharedLanes<B>(Arc<Shared<B>>);

struct Shared<B> {
    queue: Mutex<Queue<B>>,
    arrived: Condvar,
    expected: Arc<AtomicUsize>,
    /// For each byte of the first piece.
    linger_nanoseconds: u64,
}

struct Queue<B> {
    waiting: Vec<Piece<B>>,
    /// Whether a thread will look into the queue again.
    is_served: bool,
}

struct Piece<B> {
    stream: Md5,
    bytes: B,
    is_last: bool,
    hashed: Box<dyn FnOnce(SharedMd5) + Send>,
}

/// The MD5 of the bytes so far of one of the streams of [`SharedLanes`].
#[derive(Debug)]
pub struct SharedMd5 {
    stream: Md5,
    /// Keeps rows waiting for the next piece; there is none after the last.
    expectation: Option<Expectation>,
}

/// One more piece is expected until this is dropped.
#[derive(Debug)]
struct Expectation(Arc<AtomicUsize>);

impl Expectation {
    fn new(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(counter))
    }
}

impl Drop for Expectation {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SharedMd5 {
    /// Returns the MD5 of all bytes so far.
    pub fn digest(&self) -> [u8; 16] {
        self.stream.digest()
    }
}

impl<B> SharedLanes<B> {
    /// Makes lanes where a row that is not full waits so many nanoseconds for each byte of its first piece.
    ///
    /// The default suits streams that stand still until their piece is hashed. Where they go on meanwhile, waiting longer costs them nothing, and fills the rows.
    pub fn lingering(nanoseconds: u64) -> Self {
        let queue = Queue {
            waiting: Vec::new(),
            is_served: false,
        };
        Self(Arc::new(Shared {
            queue: Mutex::new(queue),
            arrived: Condvar::new(),
            expected: Arc::default(),
            linger_nanoseconds: nanoseconds,
        }))
    }
}

impl<B: AsRef<[u8]> + Send> SharedLanes<B> {
    /// Begins a stream, of which a first piece is expected soon.
    pub fn begin(&self) -> SharedMd5 {
        SharedMd5 {
            stream: Md5::new(),
            expectation: Some(Expectation::new(&self.0.expected)),
        }
    }

    /// Brings the next bytes of a stream. When they are hashed, `hashed` gets it back, on the thread that hashes.
    ///
    /// Returns whether that thread is still to be found: then the caller has to see to it that one calls [`SharedLanes::serve`] soon.
    #[must_use]
    pub fn push(
        &self,
        md5: SharedMd5,
        bytes: B,
        is_last: bool,
        hashed: impl FnOnce(SharedMd5) + Send + 'static,
    ) -> bool {
        let SharedMd5 {
            stream,
            expectation,
        } = md5;
        let piece = Piece {
            stream,
            bytes,
            is_last,
            hashed: Box::new(hashed),
        };
        let mut queue = self.lock();
        queue.waiting.push(piece);
        // Under the lock: whoever sees the piece no longer expects it.
        drop(expectation);
        self.0.arrived.notify_one();
        !mem::replace(&mut queue.is_served, true)
    }

    /// Hashes until nothing waits. Blocks, for a moment at a time.
    pub fn serve(&self) {
        while let Some(row) = self.next_row() {
            self.hash(row);
        }
    }

    /// Takes what waits, which may be more than a row.
    fn next_row(&self) -> Option<Vec<Piece<B>>> {
        let width = Kernel::best().best_width();
        let mut queue = self.lock();
        let Some(first) = queue.waiting.first() else {
            queue.is_served = false;
            return None;
        };
        let bytes = first.bytes.as_ref().len() as u64;
        let linger = bytes.saturating_mul(self.0.linger_nanoseconds);
        let end = Instant::now() + Duration::from_nanos(linger);
        while queue.waiting.len() < width && self.0.expected.load(Ordering::Relaxed) > 0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.0.arrived.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(mem::take(&mut queue.waiting))
    }

    fn hash(&self, mut pieces: Vec<Piece<B>>) {
        let mut row: Vec<_> = pieces
            .iter_mut()
            .map(|piece| (&mut piece.stream, piece.bytes.as_ref()))
            .collect();
        update_many(&mut row);
        for piece in pieces {
            let Piece {
                stream,
                bytes,
                is_last,
                hashed,
            } = piece;
            // Whoever gets the stream back may use the buffer again.
            drop(bytes);
            hashed(SharedMd5 {
                stream,
                expectation: (!is_last).then(|| Expectation::new(&self.0.expected)),
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<B>> {
        // No code that may panic runs under the lock, which is held for a moment only.
        let queue = self.0.queue.lock();
        queue.unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> Default for SharedLanes<B> {
    fn default() -> Self {
        Self::lingering(LINGER_NANOSECONDS)
    }
}

impl<B> Clone for SharedLanes<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> fmt::Debug for SharedLanes<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SharedLanes")
            .field("expected", &self.0.expected)
            .finish_non_exhaustive()
    }
}
