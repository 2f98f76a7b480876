//! When to try again, and how long to wait before.

use std::time::Duration;

/// How often a call is sent at most.
pub(super) const MAX_ATTEMPTS: u32 = 4;
const FIRST_DELAY: Duration = Duration::from_millis(200);
const MAX_DELAY: Duration = Duration::from_secs(5);

/// Returns how long to wait before the attempt after `attempt` (counted from one).
///
/// Full jitter: anything between nothing and a limit that doubles, so that clients which failed together do not come back together.
pub(super) fn delay_after(attempt: u32) -> Duration {
    let limit = FIRST_DELAY
        .saturating_mul(1 << attempt.saturating_sub(1).min(16))
        .min(MAX_DELAY);
    limit.mul_f64(random_fraction())
}

/// Tells whether a status means that the server, or what stands before it, did not get to the call.
pub(super) fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 500..=599)
}

/// Returns a number between zero and one.
pub(crate) fn random_fraction() -> f64 {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    // The upper 32 bits of a random UUID are all random.
    f64::from((high >> 32) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_below_a_limit_that_doubles() {
        for attempt in 1..40 {
            let limit = FIRST_DELAY * 2_u32.saturating_pow(attempt - 1).min(1 << 16);
            assert!(delay_after(attempt) <= limit.min(MAX_DELAY));
        }
    }
}
