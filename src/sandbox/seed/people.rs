//! The user who signs in, and the people of the studio.

use rusqlite::{Connection, OptionalExtension as _};

use super::{id, rows::Rows, site};
use crate::{
    error::ApiError,
    operations::api_keys::{self, Owner},
};

/// The people of the studio, by department: first and last names.
const DEPARTMENTS: &[(&str, &[(&str, &str)])] = &[
    (
        "Animation",
        &[
            ("Astrid", "Lindqvist"),
            ("Benoît", "Marchand"),
            ("Chidi", "Okafor"),
            ("Daniela", "Rossi"),
            ("Emre", "Yıldız"),
            ("Fatima", "Haddad"),
        ],
    ),
    (
        "Compositing",
        &[
            ("Grace", "Kim"),
            ("Hiroshi", "Tanaka"),
            ("Isabel", "Fernández"),
            ("Jonas", "Weber"),
            ("Kavya", "Iyer"),
            ("Liam", "O'Connor"),
        ],
    ),
    (
        "Lighting",
        &[
            ("Maja", "Nowak"),
            ("Noah", "Andersen"),
            ("Olga", "Petrova"),
            ("Pedro", "Silva"),
            ("Quentin", "Dubois"),
            ("Rosa", "Jiménez"),
        ],
    ),
    (
        "Assets",
        &[
            ("Samuel", "Adeyemi"),
            ("Tove", "Karlsson"),
            ("Uma", "Krishnan"),
            ("Viktor", "Horváth"),
            ("Wei", "Chen"),
            ("Xenia", "Papadopoulou"),
        ],
    ),
    (
        "Production",
        &[
            ("Yusuf", "Demir"),
            ("Zoë", "Williams"),
            ("Anna", "Schneider"),
            ("Bruno", "Almeida"),
            ("Clara", "Jensen"),
            ("David", "Cohen"),
        ],
    ),
];

/// Somebody of the studio.
pub(super) struct Artist {
    pub id: String,
    pub department: &'static str,
}

const COLUMNS: &[&str] = &[
    "id",
    "resource_type",
    "username",
    "first_name",
    "last_name",
    "email",
    "is_active",
    "require_details_update",
    "is_otp_enabled",
    "is_totp_enabled",
    "user_type_id",
];

/// Inserts the user who signs in, with a new API key, and returns the user's id.
pub(super) fn insert_api_user(connection: &Connection, username: &str) -> Result<String, ApiError> {
    let id = id::of(&["User", username]);
    insert_user(
        connection,
        &id,
        username,
        ("Api", "User"),
        site::ADMINISTRATOR,
    )?;
    api_keys::issue(connection, Owner::User(&id))?;
    Ok(id)
}

/// Lets a user sign in again who was deactivated, renamed or deleted, or whose keys were.
pub(super) fn admit(connection: &Connection, username: &str) -> Result<(), ApiError> {
    let id = id::of(&["User", username]);
    let known = "select id from resource where resource_type = 'user' and (username = ?1 or id = ?2) \
                 order by username <> ?1 limit 1";
    let known: Option<String> = connection
        .query_row(known, [username, &id], |row| row.get(0))
        .optional()?;
    let Some(user) = known else {
        insert_api_user(connection, username)?;
        return Ok(());
    };
    let activate = "update resource set username = ?1, is_active = true where id = ?2";
    connection.execute(activate, [username, &user])?;
    let has_key = "select exists (select 1 from private_api_key join api_key on api_key.id = api_key_id \
                   where user_id = ?1)";
    if !connection.query_row(has_key, [&user], |row| row.get(0))? {
        api_keys::issue(connection, Owner::User(&user))?;
    }
    Ok(())
}

/// Inserts the people of the studio, one group a department, and returns them.
pub(super) fn insert_artists(connection: &Connection) -> Result<Vec<Artist>, ApiError> {
    let mut artists = Vec::new();
    for (department, people) in DEPARTMENTS {
        let group = id::of(&["Group", department]);
        Rows::of(
            connection,
            "resource",
            &["id", "resource_type", "name", "local"],
        )?
        .add((&group, "group", department, true))?;
        for (first, last) in *people {
            let id = insert_artist(connection, department, first, last)?;
            artists.push(Artist { id, department });
        }
    }
    Ok(artists)
}

/// Inserts somebody into the group of a department that there is, and returns the id.
pub(super) fn insert_artist(
    connection: &Connection,
    department: &str,
    first: &str,
    last: &str,
) -> Result<String, ApiError> {
    let username = username(first, last);
    let id = id::of(&["User", &username]);
    insert_user(connection, &id, &username, (first, last), site::ARTIST)?;
    Rows::of(connection, "membership", &["id", "group_id", "user_id"])?.add((
        id::of(&["Membership", department, &username]),
        id::of(&["Group", department]),
        &id,
    ))?;
    Ok(id)
}

fn insert_user(
    connection: &Connection,
    id: &str,
    username: &str,
    (first, last): (&str, &str),
    role: &str,
) -> Result<(), ApiError> {
    let email = format!("{username}@studio.example");
    let user_type = crate::semantics::USER_TYPE;
    let mut rows = Rows::of(connection, "resource", COLUMNS)?;
    rows.add((
        id, "user", username, first, last, email, true, false, false, false, user_type,
    ))?;
    let columns = ["id", "user_id", "security_role_id", "is_all_open_projects"];
    let mut rows = Rows::of(connection, "user_security_role", &columns)?;
    rows.add((
        id::of(&["UserSecurityRole", username]),
        id,
        site::role(role),
        true,
    ))
}

/// `Zoë Williams` signs in as `zoe.williams`.
fn username(first: &str, last: &str) -> String {
    format!("{first}.{last}")
        .to_lowercase()
        .chars()
        .filter_map(plain)
        .collect()
}

fn plain(letter: char) -> Option<char> {
    Some(match letter {
        'á' => 'a',
        'é' | 'ë' => 'e',
        'î' | 'ı' => 'i',
        '\'' => return None,
        other => other,
    })
}
