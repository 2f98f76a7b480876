//! SQL where a client may write anything: in operations, values stay values and names that are none are errors.

use serde_json::{Value, json};

use crate::harness::{call, call_one, query, unique_id};
use crate::site::{Site, exception};

const ATTACKS: &[&str] = &[
    "'; drop table context; --",
    "\"; drop table context; --",
    "x' or '1'='1",
    "x\" or \"1\"=\"1",
    "id = id; delete from context",
    "` union select key from private_api_key --",
    "name) values ('x'); update context set name = 'gone' --",
    "?1",
    ":name",
    "\\'; drop table context; --",
    "/* */ null",
    "zero\0byte'",
];

/// Everything is still there, and nothing else.
#[track_caller]
fn check_unharmed(site: &Site, shot: &str) {
    assert_eq!(site.count("Shot"), 1);
    assert_eq!(site.count("Project"), 1);
    let found = query(
        &site.server,
        &format!("select name from Shot where id is {shot}"),
    );
    assert_eq!(found[0]["name"], "sh010");
}

#[track_caller]
fn check_refused(site: &Site, operation: &Value) {
    let answer = call(&site.server, &json!([operation]));
    let refused = answer.get("exception").is_some() || answer.get("detail").is_some();
    assert!(refused, "{operation} is answered {answer}");
    assert!(
        !answer.to_string().contains("private_api_key\""),
        "{answer}"
    );
}

#[test]
fn sql_in_values_is_stored_as_it_is() {
    let site = Site::with_project();
    let shot = site.shot("sh010");
    for attack in ATTACKS {
        let task = unique_id();
        let entity_data = json!({
            "__entity_type__": "Task", "id": task, "name": attack, "description": attack, "parent_id": shot,
        });
        call_one(
            &site.server,
            &json!({"action": "create", "entity_type": "Task", "entity_key": [task], "entity_data": entity_data}),
        );
        let entity_data =
            json!({"__entity_type__": "Task", "description": format!("{attack}{attack}")});
        call_one(
            &site.server,
            &json!({"action": "update", "entity_type": "Task", "entity_key": [task], "entity_data": entity_data}),
        );
        let found = query(
            &site.server,
            &format!("select name, description from Task where id is {task}"),
        );
        assert_eq!(found[0]["name"], *attack);
        assert_eq!(found[0]["description"], format!("{attack}{attack}"));
    }
    check_unharmed(&site, &shot);
}

#[test]
fn sql_in_keys_finds_nothing() {
    let site = Site::with_project();
    let shot = site.shot("sh010");
    for attack in ATTACKS {
        let entity_data = json!({"__entity_type__": "Shot", "name": "gone"});
        check_refused(
            &site,
            &json!({"action": "update", "entity_type": "Shot", "entity_key": [attack], "entity_data": entity_data}),
        );
        check_refused(
            &site,
            &json!({"action": "delete", "entity_type": "Shot", "entity_key": [attack]}),
        );
        check_refused(
            &site,
            &json!({"action": "encode_media", "component_id": attack}),
        );
    }
    check_unharmed(&site, &shot);
}

#[test]
fn sql_in_names_is_refused() {
    let site = Site::with_project();
    let shot = site.shot("sh010");
    for attack in ATTACKS {
        let entity_data = json!({"__entity_type__": attack, "id": unique_id(), "name": "x"});
        check_refused(
            &site,
            &json!({"action": "create", "entity_type": attack, "entity_data": entity_data}),
        );
        let entity_data = json!({"__entity_type__": "Shot", *attack: "x"});
        check_refused(
            &site,
            &json!({"action": "update", "entity_type": "Shot", "entity_key": [shot], "entity_data": entity_data}),
        );
        check_refused(
            &site,
            &json!({"action": "delete", "entity_type": attack, "entity_key": [shot]}),
        );
        check_refused(&site, &json!({"action": attack}));
    }
    check_unharmed(&site, &shot);
}

#[test]
fn sql_in_searched_terms_is_text() {
    let site = Site::with_project();
    let shot = site.shot("sh010");
    for attack in ATTACKS {
        let found = call_one(
            &site.server,
            &json!({"action": "search", "entity_type": "Shot", "terms": [attack]}),
        );
        assert_eq!(found["data"], json!([]), "{attack}");
    }
    check_unharmed(&site, &shot);
}

#[test]
fn a_pattern_longer_than_the_database_follows_is_refused() {
    let site = Site::with_project();
    let expression = format!("Project where name like '{}'", "%a".repeat(30_000));
    let error = site.refused(&json!({"action": "query", "expression": expression}));
    assert_eq!(exception(&error), "ParseError");
}
