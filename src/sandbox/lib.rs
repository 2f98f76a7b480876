//! An embedded stand-in ftrack server.

pub mod error;
