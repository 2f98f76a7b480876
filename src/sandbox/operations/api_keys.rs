//! API keys: a personal one for each user, and global ones that sign in anybody.
//!
//! The secret of a key lies in a table of its own, which no query reaches; the `ApiKey` that clients see has the first
//! characters only.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::json;
use uuid::Uuid;

use super::{Arguments, Outcome, Writing, outbox};
use crate::error::ApiError;

/// How many characters of a key its entity shows.
const PREFIX: usize = 8;

/// Whom a key signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner<'a> {
    /// One user, by id.
    User(&'a str),
    /// Any active user; the text says what the key is for.
    Anybody(&'a str),
}

/// A key that has just been made.
#[derive(Debug)]
pub struct NewKey {
    /// The id of its `ApiKey`.
    pub id: String,
    /// The secret.
    pub key: String,
}

/// Makes a key.
pub fn issue(connection: &Connection, owner: Owner<'_>) -> Result<NewKey, ApiError> {
    let new = NewKey {
        id: Uuid::new_v4().to_string(),
        key: Uuid::new_v4().simple().to_string(),
    };
    let (identifier, user) = match owner {
        Owner::User(user) => (None, Some(user)),
        Owner::Anybody(identifier) => (Some(identifier), None),
    };
    let sql = "insert into api_key (id, identifier, resource_id, prefix) values (?1, ?2, ?3, ?4)";
    let prefix = &new.key[..PREFIX];
    connection.execute(sql, params![new.id, identifier, user, prefix])?;
    store_secret(connection, &new, user)?;
    Ok(new)
}

/// Takes all personal keys from a user.
pub fn revoke_all(connection: &Connection, user: &str) -> Result<(), ApiError> {
    connection.execute("delete from private_api_key where user_id = ?1", [user])?;
    connection.execute("delete from api_key where resource_id = ?1", [user])?;
    Ok(())
}

/// Answers `reset_remote`: a new key or a new password for a user, or a new secret for a global key.
///
/// What was valid before is valid no longer. Guess: without an entity the caller is meant, and a global key that is
/// named by its `identifier` only is made new.
pub(super) fn reset_remote(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let entity_type = arguments.optional_text("entity_type").unwrap_or("User");
    let data = match (arguments.optional_text("reset_type"), entity_type) {
        (Some("api_key"), "User") => {
            let user = user_of(writing, arguments)?;
            revoke_all(writing.work.connection, &user)?;
            let new = issue(writing.work.connection, Owner::User(&user))?;
            json!({"api_key": new.key})
        }
        (Some("api_key"), "ApiKey") => {
            let new = renew_global(writing.work.connection, arguments)?;
            json!({"api_key": new.key, "id": new.id})
        }
        (Some("password"), "User") => {
            let user = user_of(writing, arguments)?;
            outbox::send_new_password(writing, &user)?;
            json!({})
        }
        (_, "User" | "ApiKey") => {
            let content = "What can be reset is 'api_key' or 'password'.";
            return Err(ApiError::validation(content));
        }
        (_, other) => {
            let content = format!("A {other} has nothing to reset.");
            return Err(ApiError::validation(content));
        }
    };
    Ok(Outcome::Json(
        json!({"action": "reset_remote", "data": data}),
    ))
}

/// Answers `grant_api_key_security_role`.
pub(super) fn grant_security_role(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let link = ROLES.link(writing.work.connection, arguments)?;
    link.add(writing.work.connection)?;
    Ok(done("grant_api_key_security_role"))
}

/// Answers `revoke_api_key_security_role`.
pub(super) fn revoke_security_role(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let link = ROLES.link(writing.work.connection, arguments)?;
    link.remove(writing.work.connection)?;
    Ok(done("revoke_api_key_security_role"))
}

/// Answers `grant_api_key_project`.
pub(super) fn grant_project(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let link = PROJECTS.link(writing.work.connection, arguments)?;
    link.add(writing.work.connection)?;
    Ok(done("grant_api_key_project"))
}

/// Answers `revoke_api_key_project`.
pub(super) fn revoke_project(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let link = PROJECTS.link(writing.work.connection, arguments)?;
    link.remove(writing.work.connection)?;
    Ok(done("revoke_api_key_project"))
}

fn store_secret(connection: &Connection, new: &NewKey, user: Option<&str>) -> Result<(), ApiError> {
    let sql = "insert into private_api_key (key, api_key_id, user_id) values (?1, ?2, ?3)";
    connection.execute(sql, params![new.key, new.id, user])?;
    Ok(())
}

fn user_of(writing: &Writing<'_, '_>, arguments: &Arguments) -> Result<String, ApiError> {
    let user = match arguments.key("entity_key").as_slice() {
        [] => writing.batch.caller.user_id.clone(),
        [user] => (*user).to_owned(),
        _ => return Err(ApiError::validation("The key of a User is [id].")),
    };
    let sql = "select exists (select 1 from resource where id = ?1 and resource_type = 'user')";
    check_exists(writing.work.connection, sql, "User", &user)?;
    Ok(user)
}

fn renew_global(connection: &Connection, arguments: &Arguments) -> Result<NewKey, ApiError> {
    let identifier = arguments.get("entity_data")["identifier"].as_str();
    let [id] = arguments.key("entity_key")[..] else {
        let identifier = identifier.ok_or_else(|| {
            ApiError::validation("An ApiKey needs an identifier, or a key to find it by.")
        })?;
        return issue(connection, Owner::Anybody(identifier));
    };
    let owner: Option<Option<String>> = connection
        .query_row(
            "select resource_id from api_key where id = ?1",
            [id],
            |row| row.get(0),
        )
        .optional()?;
    let owner =
        owner.ok_or_else(|| ApiError::not_found(format!("ApiKey({id}) does not exist.")))?;
    connection.execute("delete from private_api_key where api_key_id = ?1", [id])?;
    let new = NewKey {
        id: id.to_owned(),
        key: Uuid::new_v4().simple().to_string(),
    };
    let sql = "update api_key set prefix = ?2, identifier = coalesce(?3, identifier) where id = ?1";
    connection.execute(sql, params![id, &new.key[..PREFIX], identifier])?;
    store_secret(connection, &new, owner.as_deref())?;
    Ok(new)
}

/// What a key is linked with: the table of the pairs, and where the other half comes from.
struct Grant {
    table: &'static str,
    column: &'static str,
    member: &'static str,
    exists: &'static str,
    noun: &'static str,
}

const ROLES: Grant = Grant {
    table: "private_api_key_role",
    column: "security_role_id",
    member: "role_id",
    exists: "select exists (select 1 from security_role where id = ?1)",
    noun: "SecurityRole",
};

const PROJECTS: Grant = Grant {
    table: "private_api_key_project",
    column: "project_id",
    member: "project_id",
    exists: "select exists (select 1 from context where id = ?1 and context_type = 'show')",
    noun: "Project",
};

/// One key and what it is linked with.
struct Link<'a> {
    grant: &'static Grant,
    api_key: &'a str,
    other: &'a str,
}

impl Grant {
    fn link<'a>(
        &'static self,
        connection: &Connection,
        arguments: &'a Arguments,
    ) -> Result<Link<'a>, ApiError> {
        let link = Link {
            grant: self,
            api_key: arguments.text("api_key_id")?,
            other: arguments.text(self.member)?,
        };
        let key = "select exists (select 1 from api_key where id = ?1)";
        check_exists(connection, key, "ApiKey", link.api_key)?;
        check_exists(connection, self.exists, self.noun, link.other)?;
        Ok(link)
    }
}

impl Link<'_> {
    fn add(&self, connection: &Connection) -> Result<(), ApiError> {
        let Grant { table, column, .. } = self.grant;
        let sql = format!("insert or ignore into {table} (api_key_id, {column}) values (?1, ?2)");
        connection.execute(&sql, [self.api_key, self.other])?;
        Ok(())
    }

    fn remove(&self, connection: &Connection) -> Result<(), ApiError> {
        let Grant { table, column, .. } = self.grant;
        let sql = format!("delete from {table} where api_key_id = ?1 and {column} = ?2");
        connection.execute(&sql, [self.api_key, self.other])?;
        Ok(())
    }
}

fn check_exists(connection: &Connection, sql: &str, noun: &str, id: &str) -> Result<(), ApiError> {
    let exists: bool = connection
        .prepare_cached(sql)?
        .query_row([id], |row| row.get(0))?;
    exists
        .then_some(())
        .ok_or_else(|| ApiError::not_found(format!("{noun}({id}) does not exist.")))
}

fn done(action: &str) -> Outcome {
    Outcome::Json(json!({"action": action, "data": true}))
}
