//! Copies entities from one map into another.

use hashbrown::{HashMap, HashSet};

use super::slab::{Slab, identity_of};
use crate::entity_state::{EntityId, EntityState, SlotValue};
use crate::schema_set::SchemaSet;

/// Returns copies of an entity and of all it refers to, directly or not, in order of discovery.
pub(super) fn reachable(source: &Slab, root: EntityId) -> Vec<(EntityId, EntityState)> {
    let mut seen: HashSet<EntityId> = HashSet::new();
    seen.insert(root);
    let mut states: Vec<(EntityId, EntityState)> = Vec::new();
    let mut queue = vec![root];
    while let Some(id) = queue.pop() {
        let state = source.state(id).clone();
        for target in references(&state) {
            if seen.insert(target) {
                queue.push(target);
            }
        }
        states.push((id, state));
    }
    states
}

fn references(state: &EntityState) -> Vec<EntityId> {
    let local = state.local.iter().flat_map(|local| local.iter());
    let mut targets = Vec::new();
    for (_, value) in state.remote.iter().chain(local) {
        match value {
            SlotValue::Entity(id) => targets.push(*id),
            SlotValue::Collection(ids) => targets.extend(ids.iter()),
            _ => {}
        }
    }
    targets
}

/// Merges copies of another map's entities and returns what `root` became.
pub(super) fn plant(
    target: &mut Slab,
    schemas: &SchemaSet,
    states: &[(EntityId, EntityState)],
    root: EntityId,
) -> EntityId {
    let mut numbers = HashMap::new();
    for (id, state) in states {
        numbers.insert(*id, plant_identity(target, schemas, state));
    }
    for (id, state) in states {
        let planted = numbers[id];
        for (attribute, value) in state.remote.iter() {
            let value = renumber(value, &numbers);
            target.state_mut(planted).merge_remote(attribute, value);
        }
        for (attribute, value) in state.local.iter().flat_map(|local| local.iter()) {
            target.set_local(planted, attribute, renumber(value, &numbers));
        }
    }
    numbers[&root]
}

/// Finds or makes the entity that `state` describes; its values come later.
fn plant_identity(target: &mut Slab, schemas: &SchemaSet, state: &EntityState) -> EntityId {
    let key = identity_of(schemas, state);
    if let Some(id) = key
        .as_ref()
        .and_then(|key| target.find(state.entity_type, key))
    {
        return id;
    }
    let id = target.push(state.entity_type);
    if let Some(key) = key {
        target.index(id, key);
    }
    id
}

fn renumber(value: &SlotValue, numbers: &HashMap<EntityId, EntityId>) -> SlotValue {
    match value {
        SlotValue::Entity(id) => SlotValue::Entity(numbers[id]),
        SlotValue::Collection(ids) => {
            SlotValue::Collection(ids.iter().map(|id| numbers[id]).collect())
        }
        plain => plain.clone(),
    }
}
