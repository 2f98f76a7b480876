//! What an answer holds already.
//!
//! ftrack writes an entity in full once in all results of a call; where it occurs again, only its type and key. An
//! occurrence is written again only if it asks for something that was not written yet.

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

/// What an occurrence of an entity asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Scalars, by the position of the attribute in the type.
    pub scalars: u128,
    /// The node, if it holds relations.
    pub node: Option<u32>,
}

impl Seen {
    /// Returns the first of `count` numbers for the nodes of a tree, unique within the call.
    pub(super) fn number_nodes(&mut self, count: usize) -> u32 {
        let first = self.nodes;
        self.nodes += u32::try_from(count).unwrap_or(u32::MAX);
        first
    }

    /// Notes that an entity is written; false if all that is wanted of it was written before.
    pub(super) fn note(&mut self, entity_type: TypeId, key: &str, wanted: Wanted) -> bool {
        let entities = self.entities.entry(entity_type).or_default();
        let Some(written) = entities.get_mut(key) else {
            let nodes = wanted.node.into_iter().collect();
            let scalars = wanted.scalars;
            entities.insert(key.into(), Written { scalars, nodes });
            return true;
        };
        let is_new = match wanted.node {
            Some(node) => !written.nodes.contains(&node),
            None => wanted.scalars & !written.scalars != 0,
        };
        if is_new {
            written.scalars |= wanted.scalars;
            written.nodes.extend(wanted.node);
        }
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
        let scalars = |scalars| Wanted {
            scalars,
            node: None,
        };
        let node = |node| Wanted {
            scalars: 1,
            node: Some(node),
        };
        assert!(seen.note(id, "a", scalars(0b011)));
        assert!(!seen.note(id, "a", scalars(0b001)));
        assert!(seen.note(id, "a", scalars(0b101)));
        assert!(!seen.note(id, "a", scalars(0b111)));
        assert!(seen.note(id, "b", scalars(0b001)));
        assert!(seen.note(id, "a", node(7)));
        assert!(!seen.note(id, "a", node(7)));
        assert!(seen.note(id, "a", node(8)));
    }
}
