//! Sequence paths survive being written and read.

use ftrack_client::sequence::{Indexes, MAX_PADDING, Sequence};
use proptest::prelude::*;

fn indexes() -> impl Strategy<Value = Indexes> {
    prop::collection::vec((0_u64..100_000, 0_u64..500), 1..12).prop_map(|ranges| {
        Indexes::from_ranges(
            ranges
                .into_iter()
                .map(|(first, more)| (first, first + more))
                .collect(),
        )
        .unwrap()
    })
}

/// Tails hold no padding of their own: the last padding of a text is the one that counts.
fn sequences() -> impl Strategy<Value = Sequence> {
    (
        "[a-z%\\[\\] ./\u{e4}0-9]{0,12}",
        0..=MAX_PADDING,
        "[a-ce-z.\\[\\] 0-9]{0,8}",
        indexes(),
    )
        .prop_map(|(head, padding, tail, indexes)| Sequence {
            head,
            padding,
            tail,
            indexes,
        })
}

proptest! {
    #[test]
    fn printing_then_parsing_gives_the_same_sequence(sequence in sequences()) {
        prop_assert_eq!(Sequence::parse(&sequence.to_string()).unwrap(), sequence);
    }

    #[test]
    fn members_are_ordered_unique_and_counted(sequence in sequences()) {
        let indexes: Vec<u64> = sequence.members().map(|member| member.index).collect();
        prop_assert!(indexes.is_sorted_by(|left, right| left < right));
        prop_assert_eq!(indexes.len(), sequence.members().len());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,40}", ranges in "[0-9, \\-]{0,40}") {
        let _ = Sequence::parse(&text);
        let _ = Sequence::parse(&format!("{text}%{ranges}d [{ranges}]"));
    }
}
