//! API keys: users get new ones on request.

use ftrack_protocol::Value;
use rusqlite::{Connection, params};
use serde_json::json;
use uuid::Uuid;

use crate::error::ApiError;

/// Gives the user `key` a new API key or password, and answers it.
///
/// The old keys of the user are valid no longer. Guess: the answer to a new password, which ftrack sends by mail.
pub fn reset_credentials(
    connection: &Connection,
    reset_type: &Value,
    key: &[Value],
) -> Result<serde_json::Value, ApiError> {
    let user = user_id(connection, key)?;
    match reset_type.as_str() {
        Some("api_key") => {
            let api_key = Uuid::new_v4().simple().to_string();
            connection.execute("delete from private_api_key where user_id = ?1", [&user])?;
            let sql = "insert into private_api_key (key, user_id) values (?1, ?2)";
            connection.execute(sql, params![api_key, user])?;
            Ok(json!({"api_key": api_key}))
        }
        Some("password") => Ok(json!({})),
        _ => Err(ApiError::validation(
            "What can be reset is 'api_key' or 'password'.",
        )),
    }
}

fn user_id(connection: &Connection, key: &[Value]) -> Result<String, ApiError> {
    let [Value::Text(id)] = key else {
        return Err(ApiError::validation("The key of a User is [id]."));
    };
    let sql = "select exists (select 1 from resource where id = ?1 and resource_type = 'user')";
    let exists: bool = connection.query_row(sql, [&**id], |row| row.get(0))?;
    exists
        .then(|| id.to_string())
        .ok_or_else(|| ApiError::not_found(format!("User({id}) does not exist.")))
}
