//! From the bytes of an answer to the states of entities, in one pass and without a tree in between.
//!
//! An entity may occur anywhere, fully or as a bare reference; each occurrence is merged into the state of its type and primary key. Attributes that the schema does not know
//! are skipped.

mod answer;
mod member;
mod row;
mod texts;

use serde::de::{self, DeserializeSeed};

pub use answer::{Answer, next_offset};

use crate::error::{Error, Result};
use crate::fork_gate::{FORK_GATE, Passage};
use crate::identity_map::{EntityId, IdentityMap, Placement, Slab, SlotValue};
use crate::schema_set::{AttributeId, SchemaSet, TypeId};
use texts::TextCache;

/// No answer of a server is nested as deeply; the limit of `serde_json`.
const MAX_DEPTH: usize = 128;

/// More attributes than any type has: bounds what an answer that repeats them can make us remember.
const MAX_ORDER: usize = 256;

/// One page of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryPage {
    /// Entities in the order of the answer.
    pub entities: Vec<EntityId>,
    /// Offset of the next page, if there is one.
    pub next_offset: Option<u64>,
}

/// Merges the answer to a call of one query.
pub fn merge_query_answer(map: &IdentityMap, body: &[u8]) -> Result<QueryPage> {
    let mut decoder = Decoder::new(map, Placement::Merge);
    let page = decode(
        body,
        "the answer to a query",
        answer::PageSeed(&mut decoder),
    )?;
    decoder.finish(page)
}

/// Decodes an answer and merges every entity in it, as after a commit.
pub fn merge_answers(map: &IdentityMap, body: &[u8]) -> Result<Vec<Answer>> {
    decode_with(map, body, Placement::Merge)
}

/// Decodes an answer; every entity in it becomes a detached one of `scratch`.
pub fn decode_answers(scratch: &IdentityMap, body: &[u8]) -> Result<Vec<Answer>> {
    decode_with(scratch, body, Placement::Detach)
}

fn decode_with(map: &IdentityMap, body: &[u8], placement: Placement) -> Result<Vec<Answer>> {
    let mut decoder = Decoder::new(map, placement);
    let value = decode(
        body,
        "the answer of the server",
        answer::AnswerSeed(&mut decoder),
    )?;
    match decoder.finish(value)? {
        Answer::List(answers) => Ok(answers),
        single => Ok(vec![single]),
    }
}

fn decode<'de, S: DeserializeSeed<'de>>(json: &'de [u8], what: &str, seed: S) -> Result<S::Value> {
    // Texts of what is known to be UTF-8 need not be checked one by one.
    let json = str::from_utf8(json).map_err(|error| Error::decode(what, &error))?;
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = seed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| Error::decode(what, &error))
}

/// What all parts of the decoder share: the map, held for the whole answer.
struct Decoder<'m> {
    schemas: &'m SchemaSet,
    slab: parking_lot::MutexGuard<'m, Slab>,
    /// Dropped after the lock: no process is forked while it is held.
    _passage: Passage<'static>,
    placement: Placement,
    texts: TextCache,
    /// How many objects enclose what is read now.
    depth: usize,
    /// The attributes of each type in the order in which they came the last time: most likely they come so again.
    orders: Vec<Vec<AttributeId>>,
    /// Lists of values that were placed, to be filled again.
    spare: Vec<Vec<(AttributeId, SlotValue)>>,
    /// A type at the top of a query's answer that the schema lacks; serde errors cannot carry it.
    unknown_type: Option<String>,
}

impl<'m> Decoder<'m> {
    fn new(map: &'m IdentityMap, placement: Placement) -> Self {
        let passage = FORK_GATE.enter();
        Self {
            schemas: map.schemas(),
            slab: map.lock(),
            _passage: passage,
            placement,
            texts: TextCache::new(),
            depth: 0,
            orders: vec![Vec::new(); map.schemas().types().len()],
            spare: Vec::new(),
            unknown_type: None,
        }
    }

    /// Runs `read` on what is inside an object.
    ///
    /// Members that are read twice escape the limit that the JSON reader has against endless nesting, so it is counted here.
    fn nested<T, E: de::Error>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom("objects are nested too deeply"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Returns the attribute that came at this position of the last entity of a type.
    fn expected(&self, entity_type: TypeId, position: usize) -> Option<AttributeId> {
        self.orders[usize::from(entity_type.0)]
            .get(position)
            .copied()
    }

    /// Remembers the attribute that came at a position.
    fn expect(&mut self, entity_type: TypeId, position: usize, attribute: AttributeId) {
        let order = &mut self.orders[usize::from(entity_type.0)];
        if position < MAX_ORDER {
            order.resize(order.len().max(position + 1), attribute);
            order[position] = attribute;
        }
    }

    fn finish<T>(self, value: T) -> Result<T> {
        match self.unknown_type {
            Some(name) => Err(Error::UnknownEntityType { name }),
            None => Ok(value),
        }
    }
}
