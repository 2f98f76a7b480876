//! The days of a production.

use jiff::ToSpan as _;
use jiff::civil::{DateTime, date};

/// Days from the first to the last of a production.
pub(super) const LENGTH: u64 = 420;

/// Days until today: what is further on has not happened.
pub(super) const TODAY: u64 = 300;

/// Returns a moment as the store has it: `day` counts from the first of the production, `minute` from midnight.
pub(super) fn moment(day: u64, minute: u64) -> String {
    let span = |number: u64| i64::try_from(number).unwrap_or_default();
    let first: DateTime = date(2025, 9, 1).at(0, 0, 0, 0);
    first
        .saturating_add(span(day).days())
        .saturating_add(span(minute).minutes())
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_stored_to_the_second() {
        assert_eq!(moment(0, 0), "2025-09-01T00:00:00");
        assert_eq!(moment(30, 9 * 60 + 5), "2025-10-01T09:05:00");
    }
}
