//! Sends a batch of changes as one transaction, and makes sure of it when the answer is lost.
//!
//! A connection that breaks once the batch is on its way leaves open whether the server carried it out. Neither giving up nor sending it again is right then: one forgets changes
//! that were made, the other may make them twice. So the server is asked what it holds ([`evidence`]). If the changes are there, the commit has succeeded; if they are not, they are
//! sent once more; if that cannot be told, the error says so.

mod apply;
mod evidence;

use std::sync::Arc;

use bytes::Bytes;
use ftrack_protocol::{EntityData, Operation, Value, Write};
use hashbrown::HashSet;
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::error::{Error, Outcome, Result};
use crate::identity_map::IdentityMap;
use crate::merge::merge_answers;
use crate::schema_set::SchemaSet;
use crate::transport::{Idempotency, Transport, encode_batch};
use evidence::Evidence;

pub use apply::apply;

/// A batch whose first answer is lost is sent once more: a server that loses two in a row is better left alone.
const MAX_ATTEMPTS: u32 = 2;

/// The ids that this client made for new entities: the server cannot have them from anywhere else.
pub type NewIds = HashSet<Arc<str>>;

/// A batch on its way to the server.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The way to the server.
    pub transport: Arc<Transport>,
    /// What was known of the entities before: tells changes of others from what was there.
    pub map: Arc<IdentityMap>,
    /// The changes.
    pub batch: Arc<[Operation]>,
    /// Which of the entities that the batch creates prove by their existence that it was carried out.
    pub new_ids: NewIds,
}

impl Commit {
    /// Sends the batch and returns the server's answer, or one made of what was sent if the server's was lost but the changes are there.
    ///
    /// # Errors
    /// [`Error::AnswerLost`] if the answer was lost, and the changes are not there after all or nobody can tell.
    pub async fn send(&self) -> Result<Bytes> {
        let mut attempt = 1;
        loop {
            let error = match self.post().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            // What the server refuses the second time may be what it carries out late the first time: two creations of an id exclude each other.
            if attempt == 1 && !error.is_answer_lost() {
                return Err(error);
            }
            match self.outcome().await {
                Some(Outcome::Made) => return answer_made_of(self.map.schemas(), &self.batch),
                Some(Outcome::NotMade) if attempt < MAX_ATTEMPTS => attempt += 1,
                outcome => return Err(error.with_outcome(outcome)),
            }
            tracing::warn!(
                host = self.transport.host(),
                "the answer to a commit was lost before the changes were made; sending them again"
            );
        }
    }

    /// Asks the server whether it holds what the batch writes; none if that cannot be told.
    pub async fn outcome(&self) -> Option<Outcome> {
        let evidence = Evidence::of(self)?;
        let body = encode_batch(&evidence.queries()).ok()?;
        let call = self.transport.call(body, Idempotency::Read);
        let answer = call.await.ok()?;
        let seen = IdentityMap::new(self.map.schemas().clone());
        let answers = merge_answers(&seen, &answer).ok()?;
        evidence.judge(&seen, &answers)
    }

    /// Tells whether an operation creates an entity whose id was made for it.
    fn is_proof(&self, operation: &Operation) -> bool {
        let Operation::Create(write) = operation else {
            return false;
        };
        match &*write.entity_key {
            [id] => id.as_str().is_some_and(|id| self.new_ids.contains(id)),
            _ => false,
        }
    }

    async fn post(&self) -> Result<Bytes> {
        let body = encode_batch(&self.batch)?;
        let call = self.transport.call(body, Idempotency::Write);
        let answer = call.await?;
        match serde_json::from_slice::<IgnoredAny>(&answer) {
            Ok(_) => Ok(answer),
            Err(error) => Err(Error::decode("the answer to a commit", &error).lost()),
        }
    }
}

/// The result of one operation, as servers write it.
#[derive(Serialize)]
struct OperationResult<'a> {
    action: &'a str,
    data: Value,
}

/// Returns what a server answers that confirms exactly what was sent.
fn answer_made_of(schemas: &SchemaSet, batch: &[Operation]) -> Result<Bytes> {
    let results: Vec<_> = batch
        .iter()
        .map(|operation| OperationResult {
            action: operation.action(),
            data: match operation {
                Operation::Create(write) | Operation::Update(write) => written(schemas, write),
                Operation::Delete { .. } => Value::Bool(true),
                Operation::Query { .. } | Operation::Other { .. } => Value::Null,
            },
        })
        .collect();
    encode_batch(&results)
}

/// Returns an entity with its key and what was written.
fn written(schemas: &SchemaSet, write: &Write) -> Value {
    let mut written = write.clone();
    if let Some(entity_type) = schemas.find(&write.entity_type) {
        for (attribute, value) in entity_type.primary_key.iter().zip(&write.entity_key) {
            written.set(
                entity_type.attribute(*attribute).name.clone(),
                value.clone(),
            );
        }
    }
    Value::Entity(EntityData {
        entity_type: written.entity_type,
        attributes: written.attributes,
    })
}
