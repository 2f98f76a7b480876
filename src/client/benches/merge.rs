//! How long a page of a query takes from bytes to states.

#![expect(clippy::expect_used, reason = "a benchmark without its data must stop")]

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
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

fn merge(criterion: &mut Criterion) {
    let schemas = SchemaSet::from_json(SCHEMAS.as_bytes()).expect("the schemas are valid");
    let page = page();
    let mut group = criterion.benchmark_group("merge");
    group.throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("a page of new tasks", |bencher| {
        bencher.iter_batched_ref(
            || IdentityMap::new(schemas.clone()),
            |map| merge_query_answer(map, black_box(page.as_bytes())).expect("the page is valid"),
            BatchSize::LargeInput,
        );
    });
    let known = IdentityMap::new(schemas.clone());
    group.bench_function("a page of known tasks", |bencher| {
        bencher.iter(|| {
            merge_query_answer(&known, black_box(page.as_bytes())).expect("the page is valid")
        });
    });
    group.finish();
}

criterion_group!(benches, merge);
criterion_main!(benches);
