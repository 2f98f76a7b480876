//! The Python extension module `ftrack_rs._core`: a translation of the client and the sandbox, no logic.
//!
//! # Layout
//! - [`entity`], [`entity_map`], [`attribute_names`]: handles to entities, and the identity map they look into
//! - [`convert`]: values between Python, the identity map and the wire
//! - [`client`], [`batch`], [`transfer`], [`pages`], [`upload_metadata`], [`reader`], [`passed_files`], [`transfer_control`], [`journal`]: calls, commits, and files
//! - [`events`], [`expression`]: the connection to the event server, and who wants which events
//! - [`publish`]: plans and runs of the publishing graph
//! - [`blocking`], [`fork`], [`error`], [`imports`]: waiting without holding up Python, forks of the process, failures as Python's exceptions, and what is looked up in it
//! - [`preflight`], [`query`], [`schema`], [`sequence`], [`sandbox`]: what else the package needs of the crates

mod attribute_names;
mod batch;
mod blocking;
mod client;
mod convert;
mod entity;
mod entity_map;
mod error;
mod events;
mod expression;
mod fork;
mod imports;
mod journal;
mod pages;
mod passed_files;
mod preflight;
mod publish;
mod query;
mod reader;
mod sandbox;
mod schema;
mod sequence;
mod transfer;
mod transfer_control;
mod upload_metadata;

use pyo3::prelude::*;

/// Native part of `ftrack_rs`.
#[pymodule(gil_used = false)]
mod _core {
    #[pymodule_export]
    use crate::batch::Batch;
    #[pymodule_export]
    use crate::client::Client;
    #[pymodule_export]
    use crate::entity::{EntityHandle, new_uuid};
    #[pymodule_export]
    use crate::entity_map::EntityMap;
    #[pymodule_export]
    use crate::events::EventConnection;
    #[pymodule_export]
    use crate::expression::{EventExpression, EventExpressions, MatchingExpressions};
    #[pymodule_export]
    use crate::journal::{Journal, TransferIntent};
    #[pymodule_export]
    use crate::pages::Pages;
    #[pymodule_export]
    use crate::passed_files::PassedFiles;
    #[pymodule_export]
    use crate::preflight::inspect_frames;
    #[pymodule_export]
    use crate::publish::{PublishPlan, PublishRun, run_shard};
    #[pymodule_export]
    use crate::query::quoted;
    #[pymodule_export]
    use crate::reader::ContentReader;
    #[pymodule_export]
    use crate::sandbox::{NativeSandbox, draw_frames};
    #[pymodule_export]
    use crate::schema::SchemaSet;
    #[pymodule_export]
    use crate::sequence::{Sequence, parse_sequence};
    #[pymodule_export]
    use crate::transfer::copy_files;
    #[pymodule_export]
    use crate::transfer_control::TransferControl;

    /// Version of the distribution.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    /// Whether this is a build without optimisation.
    #[pymodule_export]
    const IS_DEBUG_BUILD: bool = cfg!(debug_assertions);
}
