//! The mails that ftrack would send: invites and new passwords, kept for whoever wants to read them.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use serde_json::json;

use super::{Arguments, Outcome, Writing};
use crate::error::ApiError;

/// A mail that was not sent, but kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mail {
    /// Why it was written: `user_invite`, `review_session_invite` or `new_password`.
    pub kind: String,
    /// The id of the user or invitee it is for.
    pub recipient_id: String,
    /// The address of the recipient, if there is one.
    pub address: Option<String>,
    /// The id of the user who had it sent.
    pub sender_id: String,
    /// When, as the database keeps moments.
    pub sent_at: String,
}

/// Returns all mails, oldest first.
pub fn mails(connection: &Connection) -> Result<Vec<Mail>, ApiError> {
    let sql =
        "select kind, recipient_id, address, sender_id, sent_at from private_outbox order by id";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(Mail {
            kind: row.get(0)?,
            recipient_id: row.get(1)?,
            address: row.get(2)?,
            sender_id: row.get(3)?,
            sent_at: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Answers `send_user_invite`.
pub(super) fn send_user_invite(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let user = arguments.text("user_id")?;
    send(writing, &USER, "user_invite", user)?;
    Ok(sent("send_user_invite"))
}

/// Answers `send_review_session_invite`.
pub(super) fn send_review_session_invite(
    writing: &mut Writing<'_, '_>,
    arguments: &Arguments,
) -> Result<Outcome, ApiError> {
    let invitee = arguments.text("review_session_invitee_id")?;
    send(writing, &INVITEE, "review_session_invite", invitee)?;
    Ok(sent("send_review_session_invite"))
}

/// Writes to a user whose password has been reset.
pub(super) fn send_new_password(writing: &mut Writing<'_, '_>, user: &str) -> Result<(), ApiError> {
    send(writing, &USER, "new_password", user)
}

/// Who can get mail.
struct Recipient {
    noun: &'static str,
    address: &'static str,
}

const USER: Recipient = Recipient {
    noun: "User",
    address: "select email from resource where id = ?1 and resource_type = 'user'",
};

const INVITEE: Recipient = Recipient {
    noun: "ReviewSessionInvitee",
    address: "select email from review_session_invitee where id = ?1",
};

/// Guess: ftrack does not mind that somebody has no address.
fn send(
    writing: &mut Writing<'_, '_>,
    recipient: &Recipient,
    kind: &str,
    id: &str,
) -> Result<(), ApiError> {
    let connection = writing.work.connection;
    let address: Option<Option<String>> = connection
        .prepare_cached(recipient.address)?
        .query_row([id], |row| row.get(0))
        .optional()?;
    let address = address
        .ok_or_else(|| ApiError::not_found(format!("{}({id}) does not exist.", recipient.noun)))?;
    let sql = "insert into private_outbox (kind, recipient_id, address, sender_id, sent_at) \
               values (?1, ?2, ?3, ?4, ?5)";
    let sender = &writing.batch.caller.user_id;
    connection.prepare_cached(sql)?.execute(params![
        kind,
        id,
        address,
        sender,
        writing.work.now()
    ])?;
    Ok(())
}

fn sent(action: &str) -> Outcome {
    Outcome::Json(json!({"action": action, "sent": true}))
}
