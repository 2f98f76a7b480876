//! Makes the shortest batch that has the effect of all recorded operations.
//!
//! Does what the official client does, in the same order: entities both created and deleted vanish; of several updates of an attribute only the last is sent; attributes
//! reverted to unset and writes that became empty are dropped; an update that directly follows a write of the same entity joins it.

use std::sync::Arc;

use ftrack_protocol::{Operation, Value, Write};
use hashbrown::HashSet;

/// One recorded step.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    /// Something to send.
    Operation(Operation),
    /// The local value of an attribute was taken back: earlier updates of it must not be sent.
    Unset {
        /// Schema name.
        entity_type: Arc<str>,
        /// Primary key values in the order of the type's primary key.
        entity_key: Vec<Value>,
        /// Name of the attribute.
        attribute: Arc<str>,
    },
}

impl From<Operation> for Recorded {
    fn from(operation: Operation) -> Self {
        Self::Operation(operation)
    }
}

/// Returns the batch to send.
pub fn coalesce(recorded: impl IntoIterator<Item = Recorded>) -> Vec<Operation> {
    let mut recorded: Vec<Recorded> = recorded.into_iter().collect();
    cancel_created_and_deleted(&mut recorded);
    let operations = keep_last_updates(recorded);
    collapse(operations)
}

type Identity = (Arc<str>, String);

fn identity(entity_type: &Arc<str>, entity_key: &[Value]) -> Identity {
    // Values have no hash of their own; serialising texts and numbers does not fail.
    let key = serde_json::to_string(entity_key).unwrap_or_default();
    (entity_type.clone(), key)
}

impl Recorded {
    fn identity(&self) -> Option<Identity> {
        match self {
            Self::Operation(Operation::Create(write) | Operation::Update(write)) => {
                Some(identity(&write.entity_type, &write.entity_key))
            }
            Self::Operation(Operation::Delete {
                entity_type,
                entity_key,
            })
            | Self::Unset {
                entity_type,
                entity_key,
                ..
            } => Some(identity(entity_type, entity_key)),
            Self::Operation(Operation::Query { .. } | Operation::Other { .. }) => None,
        }
    }
}

fn cancel_created_and_deleted(recorded: &mut Vec<Recorded>) {
    let mut created = HashSet::new();
    let mut deleted = HashSet::new();
    for step in &*recorded {
        match step {
            Recorded::Operation(Operation::Create(_)) => created.extend(step.identity()),
            Recorded::Operation(Operation::Delete { .. }) => deleted.extend(step.identity()),
            _ => {}
        }
    }
    created.retain(|identity| deleted.contains(identity));
    if !created.is_empty() {
        recorded.retain(|step| {
            step.identity()
                .is_none_or(|identity| !created.contains(&identity))
        });
    }
}

/// Removes what later steps override, and writes that say nothing.
fn keep_last_updates(recorded: Vec<Recorded>) -> Vec<Operation> {
    let mut decided: HashSet<(Identity, Arc<str>)> = HashSet::new();
    let mut kept = Vec::with_capacity(recorded.len());
    for step in recorded.into_iter().rev() {
        let identity = step.identity();
        match (step, identity) {
            (Recorded::Unset { attribute, .. }, Some(identity)) => {
                decided.insert((identity, attribute));
            }
            (Recorded::Operation(Operation::Update(mut write)), Some(identity)) => {
                write
                    .attributes
                    .retain(|(name, _)| decided.insert((identity.clone(), name.clone())));
                kept.push(Operation::Update(write));
            }
            (Recorded::Operation(operation), _) => kept.push(operation),
            (Recorded::Unset { .. }, None) => {}
        }
    }
    kept.retain(|operation| match operation {
        Operation::Create(write) | Operation::Update(write) => !write.attributes.is_empty(),
        _ => true,
    });
    kept.reverse();
    kept
}

/// Joins updates to the write of the same entity that stands directly before them.
fn collapse(operations: Vec<Operation>) -> Vec<Operation> {
    let mut batch: Vec<Operation> = Vec::with_capacity(operations.len());
    for operation in operations {
        if let Operation::Update(update) = &operation
            && let Some(Operation::Create(write) | Operation::Update(write)) = batch.last_mut()
            && is_same_entity(write, update)
        {
            for (name, value) in &update.attributes {
                write.set(name.clone(), value.clone());
            }
            continue;
        }
        batch.push(operation);
    }
    batch
}

fn is_same_entity(a: &Write, b: &Write) -> bool {
    a.entity_type == b.entity_type && a.entity_key == b.entity_key
}
