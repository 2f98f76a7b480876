//! An embedded stand-in ftrack server.

pub mod error;
pub mod media;
pub mod schema;
pub mod store;
