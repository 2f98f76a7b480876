//! What clients ask for besides entities and files: search, keys, roles, invites, widgets and the like.
//!
//! `actions` lists every action of the API. The other modules answer those that the batch does not answer itself, one
//! module a subject.

mod actions;
pub mod api_keys;
mod arguments;
pub mod assumed_user;
mod convert_entity;
mod delayed_job;
pub mod outbox;
mod parse_query;
pub mod permissions;
mod rollups;
mod search;
mod security_roles;
pub mod signed_text;
pub mod signed_url;
mod storage_usage;
mod totp;
mod two_factor;
pub mod widgets;

use ftrack_protocol::{Value, Write};
use rusqlite::Connection;

use crate::{
    app::{App, Batch, Caller},
    semantics::{UnitOfWork, WriteAnswer},
};

pub use actions::{Action, Answer, CarryOut, Handler, find};
pub use arguments::{Arguments, Members};
pub use search::search_query;

/// What an operation that changes nothing has at hand.
pub struct Reading<'a> {
    /// A snapshot of the database, or the transaction of the batch.
    pub connection: &'a Connection,
    /// The server.
    pub app: &'a App,
    /// Who asks.
    pub caller: &'a Caller,
}

/// What an operation that changes something has at hand.
pub struct Writing<'w, 'c> {
    /// The writes of the batch.
    pub work: &'w mut UnitOfWork<'c>,
    /// The batch.
    pub batch: &'w mut Batch,
}

/// What an operation answers.
#[derive(Debug)]
pub enum Outcome {
    /// The whole result.
    Json(serde_json::Value),
    /// An entity, which is the `data` of the result.
    Entity(WriteAnswer),
}

/// Describes the entity that a create or update is about.
pub fn entity<const N: usize>(
    entity_type: &str,
    key: &[&str],
    attributes: [(&str, Value); N],
) -> Write {
    let attributes = attributes.into_iter();
    Write {
        entity_type: entity_type.into(),
        entity_key: key.iter().map(|&value| value.into()).collect(),
        attributes: attributes
            .map(|(name, value)| (name.into(), value))
            .collect(),
    }
}
