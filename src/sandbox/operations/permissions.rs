//! What callers may do.
//!
//! The sandbox keeps roles but refuses nobody for the lack of one, save who wants to act as somebody else: tests that need a
//! refusal ask for it as a fault.

use rusqlite::Connection;
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

/// A global key has roles of its own; the user's do not count then.
fn roles(connection: &Connection, caller: &Caller) -> Result<Vec<String>, ApiError> {
    let (sql, id) = match caller.key.as_ref().filter(|key| key.is_global) {
        Some(key) => (
            "select name from private_api_key_role join security_role on id = security_role_id \
             where api_key_id = ?1 order by name",
            &key.id,
        ),
        None => (
            "select distinct name from user_security_role \
             join security_role on security_role.id = security_role_id \
             where user_id = ?1 order by name",
            &caller.user_id,
        ),
    };
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([id], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
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
