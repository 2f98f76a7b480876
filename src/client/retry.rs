//! When and after what time a call or a transfer is sent again.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The longest time that a server may ask us to wait.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Exponential back-off with full jitter: each wait is random between zero and a limit that doubles.
///
/// Full jitter spreads the clients that one outage has synchronised; see <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a request is sent at most, the first time included.
    pub attempts: u32,
    /// The limit of the first wait.
    pub first: Duration,
    /// The limit that is never passed.
    pub max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 6,
            first: Duration::from_millis(250),
            max: Duration::from_secs(15),
        }
    }
}

impl RetryPolicy {
    /// Returns how long to wait after failure number `failures` (from 1), or `None` to give up. A wait that the server asked for is not cut short.
    pub(crate) fn wait(&self, failures: u32, asked: Option<Duration>) -> Option<Duration> {
        if failures >= self.attempts {
            return None;
        }
        let limit = self
            .first
            .saturating_mul(1 << (failures - 1).min(16))
            .min(self.max);
        Some(
            limit
                .mul_f64(random_fraction())
                .max(asked.unwrap_or_default()),
        )
    }
}

/// Returns whether the same request may succeed later.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    ) || status.is_server_error()
}

/// Returns the wait that a server asks for, in seconds or as a date, of at most a minute.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = text
        .parse()
        .map(Duration::from_secs)
        .ok()
        .or_else(|| until(text))?;
    Some(wait.min(MAX_RETRY_AFTER))
}

fn until(date: &str) -> Option<Duration> {
    let then = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    Some(Duration::try_from(then.duration_since(jiff::Timestamp::now())).unwrap_or_default())
}

/// Returns a number between zero and one. What is seeded once in a process would be the same in all of its forks.
pub(crate) fn random_fraction() -> f64 {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    // The upper 32 bits of a random UUID are all random.
    f64::from((high >> 32) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str) -> Option<Duration> {
        retry_after(&HeaderMap::from_iter([(
            RETRY_AFTER,
            value.parse().unwrap(),
        )]))
    }

    #[test]
    fn waits_stay_below_a_doubling_limit() {
        let policy = RetryPolicy {
            attempts: 9,
            first: Duration::from_millis(100),
            max: Duration::from_millis(500),
        };
        for (failures, limit) in [(1, 100), (2, 200), (3, 400), (4, 500), (8, 500)] {
            assert!(policy.wait(failures, None).unwrap() <= Duration::from_millis(limit));
        }
        assert_eq!(policy.wait(9, None), None);
    }

    #[test]
    fn a_wait_that_was_asked_for_is_kept() {
        assert_eq!(
            RetryPolicy::default().wait(1, Some(Duration::from_secs(9))),
            Some(Duration::from_secs(9))
        );
    }

    #[test]
    fn retry_after_is_read_in_both_forms_and_bounded() {
        assert_eq!(asked("3"), Some(Duration::from_secs(3)));
        assert_eq!(asked("86400"), Some(MAX_RETRY_AFTER));
        assert_eq!(asked("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(
            asked("Wed, 21 Oct 2099 07:28:00 GMT"),
            Some(MAX_RETRY_AFTER)
        );
        assert_eq!(asked("soon"), None);
    }
}
