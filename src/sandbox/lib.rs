//! An embedded stand-in ftrack server.

pub mod app;
pub mod calls;
pub mod config;
pub mod controllers;
mod data_folder;
pub mod encode;
pub mod error;
pub mod media;
mod plan;
pub mod router;
pub mod schema;
pub mod semantics;
pub mod seed;
mod server;
pub mod store;

pub use config::{EncodingOptions, SandboxOptions};
pub use seed::Seed;
pub use server::{Sandbox, StartError};
