//! Every action that clients may ask for: its name, its members and what answers it.
//!
//! The names and members are those of ftrack's API documentation. Guess: the members it does not list, and most answers,
//! which it does not show. Any operation may hold a `metadata` object besides, which is ignored.

use super::{
    Outcome, Reading, Writing, api_keys,
    arguments::{Arguments, Kind, Member, Members, Misfit, misfits, optional, required},
    assumed_user, convert_entity, delayed_job, outbox, parse_query, permissions, rollups,
    security_roles, signed_url, storage_usage, two_factor, widgets,
};
use crate::error::ApiError;

/// Something that clients may ask for.
#[derive(Debug)]
pub struct Action {
    /// Its name.
    pub name: &'static str,
    members: &'static [Member],
    handler: Handler,
}

/// What answers an action.
#[derive(Debug, Clone, Copy)]
pub enum Handler {
    /// The batch itself, as the action is about entities or files.
    Batch,
    /// A search, which is answered as a query.
    Search,
    /// Something that changes nothing.
    Read(Answer),
    /// Something that may change the database.
    Write(CarryOut),
}

/// Answers an action that changes nothing.
pub type Answer = fn(&Reading<'_>, &Arguments) -> Result<serde_json::Value, ApiError>;

/// Carries out an action that may change the database.
pub type CarryOut = fn(&mut Writing<'_, '_>, &Arguments) -> Result<Outcome, ApiError>;

/// Returns the action called `name`.
pub fn find(name: &str) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.name == name)
}

impl Action {
    /// Returns what answers the action.
    pub fn handler(&self) -> Handler {
        self.handler
    }

    /// Returns what of `sent` the action does not take.
    pub fn misfits(&self, sent: &Members) -> Vec<Misfit> {
        misfits(self.members, sent)
    }
}

const fn batch(name: &'static str, members: &'static [Member]) -> Action {
    Action {
        name,
        members,
        handler: Handler::Batch,
    }
}

const fn read(name: &'static str, members: &'static [Member], answer: Answer) -> Action {
    Action {
        name,
        members,
        handler: Handler::Read(answer),
    }
}

const fn write(name: &'static str, members: &'static [Member], carry_out: CarryOut) -> Action {
    Action {
        name,
        members,
        handler: Handler::Write(carry_out),
    }
}

/// The actions on the roles of users share these.
const USER_ROLE: &[Member] = &[
    optional("user_id", Kind::Text),
    optional("role_id", Kind::Text),
    optional("new_role_id", Kind::Text),
    optional("project_id", Kind::Text),
    optional("all_open_projects", Kind::Flag),
];

const KEY_ROLE: &[Member] = &[
    optional("api_key_id", Kind::Text),
    optional("role_id", Kind::Text),
];

const KEY_PROJECT: &[Member] = &[
    optional("api_key_id", Kind::Text),
    optional("project_id", Kind::Text),
];

const ENTITY: [Member; 2] = [
    required("entity_type", Kind::Text),
    required("entity_key", Kind::Any),
];

/// Guess: members beside the ones that ftrack's web page asks its users for.
const SECOND_FACTOR: &[Member] = &[
    optional("user_id", Kind::Text),
    optional("code", Kind::TextOrNumber),
    optional("secret", Kind::TextOrNumber),
];

static ACTIONS: &[Action] = &[
    batch("query", &[required("expression", Kind::Text)]),
    batch("query_schemas", &[]),
    batch(
        "query_server_information",
        &[optional("values", Kind::Texts)],
    ),
    batch(
        "create",
        &[
            required("entity_type", Kind::Text),
            required("entity_data", Kind::Object),
        ],
    ),
    batch(
        "update",
        &[ENTITY[0], ENTITY[1], required("entity_data", Kind::Object)],
    ),
    batch("delete", &ENTITY),
    batch(
        "get_upload_metadata",
        &[
            required("component_id", Kind::Text),
            optional("file_name", Kind::Text),
            optional("file_size", Kind::Number),
            optional("checksum", Kind::Text),
            optional("parts", Kind::Number),
        ],
    ),
    batch(
        "complete_multipart_upload",
        &[
            required("component_id", Kind::Text),
            required("upload_id", Kind::Text),
            required("parts", Kind::List),
        ],
    ),
    batch(
        "encode_media",
        &[
            required("component_id", Kind::Text),
            optional("version_id", Kind::Text),
            optional("keep_original", Kind::Flag),
        ],
    ),
    Action {
        name: "search",
        members: &[
            optional("expression", Kind::Text),
            optional("entity_type", Kind::Text),
            required("terms", Kind::Texts),
            // ftrack's documentation lets this be true or false as well, and does not say what that means.
            optional("context_id", Kind::Any),
            optional("project_id", Kind::Text),
            optional("object_type_ids", Kind::Texts),
        ],
        handler: Handler::Search,
    },
    read(
        "parse_query",
        &[required("expression", Kind::Text)],
        parse_query::parse_query,
    ),
    read("permissions", &[], permissions::permissions),
    read(
        "_authorize_operation",
        &[optional("data", Kind::Any)],
        permissions::authorize_operation,
    ),
    read("_track_usage", &[], permissions::track_usage),
    read("storage_usage", &[], storage_usage::storage_usage),
    read(
        "compute_rollups",
        &[optional("entity_type", Kind::Text)],
        rollups::compute_rollups,
    ),
    read(
        "generate_signed_url",
        &[required("component_id", Kind::Text)],
        signed_url::generate_signed_url,
    ),
    read(
        "get_widget_url",
        &[
            required("name", Kind::Text),
            optional("theme", Kind::Text),
            optional("entity_type", Kind::Text),
            optional("entity_key", Kind::Any),
        ],
        widgets::get_widget_url,
    ),
    read("generate_totp", &[], two_factor::generate_totp),
    write("configure_totp", SECOND_FACTOR, two_factor::configure_totp),
    write("configure_otp", SECOND_FACTOR, two_factor::configure_otp),
    write("disable_2fa", SECOND_FACTOR, two_factor::disable_2fa),
    write(
        "reset_remote",
        &[
            // Texts that are no type of reset, and what is no text, answer an error object.
            required("reset_type", Kind::Any),
            optional("entity_type", Kind::Text),
            optional("entity_key", Kind::Any),
            optional("entity_data", Kind::Object),
        ],
        api_keys::reset_remote,
    ),
    write(
        "grant_api_key_security_role",
        KEY_ROLE,
        api_keys::grant_security_role,
    ),
    write(
        "revoke_api_key_security_role",
        KEY_ROLE,
        api_keys::revoke_security_role,
    ),
    write(
        "grant_api_key_project",
        KEY_PROJECT,
        api_keys::grant_project,
    ),
    write(
        "revoke_api_key_project",
        KEY_PROJECT,
        api_keys::revoke_project,
    ),
    write("add_user_security_role", USER_ROLE, security_roles::add),
    write(
        "remove_user_security_role",
        USER_ROLE,
        security_roles::remove,
    ),
    // The examples of ftrack's documentation use this name for it.
    write(
        "revoke_user_security_role",
        USER_ROLE,
        security_roles::remove,
    ),
    write(
        "update_user_security_role",
        USER_ROLE,
        security_roles::update,
    ),
    write(
        "grant_user_security_role_project",
        USER_ROLE,
        security_roles::grant_project,
    ),
    write(
        "revoke_user_security_role_project",
        USER_ROLE,
        security_roles::revoke_project,
    ),
    write(
        "send_user_invite",
        &[required("user_id", Kind::Text)],
        outbox::send_user_invite,
    ),
    write(
        "send_review_session_invite",
        &[required("review_session_invitee_id", Kind::Text)],
        outbox::send_review_session_invite,
    ),
    write(
        "assume_user",
        &[
            required("user_id", Kind::Text),
            optional("read_only", Kind::Flag),
        ],
        assumed_user::assume_user,
    ),
    write("un_assume_user", &[], assumed_user::un_assume_user),
    write(
        "delayed_job",
        &[required("job_type", Kind::Text)],
        delayed_job::delayed_job,
    ),
    write(
        "convert_entity",
        &[
            optional("entity_type", Kind::Text),
            required("entity_key", Kind::Any),
            required("object_type_id", Kind::Text),
        ],
        convert_entity::convert_entity,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_action_is_declared_twice() {
        let mut names: Vec<_> = ACTIONS.iter().map(|action| action.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
