//! How answers are written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::{QueryError, Seen, Site, query};
use crate::{
    encode::{Answers, query_within},
    schema::Catalog,
};

#[track_caller]
fn check(expression: &str, expected: &Value) {
    assert_eq!(Value::from(Site::new().query(expression)), *expected);
}

#[test]
fn an_entity_has_its_concrete_type_key_system_attributes_and_what_was_selected() {
    check(
        "select name, bid, created_at, status_id from TypedContext where id is T3",
        &json!([{
            "__entity_type__": "Task", "id": "T3",
            "context_type": "task", "object_type_id": "11c137c0-ee7e-4f9c-91c5-8c77cec22b2c", "project_id": "P",
            "name": "animation", "bid": 0.0, "status_id": null,
            "created_at": {"__type__": "datetime", "value": "2024-01-07T10:00:00"},
        }]),
    );
}

#[test]
fn an_entity_is_written_once_and_referred_to_afterwards() {
    check(
        "select status.name from Task where status is_not None or id is T3 order by status.name, id",
        &json!([
            {"__entity_type__": "Task", "id": "T3", "context_type": "task", "project_id": "P",
             "object_type_id": "11c137c0-ee7e-4f9c-91c5-8c77cec22b2c", "status": null},
            {"__entity_type__": "Task", "id": "T2", "context_type": "task", "project_id": "P",
             "object_type_id": "11c137c0-ee7e-4f9c-91c5-8c77cec22b2c",
             "status": {"__entity_type__": "Status", "id": "done", "name": "Done"}},
            {"__entity_type__": "Task", "id": "T1", "context_type": "task", "project_id": "P",
             "object_type_id": "11c137c0-ee7e-4f9c-91c5-8c77cec22b2c",
             "status": {"__entity_type__": "Status", "id": "todo", "name": "Not started"}},
        ]),
    );
    check(
        "select version, asset.versions.version from AssetVersion limit 1",
        &json!([{
            "__entity_type__": "AssetVersion", "id": "V1", "asset_id": "A", "version": 1,
            "asset": {"__entity_type__": "Asset", "id": "A", "context_id": "S1", "versions": [
                {"__entity_type__": "AssetVersion", "id": "V1"},
                {"__entity_type__": "AssetVersion", "id": "V2", "asset_id": "A", "version": 2},
                {"__entity_type__": "AssetVersion", "id": "V3", "asset_id": "A", "version": 3},
            ]},
        }]),
    );
}

#[test]
fn what_one_path_asks_for_is_not_lost_where_another_met_the_entity_first() {
    let rows = Site::new()
        .query("select parent.name, parent.children[Task].bid from Task where parent_id is S1");
    assert_eq!(rows[0]["bid"], 7200.0);
    assert_eq!(rows[0]["parent"]["children"][1]["bid"], 3600.5);
}

/// Returns what the answer tells of every entity, by its key; fails if one that occurred before is told of again.
fn told(rows: &[Value]) -> HashMap<String, Vec<String>> {
    fn walk(value: &Value, told: &mut HashMap<String, Vec<String>>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| walk(value, told)),
            Value::Object(entity) if entity.contains_key("__entity_type__") => {
                let key = entity["id"].as_str().unwrap().to_owned();
                if told.contains_key(&key) {
                    assert_eq!(entity.len(), 2, "{key} is told of twice");
                    return;
                }
                told.insert(key, entity.keys().cloned().collect());
                entity.values().for_each(|value| walk(value, told));
            }
            _ => {}
        }
    }
    let mut entities = HashMap::new();
    for row in rows {
        walk(row, &mut entities);
    }
    entities
}

#[test]
fn the_first_occurrence_of_an_entity_has_what_any_occurrence_wants() {
    let site = Site::new();
    for (expression, expected) in [
        (
            "select name, children[Task].bid, parent[Shot].status_id from TypedContext",
            "S1 name, S1 children, S1 parent, S1 status_id, T1 name, T1 bid, T1 children, T1 parent",
        ),
        (
            "select children[Task].bid, parent.children[Shot].sort from TypedContext order by name desc",
            "Q children, S2 sort, S2 parent, S2 children, T1 bid, T1 parent, T1 children",
        ),
        (
            "select name, children[Sequence].project.full_name, children[Sequence].children.name from Project",
            "P name, P full_name, P children, Q project, Q children, S1 name, S2 name",
        ),
        (
            "select version, asset.versions.task from AssetVersion",
            "V1 version, V1 asset, V1 task, V3 version, V3 asset, V3 task",
        ),
        (
            "select parent.children, parent[Shot].children.name from Task",
            "S1 children, S2 children, T1 name, T1 parent, T2 name, T3 name",
        ),
    ] {
        let told = told(&site.query(expression));
        for expected in expected.split(", ") {
            let (key, name) = expected.split_once(' ').unwrap();
            assert!(
                told[key].iter().any(|told| told == name),
                "{expression}: {expected}"
            );
        }
    }
}

/// Returns what an answer tells of every entity at any of its occurrences, by its key.
fn told_anywhere(rows: &[Value]) -> BTreeMap<String, BTreeSet<String>> {
    fn walk(value: &Value, told: &mut BTreeMap<String, BTreeSet<String>>) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| walk(value, told)),
            Value::Object(entity) => {
                let key = entity.get("id").map(Value::to_string).unwrap_or_default();
                let names = entity.keys().cloned();
                told.entry(key).or_default().extend(names);
                entity.values().for_each(|value| walk(value, told));
            }
            _ => {}
        }
    }
    let mut told = BTreeMap::new();
    for row in rows {
        walk(row, &mut told);
    }
    told
}

#[test]
fn references_leave_nothing_out_however_entities_lead_to_each_other() {
    let mut site = Site::new();
    site.connection
        .execute_batch(
            "insert into context (id, parent_id, project_id, context_type, object_type_id, name) \
             with recursive n(i) as (select 100 union all select i + 1 from n where i < 999) \
             select 'C' || i, 'C' || (i - 1), 'P', 'task', '11c137c0-ee7e-4f9c-91c5-8c77cec22b2c', 'c' || i from n",
        )
        .unwrap();
    for expression in [
        "select name, children.name from Task",
        "select name, children.children[Task].bid, parent.parent from Task",
        "select parent.children.name, parent[Task].children[Task].bid from Task",
        "select children[Task].children.name, children.children[Task].bid, children.parent from Task order by id desc",
        "select children.children, ancestors.status_id from TypedContext where name like '%5'",
    ] {
        site.options.denormalize = true;
        let complete = told_anywhere(&site.query(expression));
        site.options.denormalize = false;
        // Decoding it proves something, too: serde follows 128 levels.
        let normal = told_anywhere(&site.query(expression));
        for (key, names) in complete {
            assert!(normal[&key].is_superset(&names), "{expression}: {key}");
        }
    }
}

#[test]
fn what_two_casts_ask_for_is_one_relation() {
    let mut site = Site::new();
    for denormalize in [true, false] {
        site.options.denormalize = denormalize;
        let rows = site.query(
            "select parent.children.name, parent[Shot].children[Task].bid from Task where id is T3",
        );
        let child = if denormalize {
            &rows[0]["parent"]["children"][0]
        } else {
            &rows[0]
        };
        assert_eq!(
            (&child["name"], &child["bid"]),
            (&json!("animation"), &json!(0.0))
        );
    }
}

#[test]
fn denormalized_answers_have_no_references() {
    let mut site = Site::new();
    site.options.denormalize = true;
    let rows = site.query("select type.name from Task where type_id is anim");
    assert_eq!(rows[0]["type"]["name"], "Animation");
    assert_eq!(rows[1]["type"]["name"], "Animation");
}

#[test]
fn an_answer_is_no_larger_than_the_server_holds() {
    let mut site = Site::new();
    site.options.denormalize = true;
    let back_and_forth = ["parent.children"; 8].join(".");
    let mut out = b"before".to_vec();
    let error = query_within(
        100_000,
        &site.connection,
        &format!("select {back_and_forth}.name from Task"),
        &site.options,
        &mut Seen::default(),
        &mut out,
    );
    assert!(
        matches!(error, Err(QueryError::TooLarge { .. })),
        "{error:?}"
    );
    assert_eq!(out, b"before");
    assert_eq!(site.query("select parent.children.name from Task").len(), 3);
}

#[test]
fn what_was_written_counts_for_the_whole_call() {
    let site = Site::new();
    let (mut seen, mut out) = (Seen::default(), Vec::new());
    for separator in *b"[," {
        out.push(separator);
        let expression = "select name from Status where id is done";
        query(
            &site.connection,
            expression,
            &site.options,
            &mut seen,
            &mut out,
        )
        .unwrap();
    }
    out.push(b']');
    let answers: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(answers[0]["data"][0]["name"], "Done");
    assert_eq!(
        answers[1]["data"],
        json!([{"__entity_type__": "Status", "id": "done"}])
    );
}

#[test]
fn relations_without_attributes_have_keys_and_system_attributes() {
    let rows =
        Site::new().query("select status, children, scopes, metadata from Shot where id is S1");
    assert_eq!(
        rows[0]["children"][1],
        json!({"__entity_type__": "Task", "id": "T2", "context_type": "task", "project_id": "P",
               "object_type_id": "11c137c0-ee7e-4f9c-91c5-8c77cec22b2c"})
    );
    assert_eq!(
        rows[0]["scopes"][0],
        json!({"__entity_type__": "Scope", "id": "film"})
    );
    assert_eq!(rows[0]["metadata"], json!([]));
}

#[test]
fn casts_select_from_the_entities_of_that_type() {
    let mut site = Site::new();
    site.options.denormalize = true;
    let rows =
        site.query("select parent[Shot].status.name, parent[Sequence].bid from TypedContext");
    let parent = |id: &str| {
        let row = rows.iter().find(|row| row["id"] == id);
        row.unwrap()["parent"].clone()
    };
    assert_eq!(parent("T3")["status"]["name"], "Done");
    assert_eq!(parent("T3").get("bid"), None);
    assert_eq!(parent("S1")["bid"], 0.0);
    assert_eq!(parent("S1").get("status"), None);
    assert_eq!(parent("Q")["__entity_type__"], "Project");
}

#[test]
fn resources_need_no_cast() {
    let rows = Site::new().query("select resource.username from Appointment");
    assert_eq!(rows[0]["resource"]["username"], "jane");
    assert_eq!(rows[2]["resource"].get("username"), None);
}

#[test]
fn metadata_always_has_key_and_value() {
    check(
        "select metadata from Project",
        &json!([{
            "__entity_type__": "Project", "id": "P", "context_type": "show",
            "metadata": [{"__entity_type__": "Metadata", "parent_id": "P", "key": "colour", "value": "red"}],
        }]),
    );
    let rows = Site::new().query("select parent_type from Metadata where parent_id is P");
    assert_eq!(rows[0]["parent_type"], "Project");
}

#[test]
fn groups_are_plain_objects() {
    let mut site = Site::new();
    let answer = site.query("select count(id), sum(bid), max(name) from Task group by type_id");
    assert_eq!(
        Value::from(answer),
        json!([
            {"count_id": 2, "sum_bid": 7200.0, "max_name": "Animation", "type_id": "anim"},
            {"count_id": 1, "sum_bid": 3600.5, "max_name": "compositing", "type_id": "comp"},
        ])
    );
    assert_eq!(
        Value::from(site.query("select count(id) from Task where bid > 0")),
        json!([{"count_id": 2}])
    );
    let answer = site
        .try_query("select count(id) from Task group by type.name limit 1")
        .unwrap();
    assert_eq!(
        answer["data"],
        json!([{"count_id": 2, "type_name": "Animation"}])
    );
    assert_eq!(answer["metadata"]["next"]["offset"], 1);
    site.options.strict = false;
    assert_eq!(
        site.error("select count(id) from Task"),
        "Cannot group 'Task': aggregates need the strict API."
    );
}

#[test]
fn one_entity_is_written_with_what_the_client_sent() {
    let site = Site::new();
    let task = Catalog::get().entity_type("Task").unwrap();
    let overrides = HashMap::from([("created_at".to_owned(), json!("as sent"))]);
    let (mut seen, mut out) = (Seen::default(), Vec::new());
    let mut answers = Answers::default();
    let mut add = |key: &str| {
        let attributes = ["name", "created_at", "parent"];
        answers
            .add(task, vec![key.to_owned()], &attributes)
            .unwrap()
    };
    let (first, shot, second) = (add("T1"), add("S1"), add("T2"));
    answers.read(&site.connection).unwrap();
    let mut write =
        |place, out: &mut Vec<u8>| answers.write(place, &overrides, &site.options, &mut seen, out);
    write(first, &mut out).unwrap();
    let entity: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(entity["name"], "Animation");
    assert_eq!(entity["created_at"], "as sent");
    assert_eq!(entity["parent"]["__entity_type__"], "Shot");
    out.clear();
    write(second, &mut out).unwrap();
    let entity: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(entity["id"], "T2");
    let error = write(shot, &mut out).unwrap_err();
    assert_eq!(error.to_string(), "No 'Task' exists with the key S1.");
}
