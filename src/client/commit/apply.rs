//! What is known of entities once their changes are committed.
//!
//! Servers answer a commit with little more than the primary keys, and leave collections out. What was sent is what they hold now, so it is taken over without asking again; where
//! an answer says otherwise, it is merged afterwards and counts.

use ftrack_protocol::{EntityData, Operation, Value, Write};

use crate::error::Result;
use crate::identity_map::{EntityId, IdentityMap, SlotValue};

/// Values of custom attributes: the server adds those of all configurations that apply, so what was sent is not all that it holds now.
const CUSTOM_ATTRIBUTES: &str = "custom_attributes";

/// Takes over what `operations` wrote.
pub fn apply(map: &IdentityMap, operations: &[Operation]) -> Result<()> {
    for operation in operations {
        if let Operation::Create(write) | Operation::Update(write) = operation {
            apply_write(map, write)?;
        }
    }
    Ok(())
}

fn apply_write(map: &IdentityMap, write: &Write) -> Result<()> {
    let entity_type = map.schemas().get(&write.entity_type)?;
    let key: Vec<&str> = write.entity_key.iter().filter_map(Value::as_str).collect();
    let (id, _) = map.get_or_insert(entity_type.id, &key)?;
    for (name, value) in &write.attributes {
        let Some(attribute) = entity_type.find(name) else {
            continue;
        };
        let is_collection = entity_type.attribute(attribute).kind.is_collection();
        if &**name == CUSTOM_ATTRIBUTES {
            map.unset_remote(id, attribute);
        } else if let Some(value) = slot(map, value, is_collection)? {
            map.set_remote(id, attribute, value);
        }
    }
    Ok(())
}

/// Returns what was sent as a value of the map; none for a collection that is no list of references.
fn slot(map: &IdentityMap, value: &Value, is_collection: bool) -> Result<Option<SlotValue>> {
    match value {
        Value::List(items) if is_collection => {
            let members: Option<Vec<_>> = items.iter().map(as_entity).collect();
            let members = members.unwrap_or_default().into_iter();
            let ids: Result<Vec<_>> = members.map(|entity| identify(map, entity)).collect();
            Ok(Some(SlotValue::Collection(ids?.into())))
        }
        _ if is_collection => Ok(None),
        Value::Entity(entity) => Ok(Some(SlotValue::Entity(identify(map, entity)?))),
        plain => Ok(Some(SlotValue::from_value(plain.clone()))),
    }
}

fn as_entity(value: &Value) -> Option<&EntityData> {
    match value {
        Value::Entity(entity) => Some(entity),
        _ => None,
    }
}

fn identify(map: &IdentityMap, entity: &EntityData) -> Result<EntityId> {
    let entity_type = map.schemas().get(&entity.entity_type)?;
    let key: Vec<&str> = entity_type
        .primary_key
        .iter()
        .filter_map(|attribute| {
            entity
                .get(&entity_type.attribute(*attribute).name)?
                .as_str()
        })
        .collect();
    Ok(map.get_or_insert(entity_type.id, &key)?.0)
}
