//! Acting as somebody else: `assume_user` and `un_assume_user`.
//!
//! ftrack keeps the assumed user in the session, which is named by a cookie. So does the sandbox: requests that bring the
//! cookie back are the assumed user's, all others stay with the user whose key they have.

use axum::http::{HeaderMap, header};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::json;
use uuid::Uuid;

use super::{Arguments, Outcome, Writing, permissions};
use crate::{
    app::{AssumedBy, Caller, UsedKey},
    error::{ApiError, ErrorKind},
};

/// Guess: the name of the cookie.
const COOKIE: &str = "ftrack_session";

/// Answers `assume_user`: the session is the other user's from the next request on, for reading unless told otherwise.
pub(super) fn assume_user(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let connection = writing.work.connection;
    let caller = &writing.batch.caller;
    if !permissions::is_administrator(connection, caller)? {
        let content = "Only administrators may act as another user.";
        return Err(ApiError::permission(content));
    }
    let user = arguments.text("user_id")?;
    let sql = "select exists (select 1 from resource where id = ?1 and resource_type = 'user' and is_active)";
    let is_active: bool = connection.query_row(sql, [user], |row| row.get(0))?;
    if !is_active {
        let content = format!("User({user}) does not exist or is not active.");
        return Err(ApiError::new(ErrorKind::NotFound, content));
    }
    let session = Uuid::new_v4().simple().to_string();
    let read_only = arguments.flag("read_only").unwrap_or(true);
    let sql = "insert into private_session (id, user_id, assumed_id, is_read_only) values (?1, ?2, ?3, ?4)";
    connection.execute(sql, params![session, caller.user_id, user, read_only])?;
    // A page of another site must not bring the cookie along, and no script needs to read it.
    writing.batch.cookie = Some(format!(
        "{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax"
    ));
    Ok(Outcome::Json(
        json!({"action": "assume_user", "data": true}),
    ))
}

/// Answers `un_assume_user`: the session is the caller's own again.
pub(super) fn un_assume_user(
    writing: &mut Writing<'_, '_>,
    _: &Arguments,
) -> Result<Outcome, ApiError> {
    if let Some(assumed) = &writing.batch.caller.assumed_by {
        let sql = "delete from private_session where id = ?1";
        writing.work.connection.execute(sql, [&assumed.session])?;
        writing.batch.cookie = Some(format!("{COOKIE}=; Path=/; Max-Age=0"));
    }
    Ok(Outcome::Json(
        json!({"action": "un_assume_user", "data": true}),
    ))
}

/// Returns the session that a request names, if any.
pub fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter();
    let mut pairs = cookies
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == COOKIE).then_some(value))
}

/// Returns whom a request acts as: in a session that `caller` began, the assumed user.
pub fn acting(connection: &Connection, caller: Caller, session: &str) -> Result<Caller, ApiError> {
    let sql = "select assumed_id, username, is_read_only from private_session \
               join resource on resource.id = assumed_id \
               where private_session.id = ?1 and user_id = ?2 and is_active";
    let assumed = connection
        .prepare_cached(sql)?
        .query_row([session, caller.user_id.as_str()], |row| {
            Ok(Caller {
                user_id: row.get(0)?,
                username: row.get(1)?,
                // The roles that count are the assumed user's.
                key: caller.key.clone().map(|key| UsedKey {
                    is_global: false,
                    ..key
                }),
                assumed_by: Some(AssumedBy {
                    user_id: caller.user_id.clone(),
                    session: session.to_owned(),
                    is_read_only: row.get(2)?,
                }),
            })
        })
        .optional()?;
    Ok(assumed.unwrap_or(caller))
}
