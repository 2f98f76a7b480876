//! How long a page of a query takes from bytes to states.

#![expect(clippy::expect_used, reason = "a benchmark without its data must stop")]

use std::fmt::Write as _;
use std::sync::Arc;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use ftrack_client::identity_map::IdentityMap;
use ftrack_client::merge::merge_query_answer;
use ftrack_client::schema_set::SchemaSet;

const ROWS: usize = 500;

const SCHEMAS: &str = r#"[
    {"id":"Status","primary_key":["id"],"properties":{"id":{"type":"string"},"name":{"type":"string"}}},
    {"id":"Type","primary_key":["id"],"properties":{"id":{"type":"string"},"name":{"type":"string"}}},
    {"id":"Shot","primary_key":["id"],"properties":{"id":{"type":"string"},"name":{"type":"string"}}},
    {"id":"Task","primary_key":["id"],"properties":{
        "id":{"type":"string"},"name":{"type":"string"},"bid":{"type":"number"},"description":{"type":"string"},
        "end_date":{"type":"string","format":"date-time"},
        "status":{"$ref":"Status"},"type":{"$ref":"Type"},"parent":{"$ref":"Shot"}}}
]"#;

/// Writes a page of tasks with eight attributes, three of them references, as a server does.
fn page() -> String {
    let mut rows = Vec::with_capacity(ROWS);
    for row in 0..ROWS {
        let mut text = String::new();
        let _ = write!(
            text,
            r#"{{"__entity_type__":"Task","id":"44dd9fb2-4164-11df-9218-{row:012}","name":"task {row}","bid":{row}.5,"description":"",
            "end_date":{{"__type__":"datetime","value":"2022-10-10T10:12:09"}},
            "status":{{"__entity_type__":"Status","id":"44ddd0fe-4164-11df-9218-{:012}","name":"In progress"}},
            "type":{{"__entity_type__":"Type","id":"44dc53c8-4164-11df-9218-{:012}","name":"Modeling"}},
            "parent":{{"__entity_type__":"Shot","id":"54dc53c8-4164-11df-9218-{:012}","name":"shot {}"}}}}"#,
            row % 5,
            row % 7,
            row / 10,
            row / 10,
        );
        rows.push(text);
    }
    let rows = rows.join(",");
    format!(r#"[{{"action":"query","data":[{rows}],"metadata":{{"next":{{"offset":null}}}}}}]"#)
}

fn main() {
    divan::main();
}

fn schemas() -> Arc<SchemaSet> {
    SchemaSet::from_json(SCHEMAS.as_bytes()).expect("the schemas are valid")
}

#[divan::bench]
fn page_of_new_tasks(bencher: Bencher<'_, '_>) {
    let (schemas, page) = (schemas(), page());
    bencher
        .counter(ItemsCount::new(ROWS))
        .with_inputs(|| IdentityMap::new(schemas.clone()))
        .bench_refs(|map| {
            merge_query_answer(map, black_box(page.as_bytes())).expect("the page is valid")
        });
}

#[divan::bench]
fn page_of_known_tasks(bencher: Bencher<'_, '_>) {
    let (map, page) = (IdentityMap::new(schemas()), page());
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        merge_query_answer(&map, black_box(page.as_bytes())).expect("the page is valid")
    });
}
