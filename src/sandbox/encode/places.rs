//! Where in an answer an entity occurs, when more is wanted of it at one place than at another.
//!
//! ftrack writes an entity in full where it occurs first, and clients take that for all there is. So the first
//! occurrence has to have what any of the later ones wants.

use std::{borrow::Cow, collections::HashMap};

use super::{
    layout::Layout,
    load::{Loaded, group_key},
};
use crate::schema::TypeId;

/// A row of a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub node: usize,
    pub row: usize,
}

/// The places of the entities of one result.
///
/// Types of which the same is wanted everywhere are left out, so that most results have none.
#[derive(Debug, Default)]
pub(super) struct Places<'a> {
    by_type: HashMap<TypeId, HashMap<Cow<'a, str>, Vec<Spot>>>,
}

impl<'a> Places<'a> {
    /// Looks for the entities that more than one node may hold.
    pub(super) fn find(layout: &Layout<'_>, levels: &'a [Loaded]) -> Self {
        let mut by_type: HashMap<_, HashMap<Cow<'a, str>, Vec<Spot>>> = nodes_by_type(levels)
            .into_iter()
            .filter(|(entity_type, nodes)| wants_differ(layout, *entity_type, nodes))
            .map(|(entity_type, _)| (entity_type, HashMap::new()))
            .collect();
        if by_type.is_empty() {
            return Self::default();
        }
        for (node, level) in levels.iter().enumerate() {
            for (row, entity_type) in level.types.iter().enumerate() {
                let Some(by_key) = by_type.get_mut(entity_type) else {
                    continue;
                };
                let shape = layout.nodes[node].shape(*entity_type);
                if let Some(key) = group_key(&level.rows, row, &shape.key) {
                    let spots = by_key.entry(key).or_default();
                    // All rows of an entity on one node are alike.
                    if spots.last().is_none_or(|last| last.node != node) {
                        spots.push(Spot { node, row });
                    }
                }
            }
        }
        Self { by_type }
    }

    /// Returns where an entity occurs, once for every node; nothing if it is the same everywhere.
    pub(super) fn of(&self, entity_type: TypeId, key: &str) -> Option<&[Spot]> {
        let spots = self.by_type.get(&entity_type)?.get(key)?;
        Some(spots.as_slice())
    }
}

fn nodes_by_type(levels: &[Loaded]) -> HashMap<TypeId, Vec<usize>> {
    let mut nodes: HashMap<TypeId, Vec<usize>> = HashMap::new();
    for (node, level) in levels.iter().enumerate() {
        let mut last = None;
        for entity_type in &level.types {
            if last == Some(entity_type) {
                continue;
            }
            last = Some(entity_type);
            let known = nodes.entry(*entity_type).or_default();
            if known.last() != Some(&node) {
                known.push(node);
            }
        }
    }
    nodes
}

/// Whether an entity of the type may lack something on one of the nodes that it has on another.
fn wants_differ(layout: &Layout<'_>, entity_type: TypeId, nodes: &[usize]) -> bool {
    let mut shapes = nodes
        .iter()
        .map(|node| layout.nodes[*node].shape(entity_type));
    let Some(first) = shapes.next() else {
        return false;
    };
    // Branches of different nodes lead to different nodes, even if they are called the same.
    nodes.len() > 1
        && (!first.related.is_empty()
            || shapes.any(|shape| !shape.related.is_empty() || shape.scalars != first.scalars))
}
