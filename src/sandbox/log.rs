//! What a server remembers of what went by, within limits of memory.

use std::collections::VecDeque;

use parking_lot::Mutex;

/// One thing that went by.
pub trait Record: Clone {
    /// Returns the size of the bodies that are kept, in bytes.
    fn body_bytes(&self) -> usize;

    /// Forgets the bodies.
    fn drop_bodies(&mut self);
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
    /// Size of all bodies, in bytes.
    body_bytes: usize,
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
            body_bytes: 0,
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
    pub fn push(&self, record: R) {
        let mut kept = self.kept.lock();
        kept.body_bytes += record.body_bytes();
        kept.records.push_back(record);
        kept.shrink();
    }
}

impl<R: Record> Kept<R> {
    fn shrink(&mut self) {
        while self.body_bytes > Log::<R>::BODIES_LIMIT
            && let Some(record) = self.records.get_mut(self.bare)
        {
            self.body_bytes -= record.body_bytes();
            record.drop_bodies();
            self.bare += 1;
        }
        if self.records.len() > Log::<R>::CAPACITY
            && let Some(record) = self.records.pop_front()
        {
            self.body_bytes -= record.body_bytes();
            self.bare = self.bare.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number, and the size of a body.
    #[derive(Debug, Clone, PartialEq)]
    struct Note(usize, usize);

    impl Record for Note {
        fn body_bytes(&self) -> usize {
            self.1
        }

        fn drop_bodies(&mut self) {
            self.1 = 0;
        }
    }

    fn log(count: usize, body: usize) -> Vec<Note> {
        let log = Log::default();
        (0..count).for_each(|number| log.push(Note(number, body)));
        log.records(|_| true)
    }

    #[test]
    fn the_oldest_records_are_forgotten() {
        let records = log(Log::<Note>::CAPACITY + 1, 0);
        assert_eq!(records.len(), Log::<Note>::CAPACITY);
        assert_eq!(records[0], Note(1, 0));
    }

    #[test]
    fn the_oldest_bodies_are_forgotten() {
        let fitting = Log::<Note>::BODIES_LIMIT / Log::<Note>::BODY_LIMIT;
        let records = log(fitting + 1, Log::<Note>::BODY_LIMIT);
        assert_eq!(records.len(), fitting + 1);
        assert_eq!(records[0].1, 0);
        assert!(records[1..].iter().all(|record| record.1 > 0));
    }

    #[test]
    fn records_are_filtered_and_cleared() {
        let log = Log::default();
        log.push(Note(1, 0));
        log.push(Note(2, 0));
        assert_eq!(log.records(|note| note.0 > 1), [Note(2, 0)]);
        log.clear();
        assert!(log.records(|_| true).is_empty());
    }
}
