//! What makes a database an ftrack server: defaults, derived values, cascades and rules.
//!
//! Writes of one batch share a [`UnitOfWork`]. [`create`], [`update`] and [`delete`] do what all entity types have in
//! common, driven by the catalog; `hooks` says, table by table, which subject has rules of its own:
//!
//! - `contexts`, `assets`, `components`, `notes`, `time`, `users`, ...: the rules, by subject
//! - `computed_*`: derived values and relations, as SQL
//! - `assign`: `entity_data` to columns and members; `collections`: replaces members
//! - `cascades`: what goes with a deleted row; `checks`: what is checked when the batch is complete

mod assets;
mod assign;
mod cascades;
mod checks;
mod collections;
mod components;
pub(crate) mod computed_custom_attributes;
pub(crate) mod computed_hierarchy;
pub(crate) mod computed_media;
pub(crate) mod computed_time;
pub(crate) mod computed_versions;
mod contexts;
mod convert;
mod create;
mod custom_attribute_links;
mod custom_attributes;
mod delete;
pub mod entity_type_name;
mod hooks;
mod jobs;
mod lists;
mod locations;
mod notes;
mod review_sessions;
mod row;
mod status_changes;
mod time;
mod unit_of_work;
mod update;
mod users;
mod workflow;

pub use convert::convert;
pub use create::create;
pub use delete::delete;
pub use unit_of_work::{Change, ChangeAction, ChangedColumn, UnitOfWork, WriteAnswer, decode_key};
pub use update::update;
pub(crate) use users::USER_TYPE;
