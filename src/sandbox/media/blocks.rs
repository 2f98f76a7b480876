//! Buffers for bodies that arrive, used again.
//!
//! Memory that the system hands out anew has to be mapped and cleared page by page, which costs more than receiving into it.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf as _, Bytes, BytesMut};
use parking_lot::Mutex;

/// How much of a body is collected before it is written and hashed, away from the async threads.
pub const BLOCK_BYTES: usize = 1 << 20;

/// Room for what a block may hold beyond [`BLOCK_BYTES`]: the last chunk is taken whole, and hyper's are below 420 KiB.
const SLACK_BYTES: usize = 420 << 10;

/// Most buffers to keep; as many as uploads usually arrive together.
const MOST_SPARE: usize = 16;

/// Bytes of a line of the caches.
const CACHE_LINE: usize = 64;

/// Lines of a page of memory.
const LINES: usize = 64;

/// Buffers that nobody uses at the moment.
#[derive(Debug, Default)]
pub struct BlockPool {
    spare: Mutex<Vec<BytesMut>>,
    made: AtomicUsize,
}

impl BlockPool {
    /// Returns an empty buffer.
    pub fn take(&self) -> BytesMut {
        let spare = self.spare.lock().pop();
        spare.unwrap_or_else(|| new_buffer(self.made.fetch_add(1, Ordering::Relaxed)))
    }

    /// Keeps the buffer of `block` for the next, unless somebody else still reads it.
    pub fn give_back(&self, block: Bytes) {
        if let Ok(buffer) = block.try_into_mut() {
            self.keep(buffer);
        }
    }

    /// Keeps a buffer for the next block.
    pub fn keep(&self, mut buffer: BytesMut) {
        buffer.clear();
        let mut spare = self.spare.lock();
        if spare.len() < MOST_SPARE && buffer.capacity() >= BLOCK_BYTES {
            spare.push(buffer);
        }
    }
}

/// Makes buffer `number`, which begins with a cache line, at another place of its page than its neighbours.
///
/// Blocks are hashed side by side: a vector that is loaded from two lines takes twice as long, and caches keep few lines whose addresses differ by pages.
fn new_buffer(number: usize) -> BytesMut {
    let room = (LINES + 1) * CACHE_LINE;
    let mut buffer = BytesMut::with_capacity(room + BLOCK_BYTES + SLACK_BYTES);
    let start = buffer.as_ptr().align_offset(CACHE_LINE) + number % LINES * CACHE_LINE;
    buffer.resize(start, 0);
    buffer.advance(start);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_begin_at_cache_lines_and_differ_by_no_page() {
        let pool = BlockPool::default();
        let buffers: Vec<_> = (0..LINES).map(|_| pool.take()).collect();
        let within_page = |buffer: &BytesMut| buffer.as_ptr().addr() % (LINES * CACHE_LINE);
        assert!(
            buffers.iter().all(|it| within_page(it) % CACHE_LINE == 0
                && it.capacity() >= BLOCK_BYTES + SLACK_BYTES)
        );
    }

    #[test]
    fn a_buffer_is_used_again_when_nobody_reads_it() {
        let pool = BlockPool::default();
        let mut buffer = pool.take();
        buffer.extend_from_slice(b"body");
        let (block, address) = (buffer.freeze(), |bytes: &[u8]| bytes.as_ptr());
        let first = address(&block);
        let reader = block.clone();
        pool.give_back(block);
        assert_eq!(&reader[..], b"body");
        pool.give_back(reader);
        let mut again = pool.take();
        assert!(again.is_empty());
        again.extend_from_slice(b"next");
        assert_eq!(address(&again), first);
    }
}
