//! The event server: who is connected, who wants which events, and what the server itself has to tell.
//!
//! - [`EventHub`]: the entrance; publishing, connecting, faults
//! - `handshakes`: admission tickets between handshake and websocket
//! - `routes`: subscriptions, indexed; decides who gets an event
//! - `connection`: one websocket and its packets
//! - `outbox`: what waits to be sent to one client, within a limit
//! - [`record`]: what went by, for the log
//! - [`update`]: the `ftrack.update` events, of committed batches and of finished encodes

mod changed_entities;
mod connection;
mod handshakes;
mod hub;
mod outbox;
mod parents;
pub mod record;
mod routes;
pub mod update;

pub use connection::serve;
pub use handshakes::Ticket;
pub use hub::EventHub;
pub use record::EventRecord;
