//! What callers may do.
//!
//! Roles count in two places: only administrators act as somebody else, and custom attributes are for the roles that their
//! configuration names. Nobody is refused anything else for the lack of a role: tests that need a refusal ask for it as a
//! fault.

use rusqlite::{Connection, OptionalExtension as _};
use serde_json::{Value, json};

use super::{Arguments, Reading};
use crate::{app::Caller, error::ApiError};

/// The name of the role that may do everything.
const ADMINISTRATOR: &str = "Administrator";

/// Answers the security roles of the caller.
///
/// Guess: the form of the answer.
pub(super) fn permissions(reading: &Reading<'_>, _: &Arguments) -> Result<Value, ApiError> {
    Ok(json!({
        "action": "permissions",
        "data": summary(reading.connection, reading.caller)?,
    }))
}

/// Returns the roles of the caller and whether one of them may do everything.
pub fn summary(connection: &Connection, caller: &Caller) -> Result<Value, ApiError> {
    let roles = roles(connection, caller)?;
    let is_administrator = roles.iter().any(|role| role == ADMINISTRATOR);
    Ok(json!({"roles": roles, "is_administrator": is_administrator}))
}

/// Returns whether the caller may do everything.
pub fn is_administrator(connection: &Connection, caller: &Caller) -> Result<bool, ApiError> {
    let roles = roles(connection, caller)?;
    Ok(roles.iter().any(|role| role == ADMINISTRATOR))
}

fn roles(connection: &Connection, caller: &Caller) -> Result<Vec<String>, ApiError> {
    let (roles, holder) = held_roles(caller);
    let sql = format!("select name from security_role where id in ({roles}) order by name");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([holder], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns a query for the ids of the caller's roles, and who holds them, which is its parameter.
///
/// A global key has roles of its own; the user's do not count then.
fn held_roles(caller: &Caller) -> (&'static str, &str) {
    match caller.key.as_ref().filter(|key| key.is_global) {
        Some(key) => (
            "select security_role_id from private_api_key_role where api_key_id = ?1",
            &key.id,
        ),
        None => (
            "select security_role_id from user_security_role where user_id = ?1",
            &caller.user_id,
        ),
    }
}

/// Returns the configurations of custom attributes that the caller does not get to see, by id.
///
/// Guess: administrators see all of them; ftrack's documentation has new ones without roles hidden from everybody.
pub fn hidden_attributes(
    connection: &Connection,
    caller: &Caller,
) -> Result<Vec<String>, ApiError> {
    if is_administrator(connection, caller)? {
        return Ok(Vec::new());
    }
    let (roles, holder) = held_roles(caller);
    let sql = format!(
        "select id from custom_attribute_configuration where id not in (\
         select configuration_id from configuration_read_role where security_role_id in ({roles}))"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([holder], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Refuses whoever may not set the custom attribute of a configuration.
///
/// Guess: the text, and that administrators may set all of them. Whether the configuration exists is not asked here.
pub fn check_attribute_writable(
    connection: &Connection,
    caller: &Caller,
    configuration: Option<&str>,
) -> Result<(), ApiError> {
    if is_administrator(connection, caller)? {
        return Ok(());
    }
    let (roles, holder) = held_roles(caller);
    let sql = format!(
        "select \"key\" from custom_attribute_configuration where id = ?2 and id not in (\
         select configuration_id from configuration_write_role where security_role_id in ({roles}))"
    );
    let key: Option<Option<String>> = connection
        .prepare_cached(&sql)?
        .query_row((holder, configuration), |row| row.get(0))
        .optional()?;
    match key {
        None => Ok(()),
        Some(key) => Err(ApiError::permission(format!(
            "None of your security roles may set the custom attribute \"{}\".",
            key.unwrap_or_default()
        ))),
    }
}

/// Answers `_authorize_operation`: whoever has a key may do it.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all actions answer whether they refuse"
)]
pub(super) fn authorize_operation(_: &Reading<'_>, _: &Arguments) -> Result<Value, ApiError> {
    Ok(json!({"action": "_authorize_operation", "data": true}))
}

/// Answers `_track_usage`, by which clients tell what they are; nobody listens.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all actions answer whether they refuse"
)]
pub(super) fn track_usage(_: &Reading<'_>, _: &Arguments) -> Result<Value, ApiError> {
    Ok(json!({"action": "_track_usage", "data": true}))
}
