//! Entities and the values of their attributes.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use ftrack_protocol::{DateTime, ENTITY_TYPE_KEY, EntityData, TYPE_KEY, Value};
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Decoder;
use super::member::{AttributeSeed, TextSeed};
use crate::entity_state::{EntityId, SlotValue};
use crate::schema_set::{AttributeKind, EntityType};

/// A member that was read before it was known what the object is.
pub(super) type Buffered<'de> = (Cow<'de, str>, &'de RawValue);

/// What an object turned out to be.
pub(super) enum Object<'de> {
    /// An entity, placed in the map.
    Entity(EntityId),
    /// An entity of a type that the schema does not know.
    UnknownEntity(Arc<str>, Vec<Buffered<'de>>),
    /// A typed scalar.
    DateTime(DateTime),
    /// A plain object.
    Plain(Vec<Buffered<'de>>),
}

/// Reads an object whose members may come in any order.
pub(super) fn object<'de, A: MapAccess<'de>>(
    decoder: &mut Decoder<'_>,
    mut map: A,
) -> Result<Object<'de>, A::Error> {
    let mut buffered: Vec<Buffered<'de>> = Vec::new();
    while let Some(name) = map.next_key_seed(TextSeed)? {
        if name == ENTITY_TYPE_KEY {
            let type_name = map.next_value_seed(TextSeed)?;
            let Some(definition) = decoder.schemas.find(&type_name) else {
                drain(&mut map, &mut buffered)?;
                return Ok(Object::UnknownEntity(type_name.into(), buffered));
            };
            let id = decoder.nested(|decoder| entity(decoder, map, definition, buffered))?;
            return Ok(Object::Entity(id));
        }
        let value: &'de RawValue = map.next_value()?;
        if name == TYPE_KEY && matches!(value.get(), r#""datetime""# | r#""date""#) {
            drain(&mut map, &mut buffered)?;
            return datetime(&buffered).map(Object::DateTime);
        }
        buffered.push((name, value));
    }
    Ok(Object::Plain(buffered))
}

fn drain<'de, A: MapAccess<'de>>(
    map: &mut A,
    buffered: &mut Vec<Buffered<'de>>,
) -> Result<(), A::Error> {
    while let Some(name) = map.next_key_seed(TextSeed)? {
        buffered.push((name, map.next_value()?));
    }
    Ok(())
}

fn datetime<E: Error>(members: &[Buffered<'_>]) -> Result<DateTime, E> {
    let (_, raw) = members
        .iter()
        .find(|(name, _)| name == "value")
        .ok_or_else(|| E::missing_field("value"))?;
    let mut json = serde_json::Deserializer::from_str(raw.get());
    let text = TextSeed.deserialize(&mut json).map_err(E::custom)?;
    text.parse().map_err(E::custom)
}

fn entity<'de, A: MapAccess<'de>>(
    decoder: &mut Decoder<'_>,
    mut map: A,
    definition: &EntityType,
    buffered: Vec<Buffered<'de>>,
) -> Result<EntityId, A::Error> {
    let mut values = decoder.spare.pop().unwrap_or_default();
    for (name, raw) in buffered {
        if let Some(attribute) = definition.find(&name) {
            let kind = &definition.attribute(attribute).kind;
            let mut json = serde_json::Deserializer::from_str(raw.get());
            let value = SlotSeed { decoder, kind }.deserialize(&mut json);
            values.push((attribute, value.map_err(A::Error::custom)?));
        }
    }
    for position in 0.. {
        let expected = decoder.expected(definition.id, position);
        let seed = AttributeSeed {
            definition,
            expected,
        };
        let Some(attribute) = map.next_key_seed(seed)? else {
            break;
        };
        let Some(attribute) = attribute else {
            map.next_value::<IgnoredAny>()?;
            continue;
        };
        if expected != Some(attribute) {
            decoder.expect(definition.id, position, attribute);
        }
        let kind = &definition.attribute(attribute).kind;
        values.push((attribute, map.next_value_seed(SlotSeed { decoder, kind })?));
    }
    let (schemas, placement) = (decoder.schemas, decoder.placement);
    let id = decoder
        .slab
        .place(schemas, definition.id, &mut values, placement);
    decoder.spare.push(values);
    Ok(id)
}

/// Reads the value of an attribute.
pub(super) struct SlotSeed<'d, 'm, 's> {
    pub(super) decoder: &'d mut Decoder<'m>,
    pub(super) kind: &'s AttributeKind,
}

impl<'de> DeserializeSeed<'de> for SlotSeed<'_, '_, '_> {
    type Value = SlotValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<SlotValue, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for SlotSeed<'_, '_, '_> {
    type Value = SlotValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value of an attribute")
    }

    fn visit_unit<E>(self) -> Result<SlotValue, E> {
        if self.kind.is_collection() {
            return Ok(SlotValue::Collection(Arc::default()));
        }
        Ok(SlotValue::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<SlotValue, E> {
        Ok(SlotValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<SlotValue, E> {
        Ok(SlotValue::Int(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers past 64 bits are floats in JSON anyway"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<SlotValue, E> {
        Ok(i64::try_from(value).map_or(SlotValue::Float(value as f64), SlotValue::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<SlotValue, E> {
        Ok(SlotValue::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<SlotValue, E> {
        Ok(self.decoder.texts.slot_value(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<SlotValue, A::Error> {
        if !self.kind.is_collection() {
            let list = Value::deserialize(SeqAccessDeserializer::new(items))?;
            return Ok(SlotValue::Json(Arc::new(list)));
        }
        let mut entities = Vec::new();
        while let Some(value) = items.next_element_seed(SlotSeed {
            decoder: &mut *self.decoder,
            kind: self.kind,
        })? {
            if let SlotValue::Entity(id) = value {
                entities.push(id);
            }
        }
        Ok(SlotValue::Collection(entities.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SlotValue, A::Error> {
        Ok(match object(self.decoder, map)? {
            Object::Entity(id) => SlotValue::Entity(id),
            Object::DateTime(value) => SlotValue::DateTime(value),
            Object::UnknownEntity(entity_type, members) => {
                let attributes = plain_members(members)?;
                SlotValue::Json(Arc::new(Value::Entity(EntityData {
                    entity_type,
                    attributes,
                })))
            }
            Object::Plain(members) => {
                SlotValue::Json(Arc::new(Value::Map(plain_members(members)?)))
            }
        })
    }
}

fn plain_members<E: Error>(members: Vec<Buffered<'_>>) -> Result<Vec<(Arc<str>, Value)>, E> {
    let decode = |(name, raw): Buffered<'_>| {
        let value = serde_json::from_str(raw.get()).map_err(E::custom)?;
        Ok((Arc::from(name), value))
    };
    members.into_iter().map(decode).collect()
}
