//! The second factor at sign-in: codes of an authenticator app, or codes by mail.
//!
//! The sandbox has no sign-in page, so that nothing but the flags of the user tells of it; API keys never ask for it.

use serde_json::{Value as Json, json};

use ftrack_protocol::Value;

use super::{Arguments, Outcome, Reading, Writing, entity, permissions, totp};
use crate::{error::ApiError, semantics};

/// Answers a new secret, and the text that authenticator apps read from a picture. Nothing changes yet.
///
/// Guess: the names in the answer.
#[expect(
    clippy::unnecessary_wraps,
    reason = "all actions answer whether they refuse"
)]
pub(super) fn generate_totp(reading: &Reading<'_>, _: &Arguments) -> Result<Json, ApiError> {
    let secret = totp::new_secret();
    let user: String = reading
        .caller
        .username
        .replace([':', '/', '?', '&', ' '], "_");
    let uri = format!("otpauth://totp/ftrack:{user}?secret={secret}&issuer=ftrack");
    Ok(json!({
        "action": "generate_totp",
        "data": {"secret": secret, "provisioning_uri": uri},
    }))
}

/// Answers `configure_totp`: the app is the caller's second factor from now on.
pub(super) fn configure_totp(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    // The text of the first is ftrack's. Guess: the others.
    let code = text_or_number(arguments, "code")
        .ok_or_else(|| ApiError::validation("Code must be provided to enable totp."))?;
    let secret = text_or_number(arguments, "secret")
        .ok_or_else(|| ApiError::validation("Secret must be provided to enable totp."))?;
    if !totp::verify(&secret, &code) {
        return Err(ApiError::validation("The code does not match the secret."));
    }
    let user = writing.batch.caller.user_id.clone();
    let sql = "insert into private_totp (user_id, secret) values (?1, ?2) \
               on conflict (user_id) do update set secret = excluded.secret";
    writing.work.connection.execute(sql, [&user, &secret])?;
    set_factors(writing, &user, false, true)?;
    Ok(done("configure_totp"))
}

/// Answers `configure_otp`: codes by mail are the caller's second factor from now on.
pub(super) fn configure_otp(
    writing: &mut Writing<'_, '_>,
    _: &Arguments,
) -> Result<Outcome, ApiError> {
    let user = writing.batch.caller.user_id.clone();
    set_factors(writing, &user, true, false)?;
    Ok(done("configure_otp"))
}

/// Answers `disable_2fa`: neither factor is asked for.
///
/// Guess: administrators may do so for others, by `user_id`; everybody else may for themselves.
pub(super) fn disable_2fa(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let caller = &writing.batch.caller;
    let user = arguments
        .optional_text("user_id")
        .unwrap_or(&caller.user_id);
    let connection = writing.work.connection;
    if user != caller.user_id && !permissions::is_administrator(connection, caller)? {
        let content = "Only administrators may disable the second factor of others.";
        return Err(ApiError::permission(content));
    }
    let user = user.to_owned();
    connection.execute("delete from private_totp where user_id = ?1", [&user])?;
    set_factors(writing, &user, false, false)?;
    Ok(done("disable_2fa"))
}

fn text_or_number(arguments: &Arguments, name: &str) -> Option<String> {
    match arguments.get(name) {
        Json::String(text) => Some(text.clone()),
        // A number has lost its leading zeros.
        Json::Number(number) => Some(format!("{:0>6}", number.to_string())),
        _ => None,
    }
}

fn set_factors(
    writing: &mut Writing<'_, '_>,
    user: &str,
    by_mail: bool,
    by_app: bool,
) -> Result<(), ApiError> {
    let changes = [
        ("is_otp_enabled", Value::Bool(by_mail)),
        ("is_totp_enabled", Value::Bool(by_app)),
    ];
    semantics::update(writing.work, &entity("User", &[user], changes))?;
    Ok(())
}

fn done(action: &str) -> Outcome {
    Outcome::Json(json!({"action": action, "data": true}))
}
