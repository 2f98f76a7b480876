//! An embedded stand-in ftrack server.

pub mod app;
pub mod calls;
pub mod config;
pub mod controllers;
pub mod error;
pub mod media;
pub mod router;
pub mod schema;
pub mod semantics;
mod server;
pub mod store;

pub use config::{EncodingOptions, SandboxOptions};
pub use server::{Sandbox, StartError};
