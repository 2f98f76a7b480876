//! The data that a new server starts with.
//!
//! [`Seed::Empty`] is what every ftrack server has: the fixed ids that clients know by heart, a workflow, and one user
//! to sign in as. [`Seed::Studio`] adds projects, people and work. Ids are fixed or derived from names, so that the same
//! data has the same ids everywhere.
//!
//! - `workflow`: object types, statuses, types, priorities and the project schemas that combine them
//! - `site`: locations, categories, asset types, roles, settings and custom attributes
//! - `people`: users and groups
//! - `studio`: the projects

mod id;
mod people;
mod rows;
mod site;
mod studio;
mod workflow;

use std::str::FromStr;

use rusqlite::Transaction;

use crate::error::ApiError;

/// What a new server starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// What every server has.
    Empty,
    /// Two projects in the middle of their production.
    Studio,
}

/// A name that is no seed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no seed is called {name:?}; there are \"empty\" and \"studio\"")]
pub struct SeedError {
    name: String,
}

impl FromStr for Seed {
    type Err = SeedError;

    fn from_str(name: &str) -> Result<Self, SeedError> {
        match name {
            "empty" => Ok(Self::Empty),
            "studio" => Ok(Self::Studio),
            _ => Err(SeedError {
                name: name.to_owned(),
            }),
        }
    }
}

/// Fills an empty database; `username` is who signs in, with a new API key.
pub fn apply(transaction: &Transaction<'_>, seed: Seed, username: &str) -> Result<(), ApiError> {
    workflow::insert(transaction)?;
    site::insert(transaction)?;
    let api_user = people::insert_api_user(transaction, username)?;
    if seed == Seed::Studio {
        let artists = people::insert_artists(transaction)?;
        studio::insert(transaction, &api_user, &artists)?;
    }
    Ok(())
}
