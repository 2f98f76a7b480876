//! The values of one entity, by attribute.

use super::SlotValue;
use crate::schema_set::AttributeId;

/// Values by attribute.
///
/// Which of the first 64 attributes are set is one word, so a value costs only its own 24 bytes and is found without a search. No known type has more attributes; those
/// past the first 64 are kept apart.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    present: u64,
    /// Values of the attributes in `present`, in their order.
    values: Vec<SlotValue>,
    /// Attributes past the first 64, sorted.
    #[expect(
        clippy::box_collection,
        reason = "nearly always absent, so it must be one word"
    )]
    rest: Option<Box<Vec<(AttributeId, SlotValue)>>>,
}

impl Slots {
    /// Makes slots of values in any order, leaving the list empty; the last value of an attribute counts.
    pub fn from_unsorted(unsorted: &mut Vec<(AttributeId, SlotValue)>) -> Self {
        // Stable, so that repeated attributes stay in the order they came.
        unsorted.sort_by_key(|(attribute, _)| *attribute);
        let mut slots = Self {
            values: Vec::with_capacity(unsorted.len()),
            ..Self::default()
        };
        for (attribute, value) in unsorted.drain(..) {
            match bit_of(attribute) {
                // The next in order, as nearly always.
                Some(bit) if bit > slots.present => {
                    slots.present |= bit;
                    slots.values.push(value);
                }
                _ => {
                    slots.set(attribute, value);
                }
            }
        }
        slots
    }

    /// Returns the value of `attribute`.
    pub fn get(&self, attribute: AttributeId) -> Option<&SlotValue> {
        let Some(bit) = bit_of(attribute) else {
            let rest = self.rest.as_ref()?;
            let index = position(rest, attribute).ok()?;
            return Some(&rest[index].1);
        };
        (self.present & bit != 0).then(|| &self.values[self.index(bit)])
    }

    /// Sets `attribute` and returns what was there.
    pub fn set(&mut self, attribute: AttributeId, value: SlotValue) -> Option<SlotValue> {
        let Some(bit) = bit_of(attribute) else {
            return self.set_rest(attribute, value);
        };
        let index = self.index(bit);
        if self.present & bit != 0 {
            return Some(std::mem::replace(&mut self.values[index], value));
        }
        self.present |= bit;
        self.values.insert(index, value);
        None
    }

    /// Removes `attribute` and returns what was there.
    pub fn remove(&mut self, attribute: AttributeId) -> Option<SlotValue> {
        let Some(bit) = bit_of(attribute) else {
            let rest = self.rest.as_mut()?;
            let index = position(rest, attribute).ok()?;
            return Some(rest.remove(index).1);
        };
        if self.present & bit == 0 {
            return None;
        }
        self.present &= !bit;
        Some(self.values.remove(self.index(bit)))
    }

    /// Returns all values in the order of attributes.
    pub fn iter(&self) -> impl Iterator<Item = (AttributeId, &SlotValue)> {
        let rest = self.rest.iter().flat_map(|rest| rest.iter());
        attributes(self.present)
            .zip(&self.values)
            .chain(rest.map(|(attribute, value)| (*attribute, value)))
    }

    /// Tells whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Returns where the value of an attribute stands, or would.
    fn index(&self, bit: u64) -> usize {
        (self.present & (bit - 1)).count_ones() as usize
    }

    fn set_rest(&mut self, attribute: AttributeId, value: SlotValue) -> Option<SlotValue> {
        let rest = self.rest.get_or_insert_default();
        match position(rest, attribute) {
            Ok(index) => Some(std::mem::replace(&mut rest[index].1, value)),
            Err(index) => {
                rest.insert(index, (attribute, value));
                None
            }
        }
    }
}

fn bit_of(attribute: AttributeId) -> Option<u64> {
    1_u64.checked_shl(u32::from(attribute.0))
}

fn position(rest: &[(AttributeId, SlotValue)], attribute: AttributeId) -> Result<usize, usize> {
    rest.binary_search_by_key(&attribute, |(key, _)| *key)
}

/// Returns the attributes of the set bits, in order.
fn attributes(mut present: u64) -> impl Iterator<Item = AttributeId> {
    std::iter::from_fn(move || {
        #[expect(clippy::cast_possible_truncation, reason = "there are 64 bits")]
        let lowest = (present != 0).then(|| AttributeId(present.trailing_zeros() as u16));
        present &= present.wrapping_sub(1);
        lowest
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn check(slots: &Slots, model: &BTreeMap<AttributeId, SlotValue>) {
        let actual: Vec<_> = slots
            .iter()
            .map(|(id, value)| (id, value.clone()))
            .collect();
        let expected: Vec<_> = model.clone().into_iter().collect();
        assert_eq!(actual, expected);
        assert_eq!(slots.is_empty(), model.is_empty());
    }

    fn attribute() -> impl Strategy<Value = AttributeId> {
        prop_oneof![0..6_u16, 60..70_u16, any::<u16>()].prop_map(AttributeId)
    }

    proptest! {
        #[test]
        fn slots_are_a_map(steps in prop::collection::vec((attribute(), any::<Option<i64>>()), 0..40)) {
            let (mut slots, mut model) = (Slots::default(), BTreeMap::new());
            for (attribute, value) in steps {
                let (old, expected) = match value.map(SlotValue::Int) {
                    Some(value) => (slots.set(attribute, value.clone()), model.insert(attribute, value)),
                    None => (slots.remove(attribute), model.remove(&attribute)),
                };
                prop_assert_eq!(old, expected);
                prop_assert_eq!(slots.get(attribute), model.get(&attribute));
                check(&slots, &model);
            }
        }

        #[test]
        fn the_last_of_repeated_attributes_counts(values in prop::collection::vec((attribute(), any::<i64>()), 0..20)) {
            let mut unsorted: Vec<_> = values
                .into_iter()
                .map(|(attribute, value)| (attribute, SlotValue::Int(value)))
                .collect();
            let model: BTreeMap<_, _> = unsorted.iter().cloned().collect();
            check(&Slots::from_unsorted(&mut unsorted), &model);
            prop_assert!(unsorted.is_empty());
        }
    }
}
