//! Hostile bodies for the decoder of API calls: no panic, no endless run.
//!
//! A few hundred cases run with the other tests; `make fuzz` runs a million, within a limit of memory.

use std::time::{Duration, Instant};

use ftrack_sandbox::controllers::operation::decode;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

/// Longer than any body here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(5);

const ACTIONS: &[&str] = &[
    "query",
    "search",
    "create",
    "update",
    "delete",
    "query_schemas",
    "query_server_information",
    "get_upload_metadata",
    "complete_multipart_upload",
    "encode_media",
    "get_widget_url",
    "reset_remote",
    "delayed_job",
    "compute_rollups",
    "permissions",
    "no such action",
];

const MEMBERS: &[&str] = &[
    "action",
    "expression",
    "entity_type",
    "entity_key",
    "entity_data",
    "__entity_type__",
    "__type__",
    "value",
    "values",
    "terms",
    "component_id",
    "file_name",
    "file_size",
    "checksum",
    "parts",
    "part_number",
    "e_tag",
    "upload_id",
    "job_type",
    "metadata",
];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        select(ACTIONS).prop_map(Value::from),
        select(vec![
            "Task",
            "datetime",
            "date",
            "2024-02-30T25:61:61Z",
            "0001-01-01",
            ""
        ])
        .prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let temporal = scalar().prop_map(|value| json!({"__type__": "datetime", "value": value}));
    let leaf = prop_oneof![5 => scalar(), 1 => temporal];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            object(inner),
        ]
    })
}

fn object(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let name = prop_oneof![9 => select(MEMBERS).prop_map(str::to_owned), 1 => any::<String>()];
    vec((name, values), 0..6).prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn operation() -> impl Strategy<Value = Value> {
    let member = (select(MEMBERS), value());
    (select(ACTIONS), vec(member, 0..6)).prop_map(|(action, members)| {
        let mut operation = Map::new();
        operation.insert("action".to_owned(), action.into());
        for (name, value) in members {
            operation.insert(name.to_owned(), value);
        }
        Value::Object(operation)
    })
}

/// Bodies that are right as JSON, and such with bytes overwritten, nested beyond all measure or cut off.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let whole = prop_oneof![
        8 => vec(operation(), 0..4).prop_map(Value::from),
        1 => value(),
    ];
    let nesting = prop_oneof![9 => Just(0_usize), 1 => 1..5000_usize];
    let overwritten = vec((any::<Index>(), any::<u8>()), 0..3);
    let kept = prop_oneof![3 => Just(None), 1 => any::<Index>().prop_map(Some)];
    (whole, nesting, overwritten, kept).prop_map(|(whole, nesting, overwritten, kept)| {
        let mut body = whole.to_string().into_bytes();
        for (place, byte) in overwritten {
            let at = place.index(body.len());
            body[at] = byte;
        }
        if nesting > 0 {
            let at = body.len() / 2;
            body.splice(
                at..at,
                "[{\"entity_data\":".bytes().cycle().take(nesting * 15),
            );
        }
        if let Some(kept) = kept {
            body.truncate(kept.index(body.len()));
        }
        body
    })
}

proptest! {
    #[test]
    fn fuzz_the_operation_decoder(body in prop_oneof![9 => body(), 1 => vec(any::<u8>(), 0..200)]) {
        let start = Instant::now();
        if let Err(malformed) = decode(&body) {
            prop_assert!(!malformed.faults.is_empty());
            prop_assert!(malformed.faults.iter().all(|fault| !fault.message.is_empty()));
        }
        prop_assert!(start.elapsed() < PATIENCE);
    }
}
