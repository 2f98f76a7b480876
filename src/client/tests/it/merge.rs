use std::sync::Arc;

use ftrack_client::entity::{Entity, Field};
use ftrack_client::error::ErrorKind;
use ftrack_client::identity_map::{EntityId, IdentityMap, SlotValue};
use ftrack_client::merge::{
    Answer, decode_answers, merge_answers, merge_query_answer, next_offset,
};
use ftrack_protocol::Value;
use proptest::prelude::*;

use crate::schemas;

fn page(rows: &str) -> String {
    format!(r#"[{{"action":"query","data":{rows},"metadata":{{"next":{{"offset":null}}}}}}]"#)
}

fn merge(map: &IdentityMap, rows: &str) -> Vec<EntityId> {
    merge_query_answer(map, page(rows).as_bytes())
        .unwrap()
        .entities
}

fn field(map: &Arc<IdentityMap>, id: EntityId, name: &str) -> Option<Field> {
    Entity::new(map.clone(), id).known(name).unwrap()
}

fn text(map: &Arc<IdentityMap>, id: EntityId, name: &str) -> String {
    let value = field(map, id, name).unwrap();
    value.as_str().unwrap().to_owned()
}

#[test]
fn an_entity_is_one_wherever_and_however_often_it_occurs() {
    let map = schemas::map();
    let tasks = merge(
        &map,
        r#"[{"__entity_type__":"Task","id":"t1","name":"a","status":{"__entity_type__":"Status","id":"s","name":"Done"}},
            {"__entity_type__":"Task","id":"t2","status":{"__entity_type__":"Status","id":"s"},"parent":{"__entity_type__":"Task","id":"t1"}},
            {"__entity_type__":"Task","id":"t1","bid":2.5}]"#,
    );
    assert_eq!(tasks[0], tasks[2]);
    assert_eq!(map.len(), 3);
    let status = field(&map, tasks[1], "status").unwrap();
    assert_eq!(
        status.as_entity().unwrap().known("name").unwrap(),
        Some("Done".into())
    );
    let parent = field(&map, tasks[1], "parent").unwrap();
    assert_eq!(parent.as_entity().unwrap().id(), tasks[0]);
    assert_eq!(field(&map, tasks[0], "bid"), Some(Value::Float(2.5).into()));
    assert_eq!(
        text(&map, tasks[0], "name"),
        "a",
        "not forgotten by the later row"
    );
}

#[test]
fn members_may_come_in_any_order() {
    let map = schemas::map();
    let tasks = merge(
        &map,
        r#"[{"status":{"name":"Done","id":"s","__entity_type__":"Status"},"name":"a","__entity_type__":"Task","bid":1,"id":"t1",
             "children":[{"id":"t2","name":"b","__entity_type__":"Task"}]}]"#,
    );
    assert_eq!(text(&map, tasks[0], "name"), "a");
    let Some(Field::Entities(children)) = field(&map, tasks[0], "children") else {
        panic!("no children");
    };
    assert_eq!(children[0].known("name").unwrap(), Some("b".into()));
    assert_eq!(children[0].key().unwrap().to_string(), "Task(t2)");
}

#[test]
fn keys_of_several_values_identify_too() {
    let map = schemas::map();
    let rows = r#"[{"__entity_type__":"Metadata","parent_id":"p","key":"fps","value":"24"},
                   {"__entity_type__":"Metadata","key":"fps","value":"25","parent_id":"p"},
                   {"__entity_type__":"Metadata","key":"fpsp","value":"26","parent_id":""}]"#;
    let items = merge(&map, rows);
    assert_eq!(items[0], items[1]);
    assert_ne!(items[0], items[2]);
    assert_eq!(text(&map, items[0], "value"), "25");
    let metadata = map.schemas().get("Metadata").unwrap().id;
    assert_eq!(map.find(metadata, &["p", "fps"]), Some(items[0]));
}

#[test]
fn every_kind_of_value_arrives() {
    let map = schemas::map();
    let tasks = merge(
        &map,
        r#"[{"__entity_type__":"Task","id":"44dd9fb2-4164-11df-9218-0019bb4983d8","name":"gr\u00fcn \"x\"","bid":null,
             "end_date":{"__type__":"datetime","value":"2022-10-10T10:12:09"},"link":[{"id":"p","name":"P","type":"Project"}],
             "parent":null,"metadata":null,"unknown":{"deep":[1,{"__entity_type__":"Nope"}]}}]"#,
    );
    let get = |name: &str| field(&map, tasks[0], name).unwrap();
    assert_eq!(get("id"), "44dd9fb2-4164-11df-9218-0019bb4983d8".into());
    assert_eq!(get("name"), "grün \"x\"".into());
    assert_eq!(get("bid"), Value::Null.into());
    assert_eq!(
        get("end_date"),
        Value::DateTime("2022-10-10T10:12:09".parse().unwrap()).into()
    );
    assert_eq!(get("parent"), Value::Null.into());
    assert_eq!(
        get("metadata"),
        Vec::new().into(),
        "no collection is an empty one"
    );
    let Field::Plain(Value::List(link)) = get("link") else {
        panic!("the link is no list");
    };
    assert_eq!(link[0].get("type"), Some(&Value::from("Project")));
    assert_eq!(field(&map, tasks[0], "status"), None, "was not sent");
}

#[test]
fn what_the_schema_does_not_know_is_skipped_or_named() {
    let map = schemas::map();
    let tasks = merge(
        &map,
        r#"[{"__entity_type__":"Task","id":"t","children":[{"__entity_type__":"Blob","id":"b"},{"__entity_type__":"Task","id":"c"}]}]"#,
    );
    let Some(Field::Entities(children)) = field(&map, tasks[0], "children") else {
        panic!("no children");
    };
    assert_eq!(children.len(), 1);
    let error = merge_query_answer(
        &map,
        page(r#"[{"__entity_type__":"Blob","id":"b"}]"#).as_bytes(),
    );
    assert_eq!(error.unwrap_err().kind(), ErrorKind::UnknownEntityType);
}

#[test]
fn the_next_offset_is_read_wherever_the_metadata_stands() {
    let map = schemas::map();
    for (body, offset) in [
        (
            r#"[{"metadata":{"next":{"offset":500}},"data":[],"action":"query"}]"#,
            Some(500),
        ),
        (
            r#"[{"action":"query","data":[],"metadata":{"next":{"offset":null}}}]"#,
            None,
        ),
        (r#"[{"action":"query","data":[],"metadata":{}}]"#, None),
        (r#"[{"action":"query","data":[]}]"#, None),
    ] {
        let page = merge_query_answer(&map, body.as_bytes()).unwrap();
        assert_eq!(page.next_offset, offset, "{body}");
    }
}

#[test]
fn the_next_offset_is_read_from_the_end_only_where_it_is_the_pages() {
    let next = r#""metadata":{"next":{"offset":500}}"#;
    for (body, offset) in [
        (format!(r#"[{{"data":[],{next}}}]"#), Some(500)),
        (format!("[{{\"data\":[],{next}\n }} ]\n"), Some(500)),
        (
            format!(r#"[{{"data":[{{"name":"{}"}}],{next}}}]"#, "x".repeat(1000)),
            Some(500),
        ),
        // Of a row, of another result, in a text, before the rows, none at all.
        (format!(r#"[{{"data":[{{{next}}}]}}]"#), None),
        (format!(r#"[{{"data":[],{next}}},{{}}]"#), None),
        (
            format!(r#"[{{"data":"{}"}}]"#, next.replace('"', "\\\"")),
            None,
        ),
        (format!(r#"[{{{next},"data":[]}}]"#), None),
        (
            r#"[{"data":[],"metadata":{"next":{"offset":null}}}]"#.into(),
            None,
        ),
        (r#"[{"data":[],"metadata":null}]"#.into(), None),
        (r#"[{"data":[],"metadata":{"next""#.into(), None),
        (String::new(), None),
    ] {
        assert_eq!(next_offset(body.as_bytes()), offset, "{body}");
    }
}

#[test]
fn attributes_may_come_in_another_order_in_each_row() {
    let map = schemas::map();
    let tasks = merge(
        &map,
        r#"[{"__entity_type__":"Task","id":"t1","name":"a","bid":1},
            {"__entity_type__":"Task","bid":2,"id":"t2","unknown":3,"name":"b"},
            {"__entity_type__":"Task","name":"c","name":"d","id":"t3","bid":3},
            {"__entity_type__":"Task","id":"t4"},
            {"__entity_type__":"Task","id":"t5","name":"e","bid":5}]"#,
    );
    let value = |index: usize| field(&map, tasks[index], "name");
    let names: Vec<_> = (0..5)
        .map(|index| value(index).map(|it| it.as_str().unwrap().to_owned()))
        .collect();
    let expected = [Some("a"), Some("b"), Some("d"), None, Some("e")];
    assert_eq!(names, expected.map(|name| name.map(str::to_owned)));
    assert_eq!(text(&map, tasks[1], "id"), "t2");
}

#[test]
fn damaged_answers_are_errors_that_say_where() {
    let map = schemas::map();
    for body in [
        "",
        "[]",
        "[{}]",
        "{}",
        "[{\"data\":[1]}]",
        "[{\"data\":[{\"a\":1}]}]",
        "[{\"data\":[]}] x",
    ] {
        let error = merge_query_answer(&map, body.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{body}");
        let text = error.to_string();
        assert!(
            text.starts_with("could not understand the answer to a query: "),
            "{text}"
        );
    }
    let soon = r#"[{"__entity_type__":"Task","end_date":{"__type__":"datetime","value":"soon"}}]"#;
    let error = merge_query_answer(&map, page(soon).as_bytes()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("\"soon\" is not an ISO 8601 datetime"),
        "{error}"
    );
}

#[test]
fn raw_answers_hold_every_occurrence_for_itself() {
    let scratch = schemas::map();
    let body = r#"[{"action":"query","data":[{"__entity_type__":"User","id":"u","username":"a"},{"__entity_type__":"User","id":"u"}]},
                   {"__entity_type__":"Nope","id":1}, {"schema_hash":"x","since":{"__type__":"date","value":"2022-01-05"},"n":[1,2.5,true,null]}]"#;
    let answers = decode_answers(&scratch, body.as_bytes()).unwrap();
    assert!(scratch.is_empty(), "nothing can be found in it");
    let Some(Answer::List(users)) = answers[0].get("data") else {
        panic!("no data");
    };
    assert_ne!(users[0], users[1]);
    assert_eq!(
        answers[1].get("__entity_type__").and_then(Answer::as_str),
        Some("Nope")
    );
    assert_eq!(
        answers[2].get("since"),
        Some(&Answer::DateTime("2022-01-05".parse().unwrap()))
    );
    let Some(Answer::List(numbers)) = answers[2].get("n") else {
        panic!("no list");
    };
    assert_eq!(
        *numbers,
        [
            Answer::Int(1),
            Answer::Float(2.5),
            Answer::Bool(true),
            Answer::Null
        ]
    );

    let session = schemas::map();
    let Answer::Entity(user) = users[0] else {
        panic!("no entity");
    };
    let adopted = session.adopt(&scratch, user);
    assert_eq!(text(&session, adopted, "username"), "a");
    let entity_type = session.schemas().get("User").unwrap().id;
    assert_eq!(session.find(entity_type, &["u"]), Some(adopted));
}

#[test]
fn answers_of_a_commit_are_merged() {
    let map = schemas::map();
    let body = r#"[{"action":"create","data":{"__entity_type__":"User","id":"u","username":"a"}},{"action":"delete","data":true}]"#;
    let answers = merge_answers(&map, body.as_bytes()).unwrap();
    let entity_type = map.schemas().get("User").unwrap().id;
    let user = map.find(entity_type, &["u"]).unwrap();
    assert_eq!(answers[0].get("data"), Some(&Answer::Entity(user)));
    assert_eq!(answers[1].get("data"), Some(&Answer::Bool(true)));
}

#[test]
fn adopting_keeps_references_that_point_back() {
    let scratch = schemas::map();
    let rows = page(
        r#"[{"__entity_type__":"Task","id":"a","children":[{"__entity_type__":"Task","id":"b","parent":{"__entity_type__":"Task","id":"a"}}]}]"#,
    );
    let task = merge_query_answer(&scratch, rows.as_bytes())
        .unwrap()
        .entities[0];
    let map = schemas::map();
    let known = merge(
        &map,
        r#"[{"__entity_type__":"Task","id":"b","name":"known"}]"#,
    )[0];
    let adopted = map.adopt(&scratch, task);
    let Some(Field::Entities(children)) = field(&map, adopted, "children") else {
        panic!("no children");
    };
    assert_eq!(children[0].id(), known);
    assert_eq!(text(&map, known, "name"), "known");
    let parent = map.schemas().get("Task").unwrap().get("parent").unwrap();
    assert_eq!(map.remote(known, parent), Some(SlotValue::Entity(adopted)));
}

#[test]
fn endless_nesting_is_an_error() {
    let map = schemas::map();
    for (open, close) in [
        ("{\"a\":", "}"),
        ("[", "]"),
        (r#"{"id":"t","parent":"#, r#","__entity_type__":"Task"}"#),
    ] {
        let nested = format!("{}null{}", open.repeat(5_000), close.repeat(5_000));
        assert!(decode_answers(&map, format!("[{nested}]").as_bytes()).is_err());
        assert!(merge_query_answer(&map, page(&format!("[{nested}]")).as_bytes()).is_err());
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in "[\\[\\]{}:,\"a-z_0-9 ]{0,60}") {
        let map = schemas::map();
        let _ = merge_query_answer(&map, body.as_bytes());
        let _ = decode_answers(&map, body.as_bytes());
    }

    #[test]
    fn the_order_of_members_does_not_matter(order in Just(vec![0, 1, 2, 3]).prop_shuffle()) {
        let members = [
            r#""__entity_type__":"Task""#,
            r#""id":"t""#,
            r#""name":"n""#,
            r#""status":{"id":"s","__entity_type__":"Status"}"#,
        ];
        let shuffled: Vec<_> = order.iter().map(|index| members[*index]).collect();
        let map = schemas::map();
        let task = merge(&map, &format!("[{{{}}}]", shuffled.join(",")))[0];
        prop_assert_eq!(text(&map, task, "name"), "n");
        prop_assert_eq!(map.key(task).unwrap().to_string(), "Task(t)");
        prop_assert!(field(&map, task, "status").unwrap().as_entity().is_some());
    }
}
