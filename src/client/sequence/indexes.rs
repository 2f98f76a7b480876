//! The numbers of a sequence, kept as sorted ranges.

use std::fmt;

use super::MAX_MEMBERS;

/// A sorted set of frame numbers, stored as ranges that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Indexes {
    ranges: Vec<(u64, u64)>,
    len: usize,
}

/// What is wrong with the ranges of a sequence path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeFault {
    /// Nothing stands in the brackets.
    #[error("it has no frames")]
    Empty,
    /// A part between two commas is neither `7` nor `1-5`.
    #[error("'{part}' is not a frame or a range of frames")]
    Malformed {
        /// The part.
        part: String,
    },
    /// A range is written backwards.
    #[error("range '{part}' ends before it starts")]
    Reversed {
        /// The part.
        part: String,
    },
    /// The ranges hold more than [`MAX_MEMBERS`] frames.
    #[error("it has more than {MAX_MEMBERS} frames")]
    TooMany,
}

impl Indexes {
    /// Reads ranges such as `1-5, 7, 8, 10-20`, in any order; overlaps count once.
    pub fn parse(text: &str) -> Result<Self, RangeFault> {
        if text.trim().is_empty() {
            return Err(RangeFault::Empty);
        }
        Self::from_ranges(text.split(',').map(parse_part).collect::<Result<_, _>>()?)
    }

    /// Builds the set of inclusive `(first, last)` ranges, in any order.
    pub fn from_ranges(mut ranges: Vec<(u64, u64)>) -> Result<Self, RangeFault> {
        ranges.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            if last < first {
                return Err(RangeFault::Reversed {
                    part: format!("{first}-{last}"),
                });
            }
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        let len = count(&merged).ok_or(RangeFault::TooMany)?;
        Ok(Self {
            ranges: merged,
            len,
        })
    }

    /// Returns how many numbers the set holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the set holds no number.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the inclusive ranges in order.
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.ranges
    }

    /// Returns the numbers in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        Counted {
            remaining: self.len,
            numbers: self.ranges.iter().flat_map(|&(first, last)| first..=last),
        }
    }
}

impl fmt::Display for Indexes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (first, last)) in self.ranges.iter().enumerate() {
            if position > 0 {
                formatter.write_str(", ")?;
            }
            write!(formatter, "{first}")?;
            if last != first {
                write!(formatter, "-{last}")?;
            }
        }
        Ok(())
    }
}

/// Numbers whose count is known, which flattened ranges cannot tell themselves.
struct Counted<I> {
    remaining: usize,
    numbers: I,
}

impl<I: Iterator> Iterator for Counted<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.remaining = self.remaining.saturating_sub(1);
        self.numbers.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining, Some(self.remaining))
    }
}

impl<I: Iterator> ExactSizeIterator for Counted<I> {}

fn count(ranges: &[(u64, u64)]) -> Option<usize> {
    let mut total = 0_u64;
    for (first, last) in ranges {
        total = total.checked_add(last - first)?.checked_add(1)?;
    }
    usize::try_from(total).ok().filter(|_| total <= MAX_MEMBERS)
}

fn parse_part(part: &str) -> Result<(u64, u64), RangeFault> {
    let part = part.trim();
    let malformed = || RangeFault::Malformed {
        part: part.to_owned(),
    };
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let first = parse_index(first).ok_or_else(malformed)?;
    let last = parse_index(last).ok_or_else(malformed)?;
    if last < first {
        return Err(RangeFault::Reversed {
            part: part.to_owned(),
        });
    }
    Ok((first, last))
}

/// Reads a plain number; unlike `str::parse`, no sign is accepted.
fn parse_index(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}
