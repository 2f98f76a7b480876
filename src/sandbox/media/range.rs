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
    let (unit, spec) = header.and_then(|header| header.split_once('=')).unzip();
    let is_of_bytes = unit.is_some_and(|unit| unit.trim().eq_ignore_ascii_case("bytes"));
    let spec = spec.filter(|_| is_of_bytes);
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

/// Reads a number; one that is too large for the system is too large for any file as well.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
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
        check("Bytes=2-4", &RequestedRange::Part(2..=4));
        let huge = "9".repeat(24);
        check(&format!("bytes=0-{huge}"), &RequestedRange::Part(0..=9));
        check(&format!("bytes=-{huge}"), &RequestedRange::Part(0..=9));
        check(&format!("bytes={huge}-"), &RequestedRange::Unsatisfiable);
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
