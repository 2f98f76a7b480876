//! Publishes versions: whole, or not at all.
//!
//! A publish goes through four forms:
//!
//! 1. [`Description`]: what the caller wants, pure data.
//! 2. [`Findings`]: what the server has already, asked in two calls, and what is on disk.
//! 3. [`Plan`]: what will happen; a pure function of the two, which can be printed, drawn and checked for conflicts.
//! 4. [`Run`]: carries it out. The same calls of all versions are made together, and the last of them publishes everything in one transaction.
//!
//! # Layout
//! - `description`, `graph`, `files`, `media`: what is wanted, in which order, and the files
//! - `lookup`, `rows`, `planner`, `plan`, `estimate`: from there to the plan
//! - `table`, `mermaid`, `svg`: the plan for people
//! - `identity`, `seal`, `standing`: ids that follow from content, by which an earlier run of the same publish is found
//! - `run`, `sending`, `operations`, `encode`, `watch`, `error`: carrying it out
//! - `shard`: the byte work done by others

mod description;
mod encode;
mod error;
mod estimate;
mod files;
mod graph;
mod identity;
mod lookup;
mod media;
mod mermaid;
mod operations;
mod plan;
mod planner;
mod rows;
mod run;
mod seal;
mod sending;
mod shard;
mod standing;
mod svg;
mod table;
mod watch;

pub use description::{ComponentSpec, Description, Reference, Source, Target, Used, VersionSpec};
pub use error::{Failed, PublishError};
pub use files::{FileFacts, Files};
pub use graph::{Cycle, Graph};
pub use lookup::Findings;
pub use media::{Format, MediaInfo, MovieInfo};
pub use mermaid::mermaid;
pub use operations::Placement;
pub use plan::{
    Conflict, ConflictKind, Content, EncodeSource, Node, NodeKind, Plan, PlannedAsset,
    PlannedComponent, PlannedFile, PlannedVersion, SERVER_LOCATION, Step, Warning,
};
pub use planner::plan;
pub use run::{Noted, Published, PublishedVersion, Run, RunOptions};
pub use shard::{SentFile, Shard, ShardFile, ShardResult, split};
pub use svg::svg;
pub use table::table;
pub use watch::{NodeReport, NodeState, Watch};

use crate::transfer::Api;

/// Asks what is there and makes the plan; changes nothing.
pub async fn prepare(api: &dyn Api, description: &Description) -> Result<Plan, PublishError> {
    let findings = lookup::look_up(api, description).await?;
    Ok(plan(description, &findings))
}
