//! The data that a new server starts with.
//!
//! [`Seed::Empty`] is what every ftrack server has: the fixed ids that clients know by heart, a workflow, and one user
//! to sign in as. [`Seed::Studio`] adds projects, people and work, [`Seed::Feature`] a lot of it. Ids are fixed or follow
//! from names and numbers, so that the same data has the same ids everywhere.
//!
//! - `workflow`: object types, statuses, types, priorities and the project schemas that combine them
//! - `site`: locations, categories, asset types, roles, settings and custom attributes
//! - `people`: users and groups
//! - `files`: what versions consist of
//! - `studio`: two small projects
//! - `feature`: a large one

mod feature;
mod files;
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
    /// A feature film of about 200,000 entities; the number decides what differs between such films.
    Feature(u64),
}

/// A name that is no seed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no seed is called {name:?}; there are \"empty\", \"studio\" and \"feature\", also with a number such as \"feature:7\""
)]
pub struct SeedError {
    name: String,
}

impl FromStr for Seed {
    type Err = SeedError;

    fn from_str(name: &str) -> Result<Self, SeedError> {
        let unknown = || SeedError {
            name: name.to_owned(),
        };
        match name.split_once(':') {
            None if name == "empty" => Ok(Self::Empty),
            None if name == "studio" => Ok(Self::Studio),
            None if name == "feature" => Ok(Self::Feature(0)),
            Some(("feature", number)) => number.parse().map(Self::Feature).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

/// The `application_id` of databases that have been filled. Whatever clients delete, it stays.
const APPLIED: i32 = i32::from_be_bytes(*b"ftrs");

/// Returns whether a database has been filled; one that has users was, be it by a server that did not note it.
pub fn is_applied(transaction: &Transaction<'_>) -> Result<bool, ApiError> {
    let id: i32 = transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let sql = "select exists (select 1 from resource)";
    Ok(id == APPLIED || transaction.query_row(sql, [], |row| row.get(0))?)
}

/// Lets a user sign in again, or a new one of that name, with a new API key if there is none.
pub fn admit(transaction: &Transaction<'_>, username: &str) -> Result<(), ApiError> {
    people::admit(transaction, username)
}

/// Fills an empty database; `username` is who signs in, with a new API key.
pub fn apply(transaction: &Transaction<'_>, seed: Seed, username: &str) -> Result<(), ApiError> {
    transaction.pragma_update(None, "application_id", APPLIED)?;
    workflow::insert(transaction)?;
    site::insert(transaction)?;
    let api_user = people::insert_api_user(transaction, username)?;
    match seed {
        Seed::Empty => Ok(()),
        Seed::Studio => {
            let artists = people::insert_artists(transaction)?;
            studio::insert(transaction, &api_user, &artists)
        }
        Seed::Feature(number) => {
            let artists = people::insert_artists(transaction)?;
            feature::insert(transaction, &api_user, artists, number)
        }
    }
}
