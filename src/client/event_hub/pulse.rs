//! When the silence of the server means that it has gone.
//!
//! The server announces how long a connection may be silent, which is a multiple of the time between its heartbeats. That time is not announced, so it is measured.

use std::time::{Duration, Instant};

/// Gaps between heartbeats that are measured before they are relied on: a first heartbeat may come late, the next then too soon.
const NEEDED_GAPS: u32 = 2;
/// Heartbeats that may be missing before the server is taken for gone.
const MISSED: u32 = 2;

/// The heartbeats of one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    announced: Duration,
    least: Duration,
    last: Option<Instant>,
    gaps: u32,
    longest: Duration,
}

impl Pulse {
    /// Starts with the silence that the server has `announced`; what is measured counts from `least` up.
    pub(super) fn new(announced: Duration, least: Duration) -> Self {
        Self {
            announced,
            least,
            last: None,
            gaps: 0,
            longest: Duration::ZERO,
        }
    }

    /// Notes a heartbeat.
    pub(super) fn beat(&mut self, now: Instant) {
        if let Some(last) = self.last.replace(now) {
            self.gaps += 1;
            self.longest = self.longest.max(now.duration_since(last));
        }
    }

    /// Returns how long the server may be silent from now on.
    pub(super) fn patience(&self) -> Duration {
        if self.gaps < NEEDED_GAPS {
            return self.announced;
        }
        let measured = self.longest.saturating_mul(MISSED).max(self.least);
        measured.min(self.announced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn check(beats: &[u32], expected: Duration) {
        let start = Instant::now();
        let mut pulse = Pulse::new(60 * SECOND, 5 * SECOND);
        for beat in beats {
            pulse.beat(start + *beat * SECOND);
        }
        assert_eq!(pulse.patience(), expected, "{beats:?}");
    }

    #[test]
    fn patience_is_two_heartbeats_once_they_are_known() {
        check(&[], 60 * SECOND);
        check(&[0, 10], 60 * SECOND);
        check(&[0, 10, 20], 20 * SECOND);
        check(&[0, 10, 25, 30], 30 * SECOND);
        check(&[0, 1, 2], 5 * SECOND);
        check(&[0, 50, 100], 60 * SECOND);
    }
}
