//! The entity types of the server: what clients are told of them, and how they are stored.
//!
//! `types/*.schema` is the source, [`Catalog`] what the rest of the server reads.
//!
//! - `tokens`, `source`: from text to `declaration`s; the head of `source` documents the format
//! - `inherit`: every type with what it inherits
//! - `tables`: the tables that hold the rows, and their indexes
//! - `hierarchy`: who descends from whom, and how rows are told apart
//! - `relations`: every relation resolved to columns
//! - `build`: the catalog of all this
//! - `document`: the answer to `query_schemas`

mod build;
mod catalog;
mod declaration;
mod document;
mod error;
mod hierarchy;
mod inherit;
mod relations;
mod source;
mod tables;
mod tokens;

#[cfg(test)]
mod tests;

pub use catalog::{
    Attribute, AttributeKind, Catalog, Column, DataType, EntityType, Join, MappedKeys, Table,
    TableId, TypeId,
};
