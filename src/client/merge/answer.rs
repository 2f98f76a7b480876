//! Whole answers: pages of queries, and anything else as a tree.

use std::fmt;
use std::sync::Arc;

use ftrack_protocol::{DateTime, Value};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::row::{Buffered, Object, SlotSeed, object};
use super::{Decoder, QueryPage};
use crate::entity_state::{EntityId, SlotValue};
use crate::schema_set::AttributeKind;

/// How many bytes from the end of an answer what it says of the page may start.
const MAX_METADATA: usize = 256;

/// A decoded answer, with its entities in a map.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// JSON `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(Arc<str>),
    /// A point in time.
    DateTime(DateTime),
    /// An entity of the map that was decoded into.
    Entity(EntityId),
    /// A list.
    List(Vec<Answer>),
    /// A plain object, in the order it was written.
    Map(Vec<(Arc<str>, Answer)>),
}

impl Answer {
    /// Returns the member `name` of a plain object.
    pub fn get(&self, name: &str) -> Option<&Answer> {
        let Self::Map(members) = self else {
            return None;
        };
        members
            .iter()
            .find(|(key, _)| &**key == name)
            .map(|(_, value)| value)
    }

    /// Returns the text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Returns the offset of the next page where the answer to a query tells it at its end, without decoding the rows.
///
/// Nothing but the members of a result stand two brackets from the end, and quotes inside a text are escaped, so that this is no member of an entity and no text.
pub fn next_offset(answer: &[u8]) -> Option<u64> {
    const NAME: &[u8] = br#""metadata":"#;
    let tail = &answer[answer.len().saturating_sub(MAX_METADATA)..];
    let start = tail.windows(NAME.len()).rposition(|text| text == NAME)? + NAME.len();
    let mut json = serde_json::Deserializer::from_slice(&tail[start..]).into_iter::<Metadata>();
    let metadata = json.next()?.ok()?;
    let rest = tail[start + json.byte_offset()..].iter();
    let is_last = rest.filter(|byte| !byte.is_ascii_whitespace()).eq(b"}]");
    metadata.next?.offset.filter(|_| is_last)
}

/// Reads the answer to a batch of one query.
pub(super) struct PageSeed<'d, 'm>(pub(super) &'d mut Decoder<'m>);

impl<'de> DeserializeSeed<'de> for PageSeed<'_, '_> {
    type Value = QueryPage;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<QueryPage, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PageSeed<'_, '_> {
    type Value = QueryPage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list with the result of one query")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut results: A) -> Result<QueryPage, A::Error> {
        let page = results
            .next_element_seed(ResultSeed(self.0))?
            .ok_or_else(|| A::Error::custom("the list of results is empty"))?;
        while results.next_element::<IgnoredAny>()?.is_some() {}
        Ok(page)
    }
}

struct ResultSeed<'d, 'm>(&'d mut Decoder<'m>);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum ResultMember {
    Data,
    Metadata,
    #[serde(other)]
    Other,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    next: Option<Next>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Next {
    offset: Option<u64>,
}

impl<'de> DeserializeSeed<'de> for ResultSeed<'_, '_> {
    type Value = QueryPage;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<QueryPage, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ResultSeed<'_, '_> {
    type Value = QueryPage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the result of a query")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<QueryPage, A::Error> {
        let mut entities = None;
        let mut metadata = Metadata::default();
        while let Some(member) = map.next_key()? {
            match member {
                ResultMember::Data => entities = Some(map.next_value_seed(RowsSeed(&mut *self.0))?),
                ResultMember::Metadata => {
                    metadata = map.next_value::<Option<_>>()?.unwrap_or_default();
                }
                ResultMember::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(QueryPage {
            entities: entities.ok_or_else(|| A::Error::missing_field("data"))?,
            next_offset: metadata.next.and_then(|next| next.offset),
        })
    }
}

struct RowsSeed<'d, 'm>(&'d mut Decoder<'m>);

impl<'de> DeserializeSeed<'de> for RowsSeed<'_, '_> {
    type Value = Vec<EntityId>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for RowsSeed<'_, '_> {
    type Value = Vec<EntityId>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entities")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Self::Value, A::Error> {
        let kind = AttributeKind::Collection(None);
        let mut entities = Vec::new();
        while let Some(row) = rows.next_element_seed(SlotSeed {
            decoder: &mut *self.0,
            kind: &kind,
        })? {
            match row {
                SlotValue::Entity(id) => entities.push(id),
                SlotValue::Json(value) => match &*value {
                    Value::Entity(entity) => {
                        self.0.unknown_type = Some(entity.entity_type.to_string());
                    }
                    _ => return Err(A::Error::custom("a row is no entity")),
                },
                _ => return Err(A::Error::custom("a row is no entity")),
            }
        }
        Ok(entities)
    }
}

/// Reads anything.
pub(super) struct AnswerSeed<'d, 'm>(pub(super) &'d mut Decoder<'m>);

impl<'de> DeserializeSeed<'de> for AnswerSeed<'_, '_> {
    type Value = Answer;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Answer, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AnswerSeed<'_, '_> {
    type Value = Answer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Answer, E> {
        Ok(Answer::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Answer, E> {
        Ok(Answer::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Answer, E> {
        Ok(Answer::Int(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers past 64 bits are floats in JSON anyway"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Answer, E> {
        Ok(i64::try_from(value).map_or(Answer::Float(value as f64), Answer::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Answer, E> {
        Ok(Answer::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Answer, E> {
        Ok(Answer::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Answer, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(AnswerSeed(&mut *self.0))? {
            list.push(item);
        }
        Ok(Answer::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Answer, A::Error> {
        Ok(match object(self.0, map)? {
            Object::Entity(id) => Answer::Entity(id),
            Object::DateTime(value) => Answer::DateTime(value),
            Object::Plain(members) => Answer::Map(answer_members(self.0, members)?),
            Object::UnknownEntity(entity_type, members) => {
                let mut members = answer_members(self.0, members)?;
                let marker = Arc::from(ftrack_protocol::ENTITY_TYPE_KEY);
                members.insert(0, (marker, Answer::Text(entity_type)));
                Answer::Map(members)
            }
        })
    }
}

fn answer_members<E: Error>(
    decoder: &mut Decoder<'_>,
    members: Vec<Buffered<'_>>,
) -> Result<Vec<(Arc<str>, Answer)>, E> {
    decoder.nested(|decoder| {
        let decode = |(name, raw): Buffered<'_>| {
            let mut json = serde_json::Deserializer::from_str(raw.get());
            let value = AnswerSeed(decoder)
                .deserialize(&mut json)
                .map_err(E::custom)?;
            Ok((Arc::from(name), value))
        };
        members.into_iter().map(decode).collect()
    })
}
