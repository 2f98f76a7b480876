//! A client of ftrack without Python.
//!
//! ```no_run
//! # async fn example() -> ftrack_client::error::Result<()> {
//! use ftrack_client::config::Config;
//! use ftrack_client::session::{Session, SessionOptions};
//!
//! let mut session = Session::connect(Config::from_env()?, SessionOptions::default()).await?;
//! let shot = session.query("Shot where name is \"sh010\"")?.one().await?;
//! let task = session.create("Task", [("name", "comp")])?;
//! session.set(&task, "parent", &shot)?;
//! session.commit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//! - [`session::Session`], [`entity::Entity`]: what applications use; wires the rest together
//! - [`config`], [`error`], [`runtime`], [`fork_gate`], [`transport`]: the way to the server
//! - [`schema_set`], [`schema_cache`]: the entity types of a site
//! - [`identity_map`], [`entity_state`], [`merge`]: what is known of entities
//! - [`unit_of_work`], [`coalesce`], [`commit`]: changes on their way to the server
//! - [`query`], [`paging`], [`populate`]: expressions and pages
//! - [`event_hub`]: the connection to the event server
//! - [`sequence`], [`checksum`], [`transfer`]: files and their bytes
//! - [`publish`]: versions with all that belongs to them, whole or not at all

pub mod checksum;
pub mod coalesce;
pub mod commit;
pub mod config;
pub mod entity;
pub mod entity_state;
pub mod error;
pub mod event_hub;
mod fill;
pub mod fork_gate;
pub mod identity_map;
pub mod merge;
pub mod paging;
pub mod populate;
pub mod publish;
pub mod query;
mod retry;
pub mod runtime;
pub mod schema_cache;
pub mod schema_set;
pub mod sequence;
pub mod session;
pub mod transfer;
pub mod transport;
pub mod unit_of_work;
