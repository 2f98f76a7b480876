//! Answers `query_server_information`: facts that clients ask for before anything else.

use rusqlite::{Connection, OptionalExtension};
use serde_json::{Map, Value, json};

use crate::{
    error::ApiError,
    operations::{Reading, permissions},
    schema::Catalog,
};

/// The version of the server: clients refuse numbers below 3.3.11, and take anything that is no number.
pub const VERSION: &str = "dev";

/// What is answered when nothing special is asked for.
const USUAL: [&str; 4] = [
    "storage_scenario",
    "schema_hash",
    "version",
    "is_timezone_support_enabled",
];

/// Answers the facts in `values`, or the usual ones; facts that the server does not know are left out.
pub fn answer(reading: &Reading<'_>, values: Option<&[String]>) -> Result<Value, ApiError> {
    let names: Vec<&str> = match values {
        Some(names) => names.iter().map(String::as_str).collect(),
        None => USUAL.to_vec(),
    };
    let mut facts = Map::new();
    for name in names {
        if let Some(value) = fact(reading, name)? {
            facts.insert(name.to_owned(), value);
        }
    }
    Ok(Value::Object(facts))
}

fn fact(reading: &Reading<'_>, name: &str) -> Result<Option<Value>, ApiError> {
    Ok(match name {
        "storage_scenario" => Some(storage_scenario(reading.connection)?),
        "schema_hash" => Some(json!(Catalog::get().schema_hash())),
        "version" => Some(json!(VERSION)),
        "is_timezone_support_enabled" | "is_nested_subqueries_enabled" => Some(json!(true)),
        "display_week_numbers" | "display_task_dates_as_time" => Some(json!(false)),
        "preferred_language" => Some(json!("en")),
        "week_startday" => Some(json!(1)),
        "workday_length" => Some(json!(8 * 60 * 60)),
        "default_colors" | "license" => Some(json!([])),
        "custom_widget" | "product" => Some(json!({})),
        "storage_limit" => Some(Value::Null),
        "company_information" => Some(json!({"name": "ftrack-rs sandbox", "logo_url": null})),
        "user_information" => Some(user_information(reading)?),
        _ => None,
    })
}

/// Describes the caller.
///
/// Guess: what makes a user restricted; nobody is here.
fn user_information(reading: &Reading<'_>) -> Result<Value, ApiError> {
    let Reading {
        connection,
        app,
        caller,
    } = reading;
    let sql = "select first_name, last_name, thumbnail_id from resource where id = ?1";
    let (first_name, last_name, thumbnail_id): (Option<String>, Option<String>, Option<String>) =
        connection
            .prepare_cached(sql)?
            .query_row([&caller.user_id], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
    let thumbnail_url = match &thumbnail_id {
        Some(id) => format!("{}/component/thumbnail?id={id}", app.base_url),
        None => format!("{}/img/thumbnail2.png", app.base_url),
    };
    let key = caller.key.as_ref();
    Ok(json!({
        "id": caller.user_id,
        "username": caller.username,
        "first_name": first_name,
        "last_name": last_name,
        "thumbnail_id": thumbnail_id,
        "thumbnail_url": thumbnail_url,
        "restricted_user": false,
        "access_key_id": key.map(|key| &key.id),
        "is_global_access_key": key.is_some_and(|key| key.is_global),
        "permissions": permissions::summary(connection, caller)?,
    }))
}

/// The scenario is a setting, which clients may change.
fn storage_scenario(connection: &Connection) -> Result<Value, ApiError> {
    let sql = "select value from setting where \"group\" = 'STORAGE' and name = 'storage_scenario'";
    let setting: Option<Option<String>> = connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))
        .optional()?;
    let scenario = setting
        .flatten()
        .and_then(|text| serde_json::from_str(&text).ok());
    Ok(scenario.unwrap_or(Value::Null))
}
