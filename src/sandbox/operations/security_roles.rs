//! The security roles of users: which they have, and on which projects.
//!
//! The roles are entities like all others, so that clients can query them and the event server tells of them.

use rusqlite::{OptionalExtension as _, Params};
use serde_json::json;
use uuid::Uuid;

use super::{Arguments, Outcome, Writing, entity};
use crate::{error::ApiError, semantics};
use ftrack_protocol::Value;

/// Answers `add_user_security_role`.
///
/// Guess: a role that is added without a project is valid on all open projects, and one the user has stays as it is.
pub(super) fn add(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let (user, role) = user_and_role(writing, arguments)?;
    let project = arguments.optional_text("project_id");
    let link = if let Some(link) = find(writing, user, role)? {
        link
    } else {
        let everywhere = arguments.flag("all_open_projects");
        create(writing, user, role, everywhere.unwrap_or(project.is_none()))?
    };
    if let Some(project) = project {
        grant(writing, &link, project)?;
    }
    Ok(done("add_user_security_role"))
}

/// Answers `remove_user_security_role`, and `revoke_user_security_role` as well.
pub(super) fn remove(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let (user, role) = user_and_role(writing, arguments)?;
    let link = held(writing, user, role)?;
    semantics::delete(writing.work, "UserSecurityRole", &[link.as_str().into()])?;
    Ok(done("remove_user_security_role"))
}

/// Answers `update_user_security_role`: another role in place of the one named, or on all open projects or not.
pub(super) fn update(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let (user, role) = user_and_role(writing, arguments)?;
    let link = held(writing, user, role)?;
    if let Some(new_role) = arguments.optional_text("new_role_id") {
        let changes = [("security_role_id", new_role.into())];
        semantics::update(writing.work, &entity("UserSecurityRole", &[&link], changes))?;
    }
    if let Some(everywhere) = arguments.flag("all_open_projects") {
        let changes = [("is_all_open_projects", Value::Bool(everywhere))];
        semantics::update(writing.work, &entity("UserSecurityRole", &[&link], changes))?;
    }
    Ok(done("update_user_security_role"))
}

/// Answers `grant_user_security_role_project`.
///
/// Guess: whoever lacks the role gets it, for this project.
pub(super) fn grant_project(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let (user, role) = user_and_role(writing, arguments)?;
    let project = arguments.text("project_id")?;
    let link = match find(writing, user, role)? {
        Some(link) => link,
        None => create(writing, user, role, false)?,
    };
    grant(writing, &link, project)?;
    Ok(done("grant_user_security_role_project"))
}

/// Answers `revoke_user_security_role_project`.
pub(super) fn revoke_project(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let (user, role) = user_and_role(writing, arguments)?;
    let project = arguments.text("project_id")?;
    let link = held(writing, user, role)?;
    let granted = find_grant(writing, &link, project)?
        .ok_or_else(|| ApiError::not_found("The role is not granted on the project.".to_owned()))?;
    let key = [granted.as_str().into()];
    semantics::delete(writing.work, "UserSecurityRoleProject", &key)?;
    Ok(done("revoke_user_security_role_project"))
}

/// The members are not required by the body, but nothing can be done without them.
fn user_and_role<'a>(
    writing: &Writing<'_, '_>,
    arguments: &'a Arguments,
) -> Result<(&'a str, &'a str), ApiError> {
    let user = arguments.text("user_id")?;
    let role = arguments.text("role_id")?;
    let sql = "select id from resource where id = ?1 and resource_type = 'user'";
    if id_of(writing, sql, [user])?.is_none() {
        return Err(ApiError::not_found(format!("User({user}) does not exist.")));
    }
    Ok((user, role))
}

fn held(writing: &Writing<'_, '_>, user: &str, role: &str) -> Result<String, ApiError> {
    find(writing, user, role)?
        .ok_or_else(|| ApiError::not_found("The user does not have the role.".to_owned()))
}

fn find(writing: &Writing<'_, '_>, user: &str, role: &str) -> Result<Option<String>, ApiError> {
    let sql = "select id from user_security_role where user_id = ?1 and security_role_id = ?2";
    id_of(writing, sql, [user, role])
}

fn find_grant(
    writing: &Writing<'_, '_>,
    link: &str,
    project: &str,
) -> Result<Option<String>, ApiError> {
    let sql = "select id from user_security_role_project \
               where user_security_role_id = ?1 and project_id = ?2";
    id_of(writing, sql, [link, project])
}

fn id_of(
    writing: &Writing<'_, '_>,
    sql: &str,
    parameters: impl Params,
) -> Result<Option<String>, ApiError> {
    let mut statement = writing.work.connection.prepare_cached(sql)?;
    let id = statement.query_row(parameters, |row| row.get(0));
    Ok(id.optional()?)
}

fn create(
    writing: &mut Writing<'_, '_>,
    user: &str,
    role: &str,
    everywhere: bool,
) -> Result<String, ApiError> {
    let id = Uuid::new_v4().to_string();
    let attributes = [
        ("user_id", user.into()),
        ("security_role_id", role.into()),
        ("is_all_open_projects", Value::Bool(everywhere)),
    ];
    semantics::create(
        writing.work,
        &entity("UserSecurityRole", &[&id], attributes),
    )?;
    Ok(id)
}

/// Granting once more changes nothing.
fn grant(writing: &mut Writing<'_, '_>, link: &str, project: &str) -> Result<(), ApiError> {
    if find_grant(writing, link, project)?.is_some() {
        return Ok(());
    }
    let id = Uuid::new_v4().to_string();
    let attributes = [
        ("user_security_role_id", link.into()),
        ("project_id", project.into()),
    ];
    let write = entity("UserSecurityRoleProject", &[&id], attributes);
    semantics::create(writing.work, &write)?;
    Ok(())
}

fn done(action: &str) -> Outcome {
    Outcome::Json(json!({"action": action, "data": true}))
}
