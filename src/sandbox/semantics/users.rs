//! Users and groups.

use crate::{error::ApiError, operations::api_keys};

use super::{create::NewEntity, row::Row, unit_of_work::UnitOfWork};

/// The type of every user that nobody gave another.
pub(crate) const USER_TYPE: &str = "ac9fa5aa-4361-11e0-b7cc-0019bb4983d8";

pub(super) fn before_create(new: &mut NewEntity) {
    match new.entity_type.name.as_str() {
        "User" => complete_user(&mut new.row),
        "Group" => new.row.set_default("local", 1),
        _ => {}
    }
}

/// Users made through the API cannot sign in until somebody activates them.
fn complete_user(row: &mut Row) {
    for flag in [
        "is_active",
        "require_details_update",
        "is_otp_enabled",
        "is_totp_enabled",
    ] {
        row.set_default(flag, 0);
    }
    row.set_default("user_type_id", USER_TYPE.to_owned());
    // Guess: ftrack names such a user somehow, as clients create users without a name and read one back.
    let id = row.get("id").clone();
    row.set_default("username", id);
}

/// The keys of a user go with the user.
pub(super) fn after_delete(work: &UnitOfWork<'_>, user: &Row) -> Result<(), ApiError> {
    let id = user.text("id").unwrap_or_default();
    api_keys::revoke_all(work.connection, id)
}
