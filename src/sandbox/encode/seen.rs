//! What an answer holds already.
//!
//! ftrack writes an entity in full once in all results of a call; where it occurs again, only its type and key. An
//! entity is written again only if a later result asks for something that was not written yet.

use std::collections::HashMap;

use crate::schema::TypeId;

/// The entities written so far, over all results of a call.
#[derive(Debug, Default)]
pub struct Seen {
    entities: HashMap<TypeId, HashMap<Box<str>, Written>>,
    nodes: u32,
}

/// What was written of an entity.
#[derive(Debug, Default)]
struct Written {
    /// Scalars, by the position of the attribute in the type.
    scalars: u128,
    /// The nodes of projection trees, if they hold relations.
    nodes: Vec<u32>,
}

impl Seen {
    /// Returns the first of `count` numbers for the nodes of a tree, unique within the call.
    pub(super) fn number_nodes(&mut self, count: usize) -> u32 {
        let first = self.nodes;
        self.nodes += u32::try_from(count).unwrap_or(u32::MAX);
        first
    }

    /// Notes that an entity is written; false if all that is wanted of it was written before.
    ///
    /// Wanted are `scalars`, by the position of the attribute in the type, and the relations of `nodes`.
    pub(super) fn note(
        &mut self,
        entity_type: TypeId,
        key: &str,
        scalars: u128,
        nodes: impl Iterator<Item = u32>,
    ) -> bool {
        let entities = self.entities.entry(entity_type).or_default();
        let Some(written) = entities.get_mut(key) else {
            let nodes = nodes.collect();
            entities.insert(key.into(), Written { scalars, nodes });
            return true;
        };
        let known = written.nodes.len();
        for node in nodes {
            if !written.nodes.contains(&node) {
                written.nodes.push(node);
            }
        }
        let is_new = written.nodes.len() > known || scalars & !written.scalars != 0;
        written.scalars |= scalars;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Catalog;

    #[test]
    fn an_entity_is_written_again_only_for_what_is_new() {
        let id = Catalog::get().entity_type("Task").unwrap().id;
        let mut seen = Seen::default();
        let mut note =
            |key, scalars, node: Option<u32>| seen.note(id, key, scalars, node.into_iter());
        assert!(note("a", 0b011, None));
        assert!(!note("a", 0b001, None));
        assert!(note("a", 0b101, None));
        assert!(!note("a", 0b111, None));
        assert!(note("b", 0b001, None));
        assert!(note("a", 1, Some(7)));
        assert!(!note("a", 1, Some(7)));
        assert!(note("a", 1, Some(8)));
        assert!(note("a", 0b1000, Some(8)));
    }
}
