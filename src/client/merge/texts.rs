//! Shares texts that an answer repeats, such as the names of statuses and types.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;

use crate::entity_state::{SlotValue, parse_id};

/// Longer texts rarely repeat.
const MAX_LENGTH: usize = 64;
/// Enough for the names that one page repeats; more would not stay in the processor's cache.
const SLOTS: usize = 256;

/// The texts seen last, one per hash.
pub(super) struct TextCache {
    slots: Box<[Option<Arc<str>>]>,
    hasher: DefaultHashBuilder,
}

impl TextCache {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![None; SLOTS].into(),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// Makes a value of a text as [`SlotValue::text`] does, sharing it with an earlier one if possible.
    pub(super) fn slot_value(&mut self, text: &str) -> SlotValue {
        if let Some(id) = parse_id(text) {
            return SlotValue::Id(id);
        }
        if text.len() > MAX_LENGTH {
            return SlotValue::Text(text.into());
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "any bits of the hash will do"
        )]
        let index = self.hasher.hash_one(text) as usize % SLOTS;
        let shared = match &mut self.slots[index] {
            Some(held) if **held == *text => held,
            slot => slot.insert(text.into()),
        };
        SlotValue::Text(shared.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_texts_are_one() {
        let mut cache = TextCache::new();
        let mut text = |text: &str| match cache.slot_value(text) {
            SlotValue::Text(text) => text,
            other => panic!("{other:?} is no text"),
        };
        assert!(Arc::ptr_eq(&text("In progress"), &text("In progress")));
        let long = "x".repeat(MAX_LENGTH + 1);
        assert_eq!(*text(&long), long);
        assert!((0..10_000).all(|n| *text(&n.to_string()) == n.to_string()));
    }
}
