//! What refers to something refers to something that is there, at the latest when the batch is complete.

use serde_json::{Value, json};

use crate::harness::{call, create, unique_id};
use crate::site::{Site, create_operation, delete_operation, exception, update_operation};

const FRAME_START: &str = "acd86546-4082-11e2-95b1-0019bb4983d8";

#[track_caller]
fn check_refused(site: &Site, operation: &Value) {
    let error = site.refused(operation);
    assert_eq!(exception(&error), "IntegrityError", "{error}");
}

#[track_caller]
fn check_done(site: &Site, operations: &Value) {
    let answer = call(&site.server, operations);
    assert!(answer.is_array(), "{answer}");
}

fn frame_start(shot: &str) -> Value {
    update_operation(
        "ContextCustomAttributeValue",
        &json!([FRAME_START, shot]),
        &json!({"value": 7}),
    )
}

fn metadata(parent: &str, parent_type: &str) -> Value {
    create_operation(
        "Metadata",
        &json!({"parent_id": parent, "parent_type": parent_type, "key": "k", "value": "v"}),
    )
}

fn note(parent: &str) -> Value {
    create_operation(
        "Note",
        &json!({"content": "a note", "parent_id": parent, "parent_type": "Shot"}),
    )
}

#[test]
fn a_reference_leads_to_an_entity() {
    let site = Site::with_project();
    let error = site.refused(&create_operation(
        "Task",
        &json!({"name": "t", "parent_id": site.project, "status_id": "no-such-status"}),
    ));
    assert_eq!(exception(&error), "IntegrityError");
    assert!(
        error["content"]
            .as_str()
            .unwrap()
            .starts_with("Task.status refers to 'no-such-status'"),
        "{error}"
    );
}

#[test]
fn a_reference_leads_to_an_entity_of_its_kind() {
    let site = Site::with_project();
    let group = unique_id();
    create(&site.server, "Group", &json!({"id": group, "name": "crew"}));
    check_refused(
        &site,
        &create_operation("Timelog", &json!({"user_id": group, "duration": 1})),
    );
    let shot = site.shot("010");
    let (_, version) = site.version(&shot);
    let made_for =
        |id: &str| update_operation("AssetVersion", &json!([version]), &json!({"task_id": id}));
    check_refused(&site, &made_for(&site.project));
    site.done(&made_for(&shot));
}

#[test]
fn values_metadata_and_notes_hang_on_something() {
    let site = Site::with_project();
    check_refused(&site, &frame_start("nothing"));
    check_refused(&site, &metadata("nothing", "Shot"));
    check_refused(&site, &note("nothing"));
    let shot = site.shot("010");
    site.done(&frame_start(&shot));
    site.done(&note(&shot));
    // Whoever does not know of which type the parent is tells a general one.
    for parent_type in ["Shot", "TypedContext", "Project", "Unknown"] {
        site.done(&metadata(&shot, parent_type));
    }
}

#[test]
fn what_they_hang_on_may_come_later_and_go_again() {
    let site = Site::with_project();
    let shot = unique_id();
    let made = create_operation(
        "Shot",
        &json!({"id": shot, "name": "010", "parent_id": site.project}),
    );
    let hanging = [frame_start(&shot), metadata(&shot, "Shot"), note(&shot)];
    let mut operations = hanging.to_vec();
    operations.push(made);
    check_done(&site, &json!(operations));
    let mut operations = hanging.to_vec();
    operations.push(delete_operation("Shot", &json!([shot])));
    check_done(&site, &json!(operations));
    for left in ["CustomAttributeValue", "Metadata", "Note"] {
        assert_eq!(site.count(left), 0, "{left}");
    }
}

#[test]
fn a_user_does_not_get_a_second_timer() {
    let site = Site::empty();
    let (user, other) = (site.api_user_id(), unique_id());
    create(
        &site.server,
        "User",
        &json!({"id": other, "username": "jane"}),
    );
    site.done(&create_operation("Timer", &json!({"user_id": user})));
    let timer = site.done(&create_operation("Timer", &json!({"user_id": other})));
    let handed_over =
        |user: &str| update_operation("Timer", &json!([timer["id"]]), &json!({"user_id": user}));
    assert_eq!(
        exception(&site.refused(&handed_over(&user))),
        "DuplicateEntryError"
    );
    site.done(&handed_over(&other));
}
