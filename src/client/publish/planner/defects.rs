//! How people are told what is wrong with files.

use std::path::Path;

use crate::sequence::{Indexes, Sequence};
use crate::transfer::preflight::Defect;

/// Most runs of frames that are named. More than these nobody reads; all of them stand beside the text.
const MOST_RUNS: usize = 8;

/// Tells what is wrong with one file.
pub(super) fn of_file(path: &Path, defect: Defect) -> String {
    let path = path.display();
    match defect {
        Defect::Missing => format!("file '{path}' does not exist"),
        Defect::Empty => format!("file '{path}' is empty"),
        Defect::Unreadable => format!("'{path}' is no file that can be read"),
        Defect::Growing => format!("file '{path}' is still being written"),
        Defect::OddSize { size, median } => {
            format!("file '{path}' has {size} bytes, the others about {median}")
        }
    }
}

/// Tells what is wrong with several frames of a sequence.
pub(super) fn of_frames(
    sequence: &Sequence,
    frames: impl Iterator<Item = u64>,
    defect: Defect,
) -> String {
    let what = match defect {
        Defect::Missing => "do not exist",
        Defect::Empty => "are empty",
        Defect::Unreadable => "are no files that can be read",
        Defect::Growing => "are still being written",
        Defect::OddSize { .. } => "differ much in size from the others",
    };
    format!("frames {} of '{}' {what}", runs(frames), sequence.pattern())
}

/// Writes frames as ranges, and counts those behind the first [`MOST_RUNS`].
fn runs(frames: impl Iterator<Item = u64>) -> String {
    let frames = Indexes::from_ranges(frames.map(|frame| (frame, frame)).collect());
    let frames = frames.unwrap_or_default();
    let named = &frames.ranges()[..frames.ranges().len().min(MOST_RUNS)];
    let named = Indexes::from_ranges(named.to_vec()).unwrap_or_default();
    match frames.len() - named.len() {
        0 => named.to_string(),
        others => format!("{named} and {others} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ranges: &str, expected: &str) {
        let frames = Indexes::parse(ranges).unwrap();
        assert_eq!(runs(frames.iter()), expected);
    }

    #[test]
    fn frames_are_named_as_ranges_and_not_without_end() {
        check("7", "7");
        check("1-2000", "1-2000");
        check("1-4, 7, 9-11", "1-4, 7, 9-11");
        check(
            "1, 3, 5, 7, 9, 11, 13, 15, 17, 19-21",
            "1, 3, 5, 7, 9, 11, 13, 15 and 4 more",
        );
    }
}
