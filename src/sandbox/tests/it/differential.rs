//! Random queries, answered by the server's planner and by a naive evaluator: same entities, same order.
//!
//! `PROPTEST_CASES` asks for more cases than the usual few hundred. The cases are the same in every run.

use ftrack_protocol::query::Query;
use ftrack_sandbox::encode::{ReadOptions, Seen, query};
use ftrack_sandbox::schema::{Catalog, EntityType};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rusqlite::Connection;
use rusqlite::types::Value;
use serde_json::Value as Json;

use crate::differential_queries::{Choices, Writer};
use crate::harness::start;
use crate::naive::{Database, find};

const CASES: u32 = 400;

/// What a tidy studio lacks: missing values, odd texts, logged time, files.
const MESS: &str = r#"
update context set status_id = null where rowid % 7 = 0 and context_type = 'task';
update context set priority_id = null, bid = null where rowid % 11 = 0;
update context set description = case rowid % 4 when 0 then null when 1 then '100%' when 2 then 'o''%"_\' else 'Zoë' end;
update context set name = upper(name) where rowid % 5 = 0;
update asset_version set task_id = null where rowid % 3 = 0;
update asset_version set is_published = 0 where rowid % 4 = 0;
update note set category_id = null where rowid % 2 = 0;
update resource set email = null where rowid % 3 = 0;
insert into timelog (id, name, comment, start, duration, user_id, context_id)
    select 'log-' || c.id || r.n, null, 'Comp', '2026-02-0' || r.n || 'T09:00:00', r.n * 900.5,
        (select id from resource where resource_type = 'user' limit 1), c.id
    from context c, (select 1 as n union select 2 union select 3) r where c.rowid % 6 = 0;
insert into component (id, system_type, name, size, file_type, version_id)
    select 'component-' || v.id, iif(v.rowid % 2, 'file', 'sequence'), 'main', v.rowid * 1000, '.exr', v.id
    from asset_version v;
insert into metadata (parent_id, parent_type, key, value)
    select id, 'task', 'colour', iif(rowid % 2, 'red', 'Blue') from context where rowid % 9 = 0;
insert into custom_attribute_configuration (id, configuration_kind, key, entity_type, is_hierarchical, type_id, "default")
    select name || '-of-all', 'value', name, 'show', 1, id, 'Some text' from custom_attribute_type where name in ('text', 'number');
insert into custom_attribute_configuration (id, configuration_kind, key, entity_type, is_hierarchical, type_id, "default")
    select 'of-' || kind, 'value', 'remark', kind, 0, id, iif(kind = 'user', 7, 'Some text')
    from custom_attribute_type, (select 'user' as kind union select 'list' union select 'assetversion') where name = 'text';
insert into custom_attribute_value (configuration_id, entity_id, entity_kind, value)
    select iif(rowid % 2, 'text-of-all', 'number-of-all'), id, 'context', iif(rowid % 2, 'RED', rowid)
    from context where rowid % 5 = 0;
"#;

/// The data of a server that has stopped, for the planner and for the evaluator.
fn studio() -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("studio.sqlite3");
    {
        let server = start();
        let original = Connection::open(server.data_dir().join("sandbox.sqlite3")).unwrap();
        original
            .execute("vacuum into ?", [copy.to_str().unwrap()])
            .unwrap();
    }
    let connection = Connection::open(copy).unwrap();
    connection.execute_batch(MESS).unwrap();
    rusqlite::vtab::array::load_module(&connection).unwrap();
    (folder, connection)
}

/// Returns the primary keys that the server answers a query with.
fn answer(connection: &Connection, entity_type: &EntityType, expression: &str) -> Vec<Vec<Value>> {
    let options = ReadOptions {
        strict: true,
        denormalize: true,
        base_url: String::new(),
        signer: None,
        hidden_attributes: Vec::new(),
    };
    let mut out = Vec::new();
    query(
        connection,
        expression,
        &options,
        &mut Seen::default(),
        &mut out,
    )
    .unwrap_or_else(|error| panic!("{expression}: {error}"));
    let answer: Json = serde_json::from_slice(&out).unwrap();
    let key = |entity: &Json| {
        let columns = entity_type.primary_key.iter();
        columns
            .map(|column| Value::Text(entity[column].as_str().unwrap().to_owned()))
            .collect()
    };
    answer["data"].as_array().unwrap().iter().map(key).collect()
}

fn check(
    connection: &Connection,
    database: &Database,
    query: &Query,
) -> Result<usize, TestCaseError> {
    let expression = query.to_string();
    let entity_type = Catalog::get().entity_type(&query.entity_type).unwrap();
    let expected = find(database, query);
    let found = answer(connection, entity_type, &expression);
    prop_assert_eq!(&found, &expected, "{}", expression);
    Ok(found.len())
}

#[test]
fn the_planner_finds_what_a_naive_evaluator_finds() {
    let (_folder, connection) = studio();
    let database = Database::load(&connection);
    let writer = Writer::new(&database);
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    let config = Config {
        cases: cases.unwrap_or(CASES),
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let hits = std::cell::Cell::new(0);
    let result = runner.run(&vec(any::<u32>(), 0..96), |numbers| {
        let query = writer.query(&mut Choices::new(numbers));
        let found = check(&connection, &database, &query)?;
        hits.set(hits.get() + u32::from(found > 0));
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    // Queries that find nothing prove little.
    assert!(
        hits.get() > cases.unwrap_or(CASES) / 4,
        "only {} found anything",
        hits.get()
    );
}
