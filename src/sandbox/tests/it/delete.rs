//! Deleting entities: what goes along, what stays, and what forbids it.

use serde_json::{Value, json};

use crate::harness::{SERVER_LOCATION, call, create, query, unique_id};
use crate::site::{Site, create_operation, delete_operation, exception};

fn delete(site: &Site, entity_type: &str, id: &str) -> Value {
    site.done(&delete_operation(entity_type, &json!([id])))
}

#[test]
fn a_tree_may_be_deeper_than_a_stack() {
    const DEPTH: usize = 5000;
    let site = Site::with_project();
    let folder = |depth: usize| {
        let parent = match depth {
            0 => site.project.clone(),
            _ => format!("folder-{}", depth - 1),
        };
        let data = json!({"id": format!("folder-{depth}"), "name": "deep", "parent_id": parent});
        create_operation("Folder", &data)
    };
    let created = call(&site.server, &(0..DEPTH).map(folder).collect());
    assert!(created.is_array(), "{created}");
    assert_eq!(delete(&site, "Folder", "folder-0"), json!(true));
    assert_eq!(site.count("Folder"), 0);
}

#[test]
fn what_comes_back_can_go_again() {
    let site = Site::with_project();
    let id = unique_id();
    let create = create_operation("Scope", &json!({"id": id, "name": "vr"}));
    let delete = delete_operation("Scope", &json!([id]));
    let answer = call(&site.server, &json!([create, delete, create, delete]));
    assert!(answer.is_array(), "{answer}");
    assert_eq!(site.count("Scope"), 0);
}

#[test]
fn a_project_takes_its_whole_tree_along() {
    let site = Site::with_project();
    let sequence = site.context("Sequence", "s", &site.project);
    let shot = site.context("Shot", "010", &sequence);
    let task = site.context("Task", "anim", &shot);
    let (_, version) = site.version(&shot);
    let user = site.api_user_id();
    for (entity_type, data) in [
        ("FileComponent", json!({"version_id": version})),
        (
            "Note",
            json!({"content": "x", "parent_id": task, "parent_type": "Task"}),
        ),
        (
            "Note",
            json!({"content": "x", "parent_id": version, "parent_type": "AssetVersion"}),
        ),
        (
            "Metadata",
            json!({"parent_id": shot, "parent_type": "Shot", "key": "k", "value": "v"}),
        ),
        (
            "Appointment",
            json!({"type": "assignment", "context_id": task, "resource_id": user}),
        ),
        (
            "Timelog",
            json!({"user_id": user, "context_id": task, "duration": 1, "comment": ""}),
        ),
    ] {
        site.done(&create_operation(entity_type, &data));
    }
    assert_eq!(delete(&site, "Project", &site.project), json!(true));
    let types = [
        "Project",
        "TypedContext",
        "Asset",
        "AssetVersion",
        "Component",
        "Note",
        "Metadata",
        "Appointment",
        "Timelog",
        "Recipient",
    ];
    for entity_type in types {
        assert_eq!(site.count(entity_type), 0, "{entity_type}");
    }
    assert!(site.count("User") > 0);
}

#[test]
fn parts_of_a_tree_may_be_deleted_beside_the_whole() {
    let site = Site::with_project();
    let sequence = site.context("Sequence", "s", &site.project);
    let shot = site.context("Shot", "010", &sequence);
    let answer = call(
        &site.server,
        &json!([
            delete_operation("Sequence", &json!([sequence])),
            delete_operation("Shot", &json!([shot])),
            delete_operation("Project", &json!([site.project])),
        ]),
    );
    assert!(answer.is_array(), "{answer}");
    assert_eq!(site.count("Context"), 0);
}

#[test]
fn a_container_takes_its_members_and_a_component_its_locations() {
    let site = Site::empty();
    let (sequence, frame) = (unique_id(), unique_id());
    create(
        &site.server,
        "SequenceComponent",
        &json!({"id": sequence, "name": "main", "padding": 4}),
    );
    create(
        &site.server,
        "FileComponent",
        &json!({"id": frame, "name": "1", "container_id": sequence}),
    );
    site.done(&create_operation(
        "ComponentLocation",
        &json!({
        "component_id": frame, "location_id": SERVER_LOCATION, "resource_identifier": frame}),
    ));
    delete(&site, "Component", &sequence);
    assert_eq!(site.count("Component"), 0);
    assert_eq!(site.count("ComponentLocation"), 0);
}

#[test]
fn a_component_that_is_a_thumbnail_can_go() {
    let site = Site::with_project();
    let component = unique_id();
    create(
        &site.server,
        "FileComponent",
        &json!({"id": component, "name": "thumbnail"}),
    );
    let update = crate::site::update_operation(
        "Project",
        &json!([site.project]),
        &json!({"thumbnail_id": component}),
    );
    site.done(&update);
    delete(&site, "FileComponent", &component);
    let found = query(&site.server, "select thumbnail_id from Project");
    assert_eq!(found[0]["thumbnail_id"], Value::Null);
}

#[test]
fn a_task_leaves_the_versions_made_for_it() {
    let site = Site::with_project();
    let shot = site.shot("010");
    let task = site.context("Task", "anim", &shot);
    let (_, version) = site.version(&shot);
    site.done(&crate::site::update_operation(
        "AssetVersion",
        &json!([version]),
        &json!({"task_id": task}),
    ));
    delete(&site, "Task", &task);
    assert_eq!(site.count("AssetVersion where task_id is none"), 1);
}

#[test]
fn a_location_with_components_stays() {
    let site = Site::empty();
    let (location, component) = (unique_id(), unique_id());
    create(
        &site.server,
        "Location",
        &json!({"id": location, "name": "disk"}),
    );
    create(
        &site.server,
        "FileComponent",
        &json!({"id": component, "name": "1"}),
    );
    let held = unique_id();
    create(
        &site.server,
        "ComponentLocation",
        &json!({
        "id": held, "component_id": component, "location_id": location, "resource_identifier": "x"}),
    );
    let error = site.refused(&delete_operation("Location", &json!([location])));
    assert_eq!(
        error["content"],
        "The location 'disk' still has components in it."
    );
    delete(&site, "ComponentLocation", &held);
    delete(&site, "Location", &location);
}

#[test]
fn a_status_in_use_stays() {
    let site = Site::with_project();
    site.shot("010");
    let error = site.refused(&delete_operation(
        "Status",
        &json!(["44dd9fb2-4164-11df-9218-0019bb4983d8"]),
    ));
    assert_eq!(exception(&error), "IntegrityError");
}

#[test]
fn a_user_goes_with_timers_jobs_and_logged_time() {
    let site = Site::with_project();
    let user = unique_id();
    create(
        &site.server,
        "User",
        &json!({"id": user, "username": "leaver"}),
    );
    for (entity_type, data) in [
        ("Timer", json!({"user_id": user})),
        (
            "Timelog",
            json!({"user_id": user, "duration": 3, "comment": ""}),
        ),
        ("Job", json!({"user_id": user})),
        (
            "Note",
            json!({"user_id": user, "content": "bye", "parent_id": site.project, "parent_type": "Project"}),
        ),
        (
            "Membership",
            json!({"user_id": user, "group_id": group(&site)}),
        ),
    ] {
        site.done(&create_operation(entity_type, &data));
    }
    delete(&site, "User", &user);
    for expression in ["Timer", "Timelog", "Job", "Membership"] {
        assert_eq!(site.count(expression), 0, "{expression}");
    }
    assert_eq!(site.count("Note where author is none"), 1);
}

fn group(site: &Site) -> String {
    let id = unique_id();
    create(&site.server, "Group", &json!({"id": id, "name": "crew"}));
    id
}

#[test]
fn a_label_that_goes_leaves_the_note_without_category() {
    let site = Site::with_project();
    let note = unique_id();
    create(
        &site.server,
        "Note",
        &json!({"id": note, "content": "x", "parent_id": site.project, "parent_type": "Project"}),
    );
    let label = query(&site.server, "select id from NoteLabel limit 1")[0]["id"].clone();
    site.done(&create_operation(
        "NoteLabelLink",
        &json!({"note_id": note, "label_id": label}),
    ));
    site.done(&delete_operation("NoteLabelLink", &json!([note, label])));
    assert_eq!(site.count("Note where category_id is none"), 1);
}

#[test]
fn what_does_not_exist_is_named() {
    let site = Site::empty();
    let id = unique_id();
    let error = site.refused(&delete_operation("Task", &json!([id])));
    assert_eq!(exception(&error), "NotFoundError");
    assert_eq!(error["content"], format!("Task({id}) does not exist."));
}
