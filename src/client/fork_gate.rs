//! Keeps the process from being forked amid work that holds locks.
//!
//! A forked child has a copy of every lock but a single thread: what another thread had locked stays locked there for ever. Python's own lock keeps those away from a fork that
//! hold it; this gate is for work that goes on without. It is made of atomics only, as a lock of its own might be held at the fork as well.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// The gate of this process.
pub static FORK_GATE: ForkGate = ForkGate::new();

/// How long whoever waits at the gate sleeps before looking again: less than a fork takes.
pub const TURN: Duration = Duration::from_millis(1);

/// How long work waits for forks: longer than the fork of a huge process takes. Not for ever, as a fork may itself wait for a thread that waits for the work.
const LONGEST_FORK: Duration = Duration::from_secs(1);

/// Lets either work or forks pass. Forks have the right of way, or they would hardly ever find a gap.
#[derive(Debug)]
pub struct ForkGate {
    working: AtomicUsize,
    forks: AtomicUsize,
}

/// Work that a fork waits for, until this is dropped.
#[derive(Debug)]
pub(crate) struct Passage<'a>(&'a ForkGate);

impl ForkGate {
    const fn new() -> Self {
        Self {
            working: AtomicUsize::new(0),
            forks: AtomicUsize::new(0),
        }
    }

    /// Begins work, after the forks that wait.
    pub(crate) fn enter(&self) -> Passage<'_> {
        // Counted first and looked after that, while a fork does it the other way round: one of the two sees the other.
        self.working.fetch_add(1, SeqCst);
        if self.forks.load(SeqCst) > 0 {
            self.give_way();
        }
        Passage(self)
    }

    #[cold]
    fn give_way(&self) {
        let begin = Instant::now();
        while self.forks.load(SeqCst) > 0 && begin.elapsed() < LONGEST_FORK {
            self.working.fetch_sub(1, SeqCst);
            thread::sleep(TURN);
            self.working.fetch_add(1, SeqCst);
        }
    }

    /// Lets no more work begin: a fork is near.
    pub fn close(&self) {
        self.forks.fetch_add(1, SeqCst);
    }

    /// Returns whether work goes on that a fork had better wait for.
    pub fn is_busy(&self) -> bool {
        self.working.load(SeqCst) > 0
    }

    /// Lets work begin again: the fork is over.
    pub fn open(&self) {
        self.forks.fetch_sub(1, SeqCst);
    }

    /// Starts anew in a forked child, which has none of the work and none of the other forks.
    pub fn reset(&self) {
        self.working.store(0, SeqCst);
        self.forks.store(0, SeqCst);
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_sees_work_under_way_and_work_waits_for_forks() {
        let gate = ForkGate::new();
        let passage = gate.enter();
        gate.close();
        assert!(gate.is_busy());
        drop(passage);
        assert!(!gate.is_busy());
        thread::scope(|scope| {
            let work = scope.spawn(|| drop(gate.enter()));
            assert!(!work.is_finished());
            gate.open();
        });
        assert!(!gate.is_busy());
    }

    #[test]
    fn work_does_not_wait_for_ever() {
        let gate = ForkGate::new();
        gate.close();
        let passage = gate.enter();
        assert!(gate.is_busy());
        gate.reset();
        std::mem::forget(passage);
        drop(gate.enter());
        assert!(!gate.is_busy());
    }
}
