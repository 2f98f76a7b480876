//! Who sends a request, and with which key.

use std::fmt;

use axum::http::HeaderMap;
use hmac::digest::CtOutput;
use rusqlite::{Connection, OptionalExtension, named_params};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::app::{App, Caller, UsedKey};
use crate::error::ApiError;
use crate::operations::assumed_user;

/// The credentials of the plain GET endpoints, which clients put into the URL.
#[derive(Deserialize)]
pub struct UrlCredentials {
    username: Option<String>,
    #[serde(rename = "apiKey")]
    api_key: Option<String>,
}

/// A user name and a key that belong together.
#[derive(Clone)]
pub struct Credentials {
    /// The name of the user.
    pub username: String,
    /// The key.
    pub api_key: String,
}

/// Leaves the key out.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Returns the credentials of `username`, or of any active user who has a key, if there is one.
pub fn find_credentials(
    database: &Connection,
    username: &str,
) -> Result<Option<Credentials>, ApiError> {
    let sql = "select username, key from private_api_key join resource on resource.id = user_id
               join api_key on api_key.id = api_key_id where is_active order by username <> ?1, username limit 1";
    let found = database.query_row(sql, [username], |row| {
        Ok(Credentials {
            username: row.get(0)?,
            api_key: row.get(1)?,
        })
    });
    Ok(found.optional()?)
}

/// Checks the `ftrack-user` and `ftrack-api-key` headers of an API call, and finds out whom the caller acts as.
pub async fn from_headers(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    };
    let caller = check(app, text("ftrack-user"), text("ftrack-api-key")).await?;
    let Some(session) = assumed_user::session(headers).map(str::to_owned) else {
        return Ok(caller);
    };
    app.store
        .read(move |database| assumed_user::acting(database, caller, &session))
        .await
}

/// Checks the `username` and `apiKey` of a plain GET request.
pub async fn from_url(app: &App, credentials: &UrlCredentials) -> Result<Caller, ApiError> {
    check(
        app,
        credentials.username.as_deref(),
        credentials.api_key.as_deref(),
    )
    .await
}

/// Answers the same for an unknown user, an inactive one and a wrong key.
pub async fn check(
    app: &App,
    username: Option<&str>,
    key: Option<&str>,
) -> Result<Caller, ApiError> {
    let (Some(username), Some(key)) = (username, key) else {
        return Err(ApiError::invalid_credentials());
    };
    let (username, key) = (username.to_owned(), key.to_owned());
    app.store
        .read(move |database| find_caller(database, username, &key))
        .await
}

fn find_caller(database: &Connection, username: String, key: &str) -> Result<Caller, ApiError> {
    let mut users = database.prepare_cached(
        "select id from resource where resource_type = 'user' and username = :username and is_active",
    )?;
    let user: Option<String> = users
        .query_row(named_params! {":username": username}, |row| row.get(0))
        .optional()?;
    let user_id = user.ok_or_else(ApiError::invalid_credentials)?;
    let key = find_key(database, &user_id, key)?.ok_or_else(ApiError::invalid_credentials)?;
    Ok(Caller {
        user_id,
        username,
        key: Some(key),
        assumed_by: None,
    })
}

/// Finds a key among those of the user and the global ones. A key whose `ApiKey` was deleted is good no longer.
fn find_key(
    database: &Connection,
    user_id: &str,
    given: &str,
) -> Result<Option<UsedKey>, ApiError> {
    let mut keys = database.prepare_cached(
        "select key, api_key.id, user_id is null from private_api_key join api_key on api_key.id = api_key_id
         where user_id = :user or user_id is null",
    )?;
    let mut rows = keys.query(named_params! {":user": user_id})?;
    let mut found = None;
    while let Some(row) = rows.next()? {
        if equal(row.get_ref(0)?.as_str().unwrap_or_default(), given) {
            found = Some(UsedKey {
                id: row.get(1)?,
                is_global: row.get(2)?,
            });
        }
    }
    Ok(found)
}

/// Compares in a time that tells nothing about the texts: neither where they differ nor how long they are.
fn equal(known: &str, given: &str) -> bool {
    let digest = |text| CtOutput::<Sha256>::new(Sha256::digest(text));
    digest(known) == digest(given)
}
