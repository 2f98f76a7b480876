//! Sequence paths: many numbered files written as one string.
//!
//! Clients of ftrack write a sequence as `{head}{padding}{tail} [{ranges}]`, for example `/shots/a.%04d.exr [1-5, 7, 8, 10-20]`. This module reads that form,
//! lists the member paths in order and writes it back. It accepts what the `clique` 1.6 library of the official client accepts, except for texts
//! which that library silently reads as an empty or a different sequence (`[5-1]`, `[]`, `[1-3-5]`): those are errors here.

use std::fmt;
use std::str::FromStr;

mod indexes;

pub use indexes::{Indexes, RangeFault};

/// The largest number of members of one sequence: eleven hours at 24 frames a second.
///
/// Bounds the work that a mistyped range such as `1-1000000000` would cause.
pub const MAX_MEMBERS: u64 = 1_000_000;

/// The largest accepted width of the padding, more than any 64-bit index needs.
pub const MAX_PADDING: usize = 32;

/// Files that differ only in one number of their path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sequence {
    /// What comes before the number, folders included.
    pub head: String,
    /// Least width of the number, filled with zeros; 0 means no padding.
    pub padding: usize,
    /// What comes after the number.
    pub tail: String,
    /// The numbers of the members.
    pub indexes: Indexes,
}

/// One file of a [`Sequence`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The number of the member.
    pub index: u64,
    /// The number as it stands in the path (`0007`); ftrack uses it as the name of the member component.
    pub name: String,
    /// The path of the member.
    pub path: String,
}

/// Why a text is no sequence path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// The text does not end with ranges in brackets.
    #[error("'{text}' has no ranges in brackets, such as ' [1-5, 7]', at its end")]
    MissingRanges {
        /// The text that was read.
        text: String,
    },
    /// No `%d` or `%04d` stands before the ranges.
    #[error("'{text}' has no padding, such as '%04d', before its ranges")]
    MissingPadding {
        /// The text that was read.
        text: String,
    },
    /// The padding is wider than [`MAX_PADDING`].
    #[error("'{text}' has a padding wider than {MAX_PADDING} digits")]
    PaddingTooWide {
        /// The text that was read.
        text: String,
    },
    /// The ranges do not name a set of frames.
    #[error("'{text}' is not a valid sequence: {fault}")]
    InvalidRanges {
        /// The text that was read.
        text: String,
        /// What is wrong with the ranges.
        fault: RangeFault,
    },
}

impl SequenceError {
    /// Returns whether the text lacks the form of a sequence altogether, so that the official client takes it for the path of a single file.
    pub fn is_plain_path(&self) -> bool {
        matches!(
            self,
            Self::MissingRanges { .. } | Self::MissingPadding { .. }
        )
    }
}

impl Sequence {
    /// Reads a sequence path, such as `/shots/a.%04d.exr [1-5, 7]`.
    pub fn parse(text: &str) -> Result<Self, SequenceError> {
        let Some((path, ranges)) = split_ranges(text) else {
            return Err(SequenceError::MissingRanges {
                text: text.to_owned(),
            });
        };
        let Some((head, width, tail)) = split_padding(path) else {
            return Err(SequenceError::MissingPadding {
                text: text.to_owned(),
            });
        };
        let padding = match width {
            "" => 0,
            digits => digits
                .parse()
                .ok()
                .filter(|width| *width <= MAX_PADDING)
                .ok_or_else(|| SequenceError::PaddingTooWide {
                    text: text.to_owned(),
                })?,
        };
        let indexes = Indexes::parse(ranges).map_err(|fault| SequenceError::InvalidRanges {
            text: text.to_owned(),
            fault,
        })?;
        Ok(Self {
            head: head.to_owned(),
            padding,
            tail: tail.to_owned(),
            indexes,
        })
    }

    /// Returns the path with the padding in place of a number, such as `/shots/a.%04d.exr`.
    pub fn pattern(&self) -> String {
        match self.padding {
            0 => format!("{}%d{}", self.head, self.tail),
            width => format!("{}%0{width}d{}", self.head, self.tail),
        }
    }

    /// Returns the members in the order of their numbers.
    pub fn members(&self) -> impl ExactSizeIterator<Item = Member> + '_ {
        self.indexes.iter().map(|index| {
            let name = format!("{index:0width$}", width = self.padding);
            let path = format!("{}{name}{}", self.head, self.tail);
            Member { index, name, path }
        })
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} [{}]", self.pattern(), self.indexes)
    }
}

impl FromStr for Sequence {
    type Err = SequenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// Splits `path [ranges]`. The last brackets count, and a blank must stand before them.
fn split_ranges(text: &str) -> Option<(&str, &str)> {
    text.strip_suffix(']')?.rsplit_once(" [")
}

/// Splits `{head}%{width}d{tail}` at the last padding.
fn split_padding(path: &str) -> Option<(&str, &str, &str)> {
    path.rmatch_indices('%').find_map(|(at, _)| {
        let after = &path[at + 1..];
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let tail = after[digits..].strip_prefix('d')?;
        Some((&path[..at], &after[..digits], tail))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Sequence::parse(text).unwrap_err().to_string()
    }

    fn round_trip(text: &str, expected: &str) {
        assert_eq!(Sequence::parse(text).unwrap().to_string(), expected);
    }

    #[test]
    fn splits_a_path_into_its_parts() {
        let sequence = Sequence::parse("/a/b.%04d.exr [1-5, 7, 8, 10-20]").unwrap();
        assert_eq!(
            (
                sequence.head.as_str(),
                sequence.padding,
                sequence.tail.as_str()
            ),
            ("/a/b.", 4, ".exr")
        );
        assert_eq!(sequence.indexes.len(), 18);
        assert_eq!(sequence.pattern(), "/a/b.%04d.exr");
    }

    #[test]
    fn lists_members_in_order() {
        let sequence = Sequence::parse("/a/b.%03d.exr [10, 1-2, 1000]").unwrap();
        let paths: Vec<_> = sequence.members().map(|member| member.path).collect();
        assert_eq!(
            paths,
            [
                "/a/b.001.exr",
                "/a/b.002.exr",
                "/a/b.010.exr",
                "/a/b.1000.exr"
            ]
        );
        let names: Vec<_> = sequence.members().map(|member| member.name).collect();
        assert_eq!(names, ["001", "002", "010", "1000"]);
    }

    #[test]
    fn writes_what_clique_writes() {
        round_trip(
            "/a/b.%04d.exr [1-5, 7, 8, 10-20]",
            "/a/b.%04d.exr [1-5, 7-8, 10-20]",
        );
        round_trip("b.%d.exr [3]", "b.%d.exr [3]");
        round_trip("b.%0d.exr [3]", "b.%d.exr [3]");
        round_trip("b.%4d.exr [3]", "b.%04d.exr [3]");
        round_trip("b.%02d.exr [0001 - 0003,2]", "b.%02d.exr [1-3]");
        round_trip("%d [0]", "%d [0]");
    }

    #[test]
    fn uses_the_last_padding_and_the_last_brackets() {
        let sequence = Sequence::parse("v%03d/100%d [x] %d.%04d [1] [2]").unwrap();
        assert_eq!(
            (sequence.head.as_str(), sequence.tail.as_str()),
            ("v%03d/100%d [x] %d.", " [1]")
        );
    }

    #[test]
    fn plain_paths_are_told_from_malformed_sequences() {
        for text in [
            "/a/b.exr",
            "/a/b.%04d.exr",
            "/a/b.%04d.exr[1-5]",
            "/a/b.%04d.exr [1-5",
            "/a/b.exr [1-5]",
            "",
        ] {
            assert!(Sequence::parse(text).unwrap_err().is_plain_path(), "{text}");
        }
        assert!(
            !Sequence::parse("/a/b.%04d.exr [5-1]")
                .unwrap_err()
                .is_plain_path()
        );
    }

    #[test]
    fn errors_name_the_text_and_the_fault() {
        assert_eq!(
            fault("b.%04d.exr [5-1]"),
            "'b.%04d.exr [5-1]' is not a valid sequence: range '5-1' ends before it starts"
        );
        assert_eq!(
            fault("b.%04d.exr []"),
            "'b.%04d.exr []' is not a valid sequence: it has no frames"
        );
        assert_eq!(
            fault("b.%d [1,]"),
            "'b.%d [1,]' is not a valid sequence: '' is not a frame or a range of frames"
        );
        assert_eq!(
            fault("b.%d [1-3-5]"),
            "'b.%d [1-3-5]' is not a valid sequence: '1-3-5' is not a frame or a range of frames"
        );
        assert_eq!(
            fault("b.%d [-5]"),
            "'b.%d [-5]' is not a valid sequence: '-5' is not a frame or a range of frames"
        );
        assert_eq!(
            fault("b.%d [a]"),
            "'b.%d [a]' is not a valid sequence: 'a' is not a frame or a range of frames"
        );
        assert_eq!(
            fault("b.%d [1-99999999999]"),
            "'b.%d [1-99999999999]' is not a valid sequence: it has more than 1000000 frames"
        );
        assert_eq!(
            fault("b.%99d [1]"),
            "'b.%99d [1]' has a padding wider than 32 digits"
        );
    }
}
