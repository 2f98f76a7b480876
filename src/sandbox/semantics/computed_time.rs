//! Sums and states that follow from logged time and dates.

use crate::plan::Alias;

/// The seconds logged on a context itself. Guess: time logged on what lies below does not count.
pub(crate) fn time_logged(alias: Alias) -> String {
    format!("(select total(l.duration) from timelog l where l.context_id = {alias}.id)")
}

/// The seconds of the bid that are left; negative when more was logged.
pub(crate) fn bid_time_logged_difference(alias: Alias) -> String {
    format!("(coalesce({alias}.bid, 0) - {})", time_logged(alias))
}

/// Whether a review session is open now. Dates are compared as the store writes them, in UTC.
pub(crate) fn review_session_is_open(alias: Alias) -> String {
    format!(
        "(strftime('%Y-%m-%dT%H:%M:%S', 'now') between coalesce({alias}.start_date, '') \
         and coalesce({alias}.end_date, '9999'))"
    )
}
