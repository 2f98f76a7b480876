//! `storage_usage`: how much the files of the server's own location take.

use serde_json::{Value, json};

use super::{Arguments, Reading};
use crate::error::ApiError;
use crate::media::files::SERVER_LOCATION;

/// Answers bytes and number of files.
///
/// Guess: the names in the answer. The limit is that of `query_server_information`: there is none.
pub(super) fn storage_usage(reading: &Reading<'_>, _: &Arguments) -> Result<Value, ApiError> {
    let sql = "select count(*), cast(coalesce(sum(component.size), 0) as integer) from component_location \
               join component on component.id = component_id where location_id = ?1";
    let (files, bytes): (i64, i64) = reading
        .connection
        .prepare_cached(sql)?
        .query_row([SERVER_LOCATION], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(json!({
        "action": "storage_usage",
        "data": {"used": bytes, "files": files, "limit": null},
    }))
}
