//! A small site that the tests share.

use std::sync::Arc;

use ftrack_client::identity_map::IdentityMap;
use ftrack_client::schema_set::SchemaSet;

/// What `query_schemas` answers on that site.
pub const JSON: &str = r#"[
    {"id":"User","primary_key":["id"],"default_projections":["id","username"],"properties":{
        "id":{"type":"string","default":"{uid}"},"username":{"type":"string"},"is_active":{"type":"boolean","default":true}}},
    {"id":"Status","primary_key":["id"],"default_projections":["id","name"],"properties":{
        "id":{"type":"string","default":"{uid}"},"name":{"type":"string"},"sort":{"type":"integer"}}},
    {"id":"Metadata","primary_key":["parent_id","key"],"default_projections":["parent_id","key","value"],"properties":{
        "parent_id":{"type":"string"},"key":{"type":"string"},"value":{"type":"string"}}},
    {"id":"Task","primary_key":["id"],"immutable":["id"],"default_projections":["id","name"],"properties":{
        "id":{"type":"string","default":"{uid}"},"name":{"type":"string"},"bid":{"type":"number"},"link":{"type":"object"},
        "end_date":{"type":"string","format":"date-time"},"status_id":{"type":"string"},
        "status":{"$ref":"Status"},"parent":{"$ref":"Task"},"children":{"type":"array","items":{"$ref":"Task"}},
        "metadata":{"type":"mapped_array","items":{"$ref":"Metadata"}}}}
]"#;

/// Makes the schemas.
pub fn set() -> Arc<SchemaSet> {
    SchemaSet::from_json(JSON.as_bytes()).unwrap()
}

/// Makes an empty map of these schemas.
pub fn map() -> Arc<IdentityMap> {
    IdentityMap::new(set())
}
