//! How long to wait before trying to connect again.

use std::time::Duration;

use crate::retry::random_fraction;

const FIRST_LIMIT: Duration = Duration::from_millis(500);

/// Delays with full jitter: anything between nothing and a limit that doubles up to a cap, so that clients which lost the server together do not come back together.
#[derive(Clone, Debug)]
pub struct Backoff {
    limit: Duration,
    cap: Duration,
}

impl Backoff {
    /// The longest delay, unless the user says otherwise.
    pub const DEFAULT_CAP: Duration = Duration::from_secs(30);

    /// Makes delays that never exceed `cap`.
    pub fn new(cap: Duration) -> Self {
        Self {
            limit: FIRST_LIMIT.min(cap),
            cap,
        }
    }

    /// Returns the delay before the next attempt.
    pub fn next_delay(&mut self) -> Duration {
        let delay = self.limit.mul_f64(random_fraction());
        self.limit = self.limit.saturating_mul(2).min(self.cap);
        delay
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(Self::DEFAULT_CAP)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_below_a_limit_that_doubles_up_to_the_cap() {
        let cap = Duration::from_secs(3);
        let mut backoff = Backoff::new(cap);
        for attempt in 0..100 {
            let limit = FIRST_LIMIT * 2_u32.saturating_pow(attempt.min(20));
            assert!(backoff.next_delay() <= limit.min(cap));
        }
    }
}
