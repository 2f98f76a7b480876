//! What the entities on the server say about a batch whose answer was lost.
//!
//! A batch is carried out as a whole or not at all, so that one trace of it, or the lack of one, speaks for all of it:
//! - An id that this client made exists on the server only if the batch was carried out. Where a batch creates such an entity, nothing else is looked at. An id that the caller gave
//!   may have existed before, which the server refuses: it proves nothing.
//! - An entity to be deleted that is still there, and an attribute that still has the value it had before, tell that it was not.
//! - Otherwise every deleted entity has to be gone, and every attribute has to have the value that was sent.
//!
//! A value that is neither the one sent nor the one known from before was set by somebody else meanwhile, before or after this batch. Sending the batch again could undo that, so
//! the outcome is called unknown and left to the caller. A value that was never read here is not protected: whoever sets it without a look overwrites it in any commit.

use std::slice;
use std::sync::Arc;

use ftrack_protocol::{Operation, Value, Write};

use super::Commit;
use crate::error::Outcome;
use crate::identity_map::{EntityId, IdentityMap};
use crate::merge::Answer;
use crate::populate;
use crate::schema_set::{EntityType, SchemaSet};

/// What to ask about a batch.
pub(super) struct Evidence<'a> {
    known: &'a IdentityMap,
    traces: Vec<Trace<'a>>,
}

/// One operation, and the query that finds its entity.
struct Trace<'a> {
    operation: &'a Operation,
    expression: String,
    /// Whether it creates an entity whose id was made for it.
    is_proof: bool,
}

/// What one operation says about its batch.
#[derive(Clone, Copy, PartialEq)]
enum Sign {
    Made,
    NotMade,
    /// Somebody else has changed what would tell.
    Blurred,
}

impl<'a> Evidence<'a> {
    /// Decides what to ask, or that nothing would tell.
    ///
    /// The map of the commit holds the server's values as they were before the batch.
    pub(super) fn of(commit: &'a Commit) -> Option<Self> {
        let known = &*commit.map;
        let proof = commit.batch.iter().find(|it| commit.is_proof(it));
        let telling = proof.map_or(&*commit.batch, slice::from_ref);
        let traces: Option<Vec<_>> = telling
            .iter()
            .filter(|operation| !matches!(operation, Operation::Query { .. }))
            .map(|operation| {
                let is_proof = proof.is_some();
                let attributes = match operation {
                    Operation::Create(write) | Operation::Update(write) if !is_proof => {
                        &*write.attributes
                    }
                    _ => &[],
                };
                Some(Trace {
                    operation,
                    expression: expression(known.schemas(), operation, attributes)?,
                    is_proof,
                })
            })
            .collect();
        Some(Self {
            known,
            traces: traces.filter(|traces| !traces.is_empty())?,
        })
    }

    /// Returns what to ask the server.
    pub(super) fn queries(&self) -> Vec<Operation> {
        let query = |trace: &Trace<'_>| Operation::Query {
            expression: trace.expression.clone(),
        };
        self.traces.iter().map(query).collect()
    }

    /// Draws the conclusion from the answers to [`Evidence::queries`], whose entities are in `seen`.
    pub(super) fn judge(&self, seen: &IdentityMap, answers: &[Answer]) -> Option<Outcome> {
        if answers.len() != self.traces.len() {
            return None;
        }
        let signs: Vec<_> = self
            .traces
            .iter()
            .zip(answers)
            .map(|(trace, answer)| self.sign(trace, seen, found(answer)))
            .collect();
        if signs.contains(&Sign::NotMade) {
            Some(Outcome::NotMade)
        } else if signs.contains(&Sign::Blurred) {
            None
        } else {
            Some(Outcome::Made)
        }
    }

    fn sign(&self, trace: &Trace<'_>, seen: &IdentityMap, found: Option<EntityId>) -> Sign {
        match (trace.operation, found) {
            (Operation::Delete { .. }, None) => Sign::Made,
            (Operation::Delete { .. }, Some(_)) | (Operation::Create(_), None) => Sign::NotMade,
            (Operation::Create(_), Some(_)) if trace.is_proof => Sign::Made,
            // An entity that has the id may be the one created, with values in the server's form, or another from before.
            (Operation::Create(write), Some(id)) if write.entity_key.len() == 1 => {
                self.sign_of_values(write, seen, id, Sign::Blurred)
            }
            (Operation::Create(write) | Operation::Update(write), Some(id)) => {
                self.sign_of_values(write, seen, id, Sign::NotMade)
            }
            _ => Sign::Blurred,
        }
    }

    /// `unread` is what another value says than the one sent if none was known before.
    fn sign_of_values(
        &self,
        write: &Write,
        seen: &IdentityMap,
        id: EntityId,
        unread: Sign,
    ) -> Sign {
        let mut sign = Sign::Made;
        for (name, sent) in &write.attributes {
            let held = server_value(seen, id, name);
            if held.as_ref().is_some_and(|held| is_same(held, sent)) {
                continue;
            }
            match (held, self.before(write, name)) {
                (Some(held), Some(before)) if !is_same(&held, &before) => sign = Sign::Blurred,
                (None, _) => sign = Sign::Blurred,
                (Some(_), None) if unread == Sign::Blurred => sign = unread,
                _ => return Sign::NotMade,
            }
        }
        sign
    }

    /// Returns what the server was known to hold before.
    fn before(&self, write: &Write, name: &str) -> Option<Value> {
        let entity_type = self.known.schemas().find(&write.entity_type)?;
        let id = self
            .known
            .find(entity_type.id, &key_of(&write.entity_key)?)?;
        server_value(self.known, id, name)
    }
}

fn server_value(map: &IdentityMap, id: EntityId, name: &str) -> Option<Value> {
    let attribute = map.entity_type(id).find(name)?;
    map.wire_value(&map.remote(id, attribute)?)
}

/// Returns the query that finds the entity of an operation, with these attributes.
fn expression(
    schemas: &SchemaSet,
    operation: &Operation,
    attributes: &[(Arc<str>, Value)],
) -> Option<String> {
    let (entity_type, entity_key) = match operation {
        Operation::Create(write) | Operation::Update(write) => {
            (&write.entity_type, &write.entity_key)
        }
        Operation::Delete {
            entity_type,
            entity_key,
        } => (entity_type, entity_key),
        Operation::Query { .. } | Operation::Other { .. } => return None,
    };
    let entity_type = schemas.find(entity_type)?;
    let mut projections = key_names(entity_type);
    projections.extend(attributes.iter().map(|(name, _)| &**name));
    let keys = [key_of(entity_key)?.into()];
    let queries = populate::expressions(entity_type, &keys, &projections.join(", "));
    queries.ok()?.pop()
}

fn key_names(entity_type: &EntityType) -> Vec<&str> {
    let names = entity_type.primary_key.iter();
    names.map(|id| &*entity_type.attribute(*id).name).collect()
}

fn key_of(entity_key: &[Value]) -> Option<Vec<Arc<str>>> {
    let values = entity_key.iter();
    values.map(|value| value.as_str().map(Arc::from)).collect()
}

/// Returns the entity that a query found.
fn found(answer: &Answer) -> Option<EntityId> {
    match answer.get("data")? {
        Answer::List(rows) => rows.iter().find_map(|row| match row {
            Answer::Entity(id) => Some(*id),
            _ => None,
        }),
        _ => None,
    }
}

/// Tells whether a server that was sent one value answers the other: numbers have one type in JSON, and collections no order.
fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().all(|item| b.contains(item))
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::float_cmp,
            reason = "compares what JSON does not tell apart"
        )]
        (Value::Int(int), Value::Float(float)) | (Value::Float(float), Value::Int(int)) => {
            *int as f64 == *float
        }
        _ => a == b,
    }
}
