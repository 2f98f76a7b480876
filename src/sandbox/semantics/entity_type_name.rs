//! Names of entity types inside values: clients say `Shot`, the database says `task`.

use ftrack_protocol::Value;
use rusqlite::types::Value as SqlValue;

use crate::schema::{Catalog, EntityType};

/// Returns the server's name of the type that a client calls `name`.
///
/// A name that is no entity type is kept, as it may be the server's already.
pub fn to_server(name: &str) -> String {
    let known = Catalog::get().entity_type(name).map(server_name);
    known.unwrap_or_else(|| name.to_owned())
}

/// Returns the server's name of a type: `task` for every typed context, `show` for projects.
pub fn server_name(entity_type: &EntityType) -> String {
    entity_type.server_name.to_lowercase()
}

/// Decodes the name that a client sent.
pub(super) fn decode(value: &Value) -> Option<SqlValue> {
    match value {
        Value::Null => Some(SqlValue::Null),
        Value::Text(name) => Some(SqlValue::Text(to_server(name))),
        _ => None,
    }
}
