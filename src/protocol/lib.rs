//! What ftrack clients and servers speak: values, operations, schemas and queries. Pure data, no I/O.
//!
//! # Layout
//! - [`Value`], [`EntityData`], [`DateTime`]: attribute values and their JSON encoding
//! - [`EntityKey`]: the identity of an entity
//! - [`Operation`]: what one call to `/api` asks for
//! - [`query`]: the query language
//! - [`Event`], [`expression`], [`socketio`]: events, whom they are for, and how they travel
//! - [`Schema`]: the entity types of a site, as `query_schemas` answers them

mod datetime;
mod event;
pub mod expression;
mod identity;
mod operation;
pub mod query;
mod schema;
pub mod socketio;
mod value;

pub use datetime::{DateTime, DateTimeError};
pub use event::Event;
pub use identity::EntityKey;
pub use operation::{Operation, Write};
pub use schema::{Items, Property, Schema};
pub use value::{ENTITY_TYPE_KEY, EntityData, TYPE_KEY, Value};
