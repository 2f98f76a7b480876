//! The identity map: one state per entity, found by type and primary key.
//!
//! States live in a slab and refer to each other by [`EntityId`], so there are no reference cycles and handles are eight bytes and an `Arc`. Nothing is ever taken out of the
//! slab: clearing a cache means starting a new map, and old handles keep the old map alive. A state may be *detached*: in the slab, but found under no key, as an entity
//! that was just constructed, or one of the answer to a raw call.

mod slab;
mod transplant;

use std::fmt;
use std::sync::Arc;

use ftrack_protocol::{EntityData, EntityKey, Value};
use parking_lot::{Mutex, MutexGuard};

pub use crate::entity_state::{EntityId, SlotValue};
use crate::error::Result;
use crate::schema_set::{AttributeId, EntityType, SchemaSet, TypeId};
pub(crate) use slab::{Placement, Slab};

/// Which local values to clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClearScope {
    /// All of them.
    All,
    /// All but those of the primary key, which new entities need to be found again.
    KeepPrimaryKey,
}

/// The states of a session's entities.
pub struct IdentityMap {
    schemas: Arc<SchemaSet>,
    slab: Mutex<Slab>,
}

impl IdentityMap {
    /// Makes an empty map.
    pub fn new(schemas: Arc<SchemaSet>) -> Arc<Self> {
        Arc::new(Self {
            schemas,
            slab: Mutex::new(Slab::default()),
        })
    }

    /// Returns the schemas that give types and attributes their numbers.
    pub fn schemas(&self) -> &Arc<SchemaSet> {
        &self.schemas
    }

    /// Returns how many entities can be found.
    pub fn len(&self) -> usize {
        self.lock().indexed()
    }

    /// Tells whether no entity can be found.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns all entities that can be found, oldest first.
    pub fn ids(&self) -> Vec<EntityId> {
        self.lock().ids()
    }

    /// Makes a detached entity of which nothing is known.
    pub fn insert_detached(&self, entity_type: TypeId) -> EntityId {
        self.lock().push(entity_type)
    }

    /// Makes an entity findable under the key that its values give it.
    ///
    /// Returns the entity that has this key from now on: the same one, or the one that already had it, with the values of `id` merged into it. None if the primary key is
    /// not set.
    pub fn attach(&self, id: EntityId) -> Option<EntityId> {
        self.lock().attach(&self.schemas, id)
    }

    /// Returns the entity of this key.
    pub fn find<T: AsRef<str>>(&self, entity_type: TypeId, key: &[T]) -> Option<EntityId> {
        self.lock().find(entity_type, &slab::key_of(key))
    }

    /// Returns the entity of this key, made with only its primary key known if there is none; and whether it was made.
    pub fn get_or_insert<T: AsRef<str>>(
        &self,
        entity_type: TypeId,
        key: &[T],
    ) -> Result<(EntityId, bool)> {
        self.lock().get_or_insert(&self.schemas, entity_type, key)
    }

    /// Makes the entity of this key unfindable; its handles keep working.
    pub fn remove<T: AsRef<str>>(&self, entity_type: TypeId, key: &[T]) -> Option<EntityId> {
        let mut slab = self.lock();
        let id = slab.find(entity_type, &slab::key_of(key))?;
        slab.detach(id);
        Some(id)
    }

    /// Tells whether the entity can be found under its key.
    pub fn is_attached(&self, id: EntityId) -> bool {
        self.lock().state(id).key.is_some()
    }

    /// Returns the type of an entity.
    pub fn entity_type(&self, id: EntityId) -> &EntityType {
        let entity_type = self.lock().state(id).entity_type;
        self.schemas.entity_type(entity_type)
    }

    /// Returns the identity of an entity, or none if its primary key is not set.
    pub fn key(&self, id: EntityId) -> Option<EntityKey> {
        self.lock().entity_key(&self.schemas, id)
    }

    /// Returns the current value: the one set here, otherwise the server's, otherwise none.
    pub fn value(&self, id: EntityId, attribute: AttributeId) -> Option<SlotValue> {
        self.lock().state(id).value(attribute).cloned()
    }

    /// Returns the server's value, if it was ever seen.
    pub fn remote(&self, id: EntityId, attribute: AttributeId) -> Option<SlotValue> {
        self.lock().state(id).remote.get(attribute).cloned()
    }

    /// Returns the value set here, if there is one.
    pub fn local(&self, id: EntityId, attribute: AttributeId) -> Option<SlotValue> {
        self.lock().state(id).local(attribute).cloned()
    }

    /// Sets the server's value as a merge does; nothing is recorded.
    pub fn set_remote(&self, id: EntityId, attribute: AttributeId, value: SlotValue) {
        self.lock().state_mut(id).merge_remote(attribute, value);
    }

    /// Forgets the server's value.
    pub fn unset_remote(&self, id: EntityId, attribute: AttributeId) -> Option<SlotValue> {
        self.lock().state_mut(id).remote.remove(attribute)
    }

    /// Sets a value here and returns the one set before.
    pub fn set_local(
        &self,
        id: EntityId,
        attribute: AttributeId,
        value: SlotValue,
    ) -> Option<SlotValue> {
        self.lock().set_local(id, attribute, value)
    }

    /// Forgets the value set here, so that the server's shows again.
    pub fn unset_local(&self, id: EntityId, attribute: AttributeId) -> Option<SlotValue> {
        self.lock()
            .state_mut(id)
            .local
            .as_mut()
            .and_then(|local| local.remove(attribute))
    }

    /// Forgets the values set here of one entity.
    pub fn clear_local(&self, id: EntityId, scope: ClearScope) {
        self.lock().clear_local(&self.schemas, id, scope);
    }

    /// Forgets the values set here of all entities that can be found, as a successful commit does.
    ///
    /// Costs only what was touched. An entity whose primary key was known only here keeps it, now as the server's.
    pub fn clear_all_local(&self, scope: ClearScope) {
        self.lock().clear_all_local(&self.schemas, scope);
    }

    /// Tells whether a value is set here that differs from the server's.
    pub fn is_modified(&self, id: EntityId, attribute: AttributeId) -> bool {
        self.lock().state(id).is_modified(attribute)
    }

    /// Returns the attributes that have a value, set here or known of the server, in order.
    pub fn set_attributes(&self, id: EntityId) -> Vec<AttributeId> {
        let slab = self.lock();
        let state = slab.state(id);
        let local = state.local.iter().flat_map(|local| local.iter());
        let mut attributes: Vec<_> = state
            .remote
            .iter()
            .chain(local)
            .map(|(attribute, _)| attribute)
            .collect();
        attributes.sort_unstable();
        attributes.dedup();
        attributes
    }

    /// Returns the entity as a bare reference, or none if its primary key is not set.
    pub fn reference(&self, id: EntityId) -> Option<EntityData> {
        self.lock().reference(&self.schemas, id)
    }

    /// Returns a value as it travels: entities become references. None if one of them has no identity yet.
    pub fn wire_value(&self, value: &SlotValue) -> Option<Value> {
        self.lock().wire_value(&self.schemas, value)
    }

    /// Copies an entity and what it refers to from another map into this one and makes it findable, as merging into a session does.
    ///
    /// Returns the entity of this map. Entities without an identity stay detached.
    pub fn adopt(&self, source: &IdentityMap, id: EntityId) -> EntityId {
        if std::ptr::eq(self, source) {
            return self.attach(id).unwrap_or(id);
        }
        let states = transplant::reachable(&source.lock(), id);
        transplant::plant(&mut self.lock(), &self.schemas, &states, id)
    }

    /// Holds the map for a series of changes.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Slab> {
        self.slab.lock()
    }
}

impl fmt::Debug for IdentityMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityMap")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
