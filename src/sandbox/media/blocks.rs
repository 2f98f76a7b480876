//! Buffers for bodies that arrive, used again.
//!
//! Memory that the system hands out anew has to be mapped and cleared page by page, which costs more than receiving into it.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf as _, Bytes, BytesMut};
use ftrack_md5::{MOST_START, best_start};
use parking_lot::Mutex;

/// How much of a body is collected before it is written and hashed, away from the async threads.
pub const BLOCK_BYTES: usize = 1 << 20;

/// Room for what a block may hold beyond [`BLOCK_BYTES`]: the last chunk is taken whole, and hyper's are below 420 KiB.
const SLACK_BYTES: usize = 420 << 10;

/// Most buffers to keep; as many as uploads usually arrive together.
const MOST_SPARE: usize = 16;

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

/// Makes buffer `number`, whose bytes begin where blocks are hashed fastest.
fn new_buffer(number: usize) -> BytesMut {
    let mut buffer = BytesMut::with_capacity(MOST_START + BLOCK_BYTES + SLACK_BYTES);
    let start = best_start(buffer.as_ptr(), number);
    buffer.resize(start, 0);
    buffer.advance(start);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

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
