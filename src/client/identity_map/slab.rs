//! The states and their index, behind the map's lock.

use std::hash::BuildHasher;
use std::sync::Arc;

use ftrack_protocol::{EntityData, EntityKey, Value};
use hashbrown::{DefaultHashBuilder, HashSet, HashTable};

use super::ClearScope;
use crate::entity_state::{EntityId, EntityState, Key, SlotValue, Slots};
use crate::error::{Error, Result};
use crate::schema_set::{AttributeId, SchemaSet, TypeId};

/// What decoding does with the entities it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// Merges each into the entity of the same key.
    Merge,
    /// Makes a detached entity of each occurrence.
    Detach,
}

/// States by number, findable by key.
#[derive(Default)]
pub(crate) struct Slab {
    states: Vec<EntityState>,
    /// Holds only numbers: keys are compared in the states themselves.
    index: HashTable<EntityId>,
    hasher: DefaultHashBuilder,
    /// Entities that may have local values.
    dirty: HashSet<EntityId>,
}

/// Makes the key of these texts.
pub(super) fn key_of<T: AsRef<str>>(values: &[T]) -> Key {
    Key::new(values)
}

impl Slab {
    pub(super) fn indexed(&self) -> usize {
        self.index.len()
    }

    pub(super) fn ids(&self) -> Vec<EntityId> {
        let mut ids: Vec<_> = self.index.iter().copied().collect();
        ids.sort_unstable();
        ids
    }

    pub(crate) fn state(&self, id: EntityId) -> &EntityState {
        &self.states[id.0 as usize]
    }

    pub(crate) fn state_mut(&mut self, id: EntityId) -> &mut EntityState {
        &mut self.states[id.0 as usize]
    }

    /// Adds a detached state.
    pub(crate) fn push(&mut self, entity_type: TypeId) -> EntityId {
        self.push_state(EntityState::new(entity_type))
    }

    fn push_state(&mut self, state: EntityState) -> EntityId {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "memory ends long before four thousand million states"
        )]
        let id = EntityId(self.states.len() as u32);
        self.states.push(state);
        id
    }

    pub(crate) fn find(&self, entity_type: TypeId, key: &Key) -> Option<EntityId> {
        let hash = self.hasher.hash_one((entity_type, Some(key)));
        self.index
            .find(hash, |id| {
                let state = &self.states[id.0 as usize];
                state.entity_type == entity_type && state.key.as_ref() == Some(key)
            })
            .copied()
    }

    /// Makes a state findable under a key that no other state has.
    pub(super) fn index(&mut self, id: EntityId, key: Key) {
        let entity_type = self.state(id).entity_type;
        let hash = self.hasher.hash_one((entity_type, Some(&key)));
        self.state_mut(id).key = Some(key);
        let (states, hasher) = (&self.states, &self.hasher);
        self.index.insert_unique(hash, id, |other| {
            let state = &states[other.0 as usize];
            hasher.hash_one((state.entity_type, &state.key))
        });
    }

    /// Makes a state unfindable.
    pub(super) fn detach(&mut self, id: EntityId) {
        let entity_type = self.state(id).entity_type;
        let Some(key) = self.state_mut(id).key.take() else {
            return;
        };
        let hash = self.hasher.hash_one((entity_type, Some(&key)));
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == id) {
            entry.remove();
        }
    }

    /// Returns the key that values give an entity, whether or not it is findable.
    pub(super) fn identity(&self, schemas: &SchemaSet, id: EntityId) -> Option<Key> {
        identity_of(schemas, self.state(id))
    }

    pub(super) fn attach(&mut self, schemas: &SchemaSet, id: EntityId) -> Option<EntityId> {
        if self.state(id).key.is_some() {
            return Some(id);
        }
        let key = self.identity(schemas, id)?;
        let Some(existing) = self.find(self.state(id).entity_type, &key) else {
            self.index(id, key);
            return Some(id);
        };
        let newer = self.state(id).clone();
        for (attribute, value) in newer.remote.iter() {
            self.state_mut(existing)
                .merge_remote(attribute, value.clone());
        }
        for (attribute, value) in newer.local.iter().flat_map(|local| local.iter()) {
            self.set_local(existing, attribute, value.clone());
        }
        Some(existing)
    }

    pub(super) fn get_or_insert<T: AsRef<str>>(
        &mut self,
        schemas: &SchemaSet,
        entity_type: TypeId,
        key: &[T],
    ) -> Result<(EntityId, bool)> {
        let definition = schemas.entity_type(entity_type);
        if definition.primary_key.len() != key.len() {
            return Err(Error::invalid(format!(
                "{} is identified by {} value(s), but got {}",
                definition.name,
                definition.primary_key.len(),
                key.len()
            )));
        }
        let wanted = key_of(key);
        if let Some(id) = self.find(entity_type, &wanted) {
            return Ok((id, false));
        }
        let id = self.push(entity_type);
        for (attribute, text) in definition.primary_key.iter().zip(key) {
            let value = SlotValue::text(text.as_ref());
            self.state_mut(id).remote.set(*attribute, value);
        }
        self.index(id, wanted);
        Ok((id, true))
    }

    /// Takes in an entity as it was decoded, leaving `values` empty, and returns its number.
    pub(crate) fn place(
        &mut self,
        schemas: &SchemaSet,
        entity_type: TypeId,
        values: &mut Vec<(AttributeId, SlotValue)>,
        placement: Placement,
    ) -> EntityId {
        let primary_key = &schemas.entity_type(entity_type).primary_key;
        let key = match placement {
            Placement::Merge => key_from(primary_key, |attribute| {
                values
                    .iter()
                    .rev()
                    .find(|(id, _)| *id == attribute)
                    .map(|(_, v)| v)
            }),
            Placement::Detach => None,
        };
        if let Some(id) = key.as_ref().and_then(|key| self.find(entity_type, key)) {
            for (attribute, value) in values.drain(..) {
                self.state_mut(id).merge_remote(attribute, value);
            }
            return id;
        }
        let mut state = EntityState::new(entity_type);
        state.remote = Slots::from_unsorted(values);
        let id = self.push_state(state);
        if let Some(key) = key {
            self.index(id, key);
        }
        id
    }

    pub(super) fn set_local(
        &mut self,
        id: EntityId,
        attribute: AttributeId,
        value: SlotValue,
    ) -> Option<SlotValue> {
        self.dirty.insert(id);
        self.state_mut(id)
            .local
            .get_or_insert_default()
            .set(attribute, value)
    }

    pub(super) fn clear_local(&mut self, schemas: &SchemaSet, id: EntityId, scope: ClearScope) {
        let state = self.state_mut(id);
        let entity_type = schemas.entity_type(state.entity_type);
        if let (ClearScope::KeepPrimaryKey, Some(local)) = (scope, state.local.as_mut()) {
            let kept = entity_type.primary_key.iter();
            let mut kept: Vec<_> = kept
                .filter_map(|attribute| Some((*attribute, local.remove(*attribute)?)))
                .collect();
            **local = Slots::from_unsorted(&mut kept);
            if !local.is_empty() {
                return;
            }
        }
        state.local = None;
        self.dirty.remove(&id);
    }

    pub(super) fn clear_all_local(&mut self, schemas: &SchemaSet, scope: ClearScope) {
        let mut ids: Vec<_> = self.dirty.iter().copied().collect();
        ids.retain(|id| self.state(*id).key.is_some());
        for id in ids {
            if scope == ClearScope::All {
                self.promote_primary_key(schemas, id);
            }
            self.clear_local(schemas, id, scope);
        }
    }

    /// Makes the primary key the server's where only a local value knows it.
    fn promote_primary_key(&mut self, schemas: &SchemaSet, id: EntityId) {
        let state = self.state_mut(id);
        for attribute in &schemas.entity_type(state.entity_type).primary_key {
            if state.remote.get(*attribute).is_none()
                && let Some(value) = state.local(*attribute).cloned()
            {
                state.remote.set(*attribute, value);
            }
        }
    }

    pub(super) fn entity_key(&self, schemas: &SchemaSet, id: EntityId) -> Option<EntityKey> {
        Some(EntityKey {
            entity_type: schemas.entity_type(self.state(id).entity_type).name.clone(),
            values: self.identity(schemas, id)?.values(),
        })
    }

    pub(crate) fn reference(&self, schemas: &SchemaSet, id: EntityId) -> Option<EntityData> {
        let entity_type = schemas.entity_type(self.state(id).entity_type);
        let values = self.identity(schemas, id)?.values();
        let names = entity_type.primary_key.iter();
        let attributes = names
            .zip(values)
            .map(|(attribute, text)| {
                let name = entity_type.attribute(*attribute).name.clone();
                (name, Value::Text(text))
            })
            .collect();
        Some(EntityData {
            entity_type: entity_type.name.clone(),
            attributes,
        })
    }

    pub(crate) fn wire_value(&self, schemas: &SchemaSet, value: &SlotValue) -> Option<Value> {
        let reference = |id: &EntityId| self.reference(schemas, *id).map(Value::Entity);
        match value {
            SlotValue::Entity(id) => reference(id),
            SlotValue::Collection(ids) => {
                let items: Option<Vec<_>> = ids.iter().map(reference).collect();
                items.map(Value::List)
            }
            plain => plain.to_value(),
        }
    }
}

/// Returns the key of a state, whether or not it is findable.
pub(super) fn identity_of(schemas: &SchemaSet, state: &EntityState) -> Option<Key> {
    if let Some(key) = &state.key {
        return Some(key.clone());
    }
    let entity_type = schemas.entity_type(state.entity_type);
    key_from(&entity_type.primary_key, |attribute| state.value(attribute))
}

/// Makes a key of the values of the primary key, or none if one is missing.
fn key_from<'a>(
    primary_key: &[AttributeId],
    value: impl Fn(AttributeId) -> Option<&'a SlotValue>,
) -> Option<Key> {
    if let [attribute] = primary_key
        && let Some(SlotValue::Id(id)) = value(*attribute)
    {
        return Some(Key::Id(*id));
    }
    let texts: Option<Vec<Arc<str>>> = primary_key
        .iter()
        .map(|attribute| value(*attribute)?.key_text())
        .collect();
    texts
        .filter(|texts| !texts.is_empty())
        .map(|texts| Key::new(&texts))
}
