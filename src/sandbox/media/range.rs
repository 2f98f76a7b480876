//! The `Range` header: which bytes of a file a request asks for.

use std::ops::RangeInclusive;

/// What a `Range` header means for a file of a certain size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestedRange {
    /// All of it: no range, one in another unit, or several at once, which a server may ignore.
    Whole,
    /// These bytes, first and last included.
    Part(RangeInclusive<u64>),
    /// Bytes the file does not have.
    Unsatisfiable,
}

/// Reads the value of a `Range` header for a file of `size` bytes.
pub fn requested_range(header: Option<&str>, size: u64) -> RequestedRange {
    let spec = header.and_then(|header| header.trim().strip_prefix("bytes="));
    let Some((first, last)) = spec.and_then(|spec| spec.split_once('-')) else {
        return RequestedRange::Whole;
    };
    match (number(first), number(last)) {
        (Some(first), None) if last.trim().is_empty() => part(first, size.saturating_sub(1), size),
        (Some(first), Some(last)) if first <= last => part(first, last, size),
        (None, Some(0)) if first.trim().is_empty() => RequestedRange::Unsatisfiable,
        (None, Some(length)) if first.trim().is_empty() => {
            part(size.saturating_sub(length), size.saturating_sub(1), size)
        }
        _ => RequestedRange::Whole,
    }
}

fn part(first: u64, last: u64, size: u64) -> RequestedRange {
    if first < size {
        RequestedRange::Part(first..=last.min(size - 1))
    } else {
        RequestedRange::Unsatisfiable
    }
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(header: &str, expect: &RequestedRange) {
        assert_eq!(requested_range(Some(header), 10), *expect, "{header}");
    }

    #[test]
    fn reads_every_form_of_one_range() {
        check("bytes=0-3", &RequestedRange::Part(0..=3));
        check("bytes=4-", &RequestedRange::Part(4..=9));
        check("bytes=-3", &RequestedRange::Part(7..=9));
        check("bytes=-30", &RequestedRange::Part(0..=9));
        check("bytes=5-50", &RequestedRange::Part(5..=9));
        check("bytes=10-", &RequestedRange::Unsatisfiable);
        check("bytes=-0", &RequestedRange::Unsatisfiable);
    }

    #[test]
    fn ignores_what_it_does_not_understand() {
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=3-1",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=+1-2",
        ] {
            check(header, &RequestedRange::Whole);
        }
        assert_eq!(requested_range(None, 10), RequestedRange::Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_file(header in "bytes=[0-9]{0,4}-[0-9]{0,4}", size in 0_u64..2000) {
            if let RequestedRange::Part(bytes) = requested_range(Some(&header), size) {
                prop_assert!(bytes.start() <= bytes.end() && *bytes.end() < size);
            }
        }
    }
}
