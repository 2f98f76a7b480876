//! Finds attributes by their names as Python writes them.

use ftrack_client::schema_set::{AttributeId, EntityType};
use pyo3::prelude::*;
use pyo3::types::PyString;

/// What addresses, which often lie at equal distances, are multiplied by: the golden ratio, in bits of a word.
#[expect(
    clippy::cast_possible_truncation,
    reason = "half of it serves words of half the size"
)]
const SPREAD: usize = 0x9E37_79B9_7F4A_7C15_u64 as usize;

/// An interned name and what it names.
type Named = (Py<PyString>, AttributeId);

/// The attributes of an entity type that are no collections, by the addresses of their interned names.
///
/// Python interns the names that stand in code, so nearly every look is for a name that is known by its address, and needs neither its text nor a hash of that.
pub struct AttributeNames {
    /// A hash table with open addressing, at most half full. It keeps the names alive, so that no other text gets their addresses.
    slots: Box<[Option<Named>]>,
    /// How far hashes are shifted to become positions: the first bits of a product are the best mixed.
    shift: u32,
}

impl AttributeNames {
    /// Lists the attributes of a type.
    pub fn of(py: Python<'_>, entity_type: &EntityType) -> Self {
        let size = (2 * entity_type.attributes.len() + 2).next_power_of_two();
        let mut names = Self {
            slots: std::iter::repeat_with(|| None).take(size).collect(),
            shift: usize::BITS - size.trailing_zeros(),
        };
        for (number, attribute) in (0_u16..).zip(&entity_type.attributes) {
            if !attribute.kind.is_collection() {
                let name = PyString::intern(py, &attribute.name);
                let free = names.position(&name);
                names.slots[free] = Some((name.unbind(), AttributeId(number)));
            }
        }
        names
    }

    /// Returns the attribute whose interned name this is.
    pub fn find(&self, name: &Bound<'_, PyString>) -> Option<AttributeId> {
        let (_, attribute) = self.slots[self.position(name)].as_ref()?;
        Some(*attribute)
    }

    /// Returns where `name` stands, or the free slot where it would.
    fn position(&self, name: &Bound<'_, PyString>) -> usize {
        let address = name.as_ptr() as usize;
        let mut position = address.wrapping_mul(SPREAD) >> self.shift;
        while let Some((known, _)) = &self.slots[position]
            && known.as_ptr() != name.as_ptr()
        {
            position = (position + 1) & (self.slots.len() - 1);
        }
        position
    }
}
