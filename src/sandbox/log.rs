//! What a server remembers of what went by, within limits of memory.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

/// One thing that went by.
pub trait Record: Clone {
    /// Shows each body that is kept.
    fn for_each_body(&mut self, show: impl FnMut(&mut Option<Bytes>));
}

/// The latest records, oldest first.
#[derive(Debug)]
pub struct Log<R> {
    kept: Mutex<Kept<R>>,
}

#[derive(Debug)]
struct Kept<R> {
    records: VecDeque<R>,
    /// How many of the oldest records have lost their bodies.
    bare: usize,
    bodies: Bodies,
}

impl<R> Default for Log<R> {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
        }
    }
}

impl<R> Default for Kept<R> {
    fn default() -> Self {
        Self {
            records: VecDeque::new(),
            bare: 0,
            bodies: Bodies::default(),
        }
    }
}

impl<R: Record> Log<R> {
    /// The most records kept: a few MB of memory, and far more than a test or a demo looks at.
    pub const CAPACITY: usize = 10_000;

    /// How much of one body is kept, in bytes: all of most, and enough of the others to see what they are.
    pub const BODY_LIMIT: usize = 64 << 10;

    /// How much is kept of all bodies, in bytes; the oldest go first, their records stay.
    const BODIES_LIMIT: usize = 32 << 20;

    /// Returns the records that pass a filter, oldest first.
    pub fn records(&self, filter: impl Fn(&R) -> bool) -> Vec<R> {
        let kept = self.kept.lock();
        let records = kept.records.iter();
        records.filter(|record| filter(record)).cloned().collect()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.kept.lock() = Kept::default();
    }

    /// Adds the latest record.
    pub fn push(&self, mut record: R) {
        let mut kept = self.kept.lock();
        record.for_each_body(|body| {
            if let Some(bytes) = body {
                *bytes = kept.bodies.keep(bytes);
            }
        });
        kept.records.push_back(record);
        kept.shrink();
    }
}

impl<R: Record> Kept<R> {
    fn shrink(&mut self) {
        while self.bodies.bytes > Log::<R>::BODIES_LIMIT
            && let Some(record) = self.records.get_mut(self.bare)
        {
            self.bodies.forget_those_of(record);
            self.bare += 1;
        }
        if self.records.len() > Log::<R>::CAPACITY
            && let Some(mut record) = self.records.pop_front()
        {
            self.bodies.forget_those_of(&mut record);
            self.bare = self.bare.saturating_sub(1);
        }
    }
}

/// The memory of bodies: those that follow each other lie in one chunk, which is used again when the last of them is gone.
///
/// An allocation for each body, made by whichever thread answers, would scatter them over the heaps of all threads, and the
/// server would seem to grow for a while.
#[derive(Debug, Default)]
struct Bodies {
    /// Size of all bodies, in bytes.
    bytes: usize,
    /// Where the next bodies go.
    chunk: BytesMut,
    /// A chunk whose bodies are gone.
    spare: Option<BytesMut>,
}

impl Bodies {
    /// Larger than any body, and small beside all of them.
    const CHUNK: usize = 256 << 10;

    fn keep(&mut self, body: &[u8]) -> Bytes {
        self.bytes += body.len();
        if self.chunk.capacity() < body.len() {
            let spare = self.spare.take();
            self.chunk = spare.unwrap_or_else(|| BytesMut::with_capacity(Self::CHUNK));
        }
        self.chunk.extend_from_slice(body);
        self.chunk.split().freeze()
    }

    fn forget_those_of(&mut self, record: &mut impl Record) {
        record.for_each_body(|body| {
            if let Some(body) = body.take() {
                self.forget(body);
            }
        });
    }

    fn forget(&mut self, body: Bytes) {
        self.bytes -= body.len();
        // Only of the last body of a chunk.
        if let Ok(mut chunk) = body.try_into_mut() {
            chunk.clear();
            if chunk.try_reclaim(Self::CHUNK) {
                self.spare = Some(chunk);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number, and a body.
    #[derive(Debug, Clone, PartialEq)]
    struct Note(usize, Option<Bytes>);

    impl Record for Note {
        fn for_each_body(&mut self, mut show: impl FnMut(&mut Option<Bytes>)) {
            show(&mut self.1);
        }
    }

    fn log(count: usize, body: usize) -> Vec<Note> {
        let log = Log::default();
        let body = (body > 0).then(|| Bytes::from(vec![b'x'; body]));
        (0..count).for_each(|number| log.push(Note(number, body.clone())));
        log.records(|_| true)
    }

    #[test]
    fn bodies_of_all_sizes_are_kept_as_they_were() {
        let log = Log::default();
        let limit = Log::<Note>::BODY_LIMIT;
        let body =
            |number: usize| Bytes::from(number.to_le_bytes().repeat(number * 13 % limit / 8));
        (0..2_000).for_each(|number| log.push(Note(number, Some(body(number)))));
        for Note(number, kept) in log.records(|note| note.1.is_some()) {
            assert_eq!(kept, Some(body(number)));
        }
    }

    #[test]
    fn memory_of_forgotten_bodies_is_used_again() {
        let mut bodies = Bodies::default();
        let body = vec![b'x'; 100_000];
        let first: Vec<_> = (0..3).map(|_| bodies.keep(&body)).collect();
        let address = first[0].as_ptr();
        for body in first {
            bodies.forget(body);
        }
        let second: Vec<_> = (0..4).map(|_| bodies.keep(&body)).collect();
        assert!(second.iter().any(|body| body.as_ptr() == address));
        assert!(second.iter().all(|kept| **kept == *body));
        assert_eq!(bodies.bytes, 400_000);
    }

    #[test]
    fn the_oldest_records_are_forgotten() {
        let records = log(Log::<Note>::CAPACITY + 1, 0);
        assert_eq!(records.len(), Log::<Note>::CAPACITY);
        assert_eq!(records[0], Note(1, None));
    }

    #[test]
    fn the_oldest_bodies_are_forgotten() {
        let fitting = Log::<Note>::BODIES_LIMIT / Log::<Note>::BODY_LIMIT;
        let records = log(fitting + 1, Log::<Note>::BODY_LIMIT);
        assert_eq!(records.len(), fitting + 1);
        assert_eq!(records[0].1, None);
        assert!(records[1..].iter().all(|record| record.1.is_some()));
    }

    #[test]
    fn records_are_filtered_and_cleared() {
        let log = Log::default();
        log.push(Note(1, None));
        log.push(Note(2, None));
        assert_eq!(log.records(|note| note.0 > 1), [Note(2, None)]);
        log.clear();
        assert!(log.records(|_| true).is_empty());
    }
}
