//! An embedded stand-in ftrack server: the HTTP API on SQLite, files on disk, media encoded for browsers.
//!
//! [`Sandbox::start`] runs a server inside the process, on threads of its own, and answers a handle with its URL and
//! credentials. The official clients work with it as with a real site.
//!
//! # Layout
//! - `server`: starts and stops; `data_folder`: where everything is kept; [`config`]: the choices
//! - [`app`]: what requests share; [`router`]: every route; [`controllers`]: what answers them; [`calls`]: their log, a [`log`]
//! - [`schema`]: the catalog of entity types, from which tables and the `query_schemas` answer are made
//! - [`store`]: one SQLite file, one writer, several readers; [`seed`]: what a new one holds
//! - `plan`: query expressions to SQL; [`encode`]: rows to answers
//! - `snapshot`: the whole state as a folder, and the way back to the first one
//! - [`semantics`]: what ftrack does when entities are created, updated and deleted
//! - [`operations`]: what clients ask for besides: search, keys, roles, invites, widgets
//! - [`faults`]: what goes wrong when a test asks for it
//! - [`media`]: files, signed uploads, thumbnails and encoding

pub mod app;
mod body;
pub mod calls;
pub mod config;
pub mod controllers;
mod data_folder;
pub mod encode;
pub mod error;
pub mod events;
pub mod faults;
pub mod log;
pub mod media;
pub mod operations;
mod plan;
pub mod router;
pub mod schema;
pub mod seed;
pub mod semantics;
mod server;
mod snapshot;
pub mod store;

pub use calls::{CallFilter, CallRecord};
pub use config::{EncodingOptions, EventOptions, SandboxOptions};
pub use events::EventRecord;
pub use faults::{BodyPoint, Endpoint, Fault, FaultId, FaultKind, FaultParseError, FaultStatus};
pub use operations::outbox::Mail;
pub use seed::Seed;
pub use server::{Sandbox, StartError};
pub use snapshot::SnapshotError;
