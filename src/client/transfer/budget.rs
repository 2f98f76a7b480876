//! One bound for the memory of all transfers.

use std::sync::Arc;

use bytes::Bytes;
use ftrack_md5::{MOST_START, best_start};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of buffers that all transfers of the process may hold together by default: enough to keep a fast link busy, little beside a compositing program.
const SHARED_BYTES: usize = 256 * 1024 * 1024;

/// Most buffers to keep for the next chunks: memory that the system hands out anew has to be mapped and cleared page by page, which costs more than reading into it.
const MOST_SPARE: usize = 16;

/// A number of bytes that transfers share; who wants a buffer waits for its turn.
#[derive(Clone, Debug)]
pub struct ByteBudget {
    free: Arc<Semaphore>,
    size: usize,
    spare: Arc<Mutex<Spare>>,
}

/// Memory of buffers that nobody uses at the moment.
#[derive(Debug, Default)]
struct Spare {
    buffers: Vec<Vec<u8>>,
    /// How many buffers were given.
    given: usize,
}

/// Bytes of the budget, given back when dropped.
pub(crate) struct Reserved {
    _permit: Option<OwnedSemaphorePermit>,
    spare: Arc<Mutex<Spare>>,
}

/// Memory to read into. What is read is hashed side by side with the content of other buffers, and begins where that is fastest.
pub(super) struct Buffer {
    memory: Vec<u8>,
    start: usize,
}

impl ByteBudget {
    /// Makes a budget of its own, of at most 4 GiB.
    pub fn new(bytes: usize) -> Self {
        let size = bytes.clamp(1, u32::MAX as usize);
        Self {
            free: Arc::new(Semaphore::new(size)),
            size,
            spare: Arc::default(),
        }
    }

    /// Returns the budget of this process, 256 MiB.
    ///
    /// A forked child gets a new one: nobody is left there to give back what the parent had reserved.
    pub fn shared() -> Self {
        static SHARED: Mutex<Option<(u32, ByteBudget)>> = Mutex::new(None);
        let process = std::process::id();
        let mut shared = SHARED.lock();
        match shared.as_ref() {
            Some((owner, budget)) if *owner == process => budget.clone(),
            _ => shared.insert((process, Self::new(SHARED_BYTES))).1.clone(),
        }
    }

    /// Returns the bytes that may be held together.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns the bytes that nobody holds at the moment.
    pub fn available(&self) -> usize {
        self.free.available_permits()
    }

    /// Waits for `bytes`, or for the whole budget if it is smaller than that.
    pub(crate) async fn reserve(&self, bytes: usize) -> Reserved {
        let permits = u32::try_from(bytes.min(self.size)).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.free).acquire_many_owned(permits).await;
        // The semaphore is never closed, which is the only failure.
        Reserved {
            _permit: permit.ok(),
            spare: Arc::clone(&self.spare),
        }
    }
}

impl Reserved {
    /// Returns an empty buffer for `length` bytes, one that was used before if there is any.
    pub(super) fn buffer(&self, length: usize) -> Buffer {
        let (spare, number) = {
            let mut spare = self.spare.lock();
            spare.given += 1;
            (spare.buffers.pop(), spare.given)
        };
        let spare = spare.filter(|memory| memory.capacity() >= MOST_START + length);
        let mut memory = spare.unwrap_or_else(|| Vec::with_capacity(MOST_START + length));
        let start = best_start(memory.as_ptr(), number);
        memory.resize(start, 0);
        Buffer { memory, start }
    }

    /// Ties the reservation to a buffer: both live until the last clone of the bytes is dropped, for example when they were written to a socket.
    pub(super) fn hold(self, buffer: Buffer) -> Bytes {
        Bytes::from_owner(Held {
            buffer,
            reserved: self,
        })
    }
}

impl Buffer {
    /// Returns the memory, to append what is read.
    pub(super) fn memory(&mut self) -> &mut Vec<u8> {
        &mut self.memory
    }
}

struct Held {
    buffer: Buffer,
    reserved: Reserved,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut memory = std::mem::take(&mut self.buffer.memory);
        memory.clear();
        let mut spare = self.reserved.spare.lock();
        if spare.buffers.len() < MOST_SPARE {
            spare.buffers.push(memory);
        }
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.buffer.memory[self.buffer.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bytes_come_back_with_the_last_clone_of_the_buffer() {
        let budget = ByteBudget::new(100);
        let reserved = budget.reserve(60).await;
        let mut buffer = reserved.buffer(60);
        buffer.memory().extend(0..60);
        let first = reserved.hold(buffer);
        assert_eq!(first[..], (0..60).collect::<Vec<_>>());
        let second = first.slice(10..20);
        drop(first);
        assert_eq!(budget.available(), 40);
        drop(second);
        assert_eq!(budget.available(), 100);
    }

    #[tokio::test]
    async fn a_wish_above_the_size_takes_everything() {
        let budget = ByteBudget::new(100);
        let _all = budget.reserve(1_000).await;
        assert_eq!(budget.available(), 0);
    }
}
