//! Creating entities: defaults, derived values and refusals, subject by subject.

use serde_json::{Value, json};

use crate::harness::{call, create, query, unique_id};
use crate::site::{Site, create_operation, exception, project_data};

#[test]
fn a_user_answers_as_ftrack_does() {
    let site = Site::empty();
    let data = json!({"first_name": "first", "last_name": "last", "username": "somebody"});
    let answer = call(&site.server, &json!([create_operation("User", &data)]));
    let mut created = answer[0]["data"].as_object().unwrap().clone();
    let id = created.remove("id").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 36);
    assert_eq!(answer[0]["action"], "create");
    assert_eq!(
        Value::Object(created),
        json!({
            "__entity_type__": "User",
            "username": "somebody",
            "first_name": "first",
            "last_name": "last",
            "is_active": false,
            "is_otp_enabled": false,
            "is_totp_enabled": false,
            "require_details_update": false,
            "user_type_id": "ac9fa5aa-4361-11e0-b7cc-0019bb4983d8",
            "resource_type": "user",
        })
    );
}

#[test]
fn a_component_answers_as_ftrack_does() {
    let site = Site::empty();
    let (component, location) = (unique_id(), unique_id());
    let reference = json!({"__entity_type__": "FileComponent", "id": component});
    let answer = call(
        &site.server,
        &json!([
            create_operation(
                "FileComponent",
                &json!({"id": component, "name": "data", "file_type": ".json", "size": 13})
            ),
            create_operation(
                "ComponentLocation",
                &json!({
                    "id": location, "component": reference, "resource_identifier": component,
                    "location_id": crate::harness::SERVER_LOCATION,
                })
            ),
        ]),
    );
    let created = &answer[0]["data"];
    for (name, value) in [
        ("__entity_type__", json!("FileComponent")),
        ("id", json!(component)),
        ("name", json!("data")),
        ("file_type", json!(".json")),
        ("size", json!(13)),
        ("system_type", json!("file")),
    ] {
        assert_eq!(created[name], value, "{name} of {created}");
    }
    assert_eq!(answer[1]["data"]["component_id"], json!(component));
    assert_eq!(answer[1]["data"]["component"], reference);
}

#[test]
fn a_component_of_no_kind_is_a_file() {
    let site = Site::empty();
    let answer = call(
        &site.server,
        &json!([create_operation("Component", &json!({}))]),
    );
    // The client knows it by the name that it used.
    assert_eq!(answer[0]["data"]["__entity_type__"], "Component");
    assert_eq!(answer[0]["data"]["system_type"], "file");
    assert_eq!(answer[0]["data"]["name"], "main");
    assert_eq!(answer[0]["data"]["size"], 0);
    let found = &query(&site.server, "Component where name is main")[0];
    assert_eq!(found["__entity_type__"], "FileComponent");
}

#[test]
fn a_component_comes_with_the_locations_it_is_put_into() {
    let site = Site::empty();
    let (component, location) = (unique_id(), unique_id());
    let answer = call(
        &site.server,
        &json!([
            create_operation("FileComponent", &json!({"id": component, "name": "data"})),
            create_operation(
                "ComponentLocation",
                &json!({
                    "id": location, "component_id": component, "resource_identifier": component,
                    "location_id": "3a372bde-05bc-11e4-8908-20c9d081909b",
                })
            ),
        ]),
    );
    let registered = &answer[0]["data"]["component_locations"][0];
    assert_eq!(registered["id"], json!(location));
    assert_eq!(registered["resource_identifier"], json!(component));
    assert_eq!(
        registered["component"],
        json!({"__entity_type__": "FileComponent", "id": component})
    );
    assert_eq!(
        answer[1]["data"],
        json!({"__entity_type__": "ComponentLocation", "id": location})
    );
}

#[test]
fn contexts_inherit_from_parents_that_come_later_in_the_batch() {
    let site = Site::empty();
    let (project, sequence, shot, task) = (unique_id(), unique_id(), unique_id(), unique_id());
    let parent = |entity_type: &str, id: &str| json!({"__entity_type__": entity_type, "id": id});
    let answer = call(
        &site.server,
        &json!([
            create_operation(
                "Task",
                &json!({"id": task, "name": "anim", "parent": parent("Shot", &shot)})
            ),
            create_operation(
                "Shot",
                &json!({"id": shot, "name": "010", "parent": parent("Sequence", &sequence)})
            ),
            create_operation(
                "Sequence",
                &json!({"id": sequence, "name": "a", "parent_id": project})
            ),
            create_operation("Project", &project_data(&project, "p")),
        ]),
    );
    let created = &answer[0]["data"];
    assert_eq!(created["project_id"], json!(project), "{answer}");
    assert_eq!(created["context_type"], "task");
    assert_eq!(
        created["object_type_id"],
        "11c137c0-ee7e-4f9c-91c5-8c77cec22b2c"
    );
    assert_eq!(created["parent"]["__entity_type__"], "Shot");
    assert_eq!(created["parent"]["id"], json!(shot));
    let found = query(
        &site.server,
        &format!(
            "select project_id, status.name, type_id, priority.name, bid, created_by.username from Shot where id is {shot}"
        ),
    );
    assert_eq!(found[0]["project_id"], json!(project));
    assert_eq!(found[0]["status"]["name"], "Not started");
    assert!(found[0]["type_id"].is_string());
    assert_eq!(found[0]["priority"]["name"], "None");
    assert_eq!(
        found[0]["created_by"]["username"],
        json!(site.server.api_user())
    );
}

#[test]
fn a_context_may_name_only_its_project() {
    let site = Site::with_project();
    let shot = unique_id();
    create(
        &site.server,
        "Shot",
        &json!({"id": shot, "name": "x", "project_id": site.project}),
    );
    let found = query(
        &site.server,
        &format!("select parent_id from Shot where id is {shot}"),
    );
    assert_eq!(found[0]["parent_id"], json!(site.project));
}

#[test]
fn a_context_without_a_parent_is_refused() {
    let site = Site::with_project();
    let error = site.refused(&create_operation("Shot", &json!({"name": "x"})));
    assert_eq!(exception(&error), "ValidationError");
    let error = site.refused(&create_operation(
        "Shot",
        &json!({"name": "x", "parent_id": unique_id()}),
    ));
    assert_eq!(exception(&error), "IntegrityError");
}

#[test]
fn sibling_names_are_unique_without_regard_to_case() {
    let site = Site::with_project();
    site.shot("a010");
    let error = site.refused(&create_operation(
        "Shot",
        &json!({"name": "A010", "parent_id": site.project}),
    ));
    assert_eq!(exception(&error), "DuplicateEntryError");
    assert!(
        error["content"].as_str().unwrap().contains("A010")
            || error["content"].as_str().unwrap().contains("a010"),
        "{error}"
    );
}

#[test]
fn dates_of_contexts_lie_within_those_of_the_project() {
    let site = Site::empty();
    let project = unique_id();
    let mut data = project_data(&project, "dated");
    data["start_date"] = json!({"__type__": "datetime", "value": "2026-01-01T00:00:00+00:00"});
    data["end_date"] = json!({"__type__": "datetime", "value": "2026-06-30T00:00:00+00:00"});
    create(&site.server, "Project", &data);
    let error = site.refused(&create_operation(
        "Task",
        &json!({"name": "t", "parent_id": project, "end_date": {"__type__": "datetime", "value": "2026-07-01T00:00:00Z"}}),
    ));
    assert_eq!(
        error["content"],
        "TypedContext dates must be within project start and end dates."
    );
}

#[test]
fn object_types_that_the_project_schema_does_not_list_are_refused() {
    let site = Site::with_project();
    let key = json!([
        "22139355-61da-4c8f-9db4-3abc870166bc",
        "caddd816-acb5-11e1-8668-f23c91df1211"
    ]);
    let delete =
        json!({"action": "delete", "entity_type": "ProjectSchemaObjectType", "entity_key": key});
    assert!(call(&site.server, &json!([delete])).is_array());
    let error = site.refused(&create_operation(
        "Episode",
        &json!({"name": "e1", "parent_id": site.project}),
    ));
    assert_eq!(exception(&error), "ValidationError");
}

#[test]
fn versions_count_from_one_for_each_asset() {
    let site = Site::with_project();
    let shot = site.shot("010");
    let (first, second) = (unique_id(), unique_id());
    let asset = |id: &str| {
        create_operation(
            "Asset",
            &json!({"id": id, "name": "same", "context_id": shot}),
        )
    };
    let version = |asset: &str| create_operation("AssetVersion", &json!({"asset_id": asset}));
    let answer = call(
        &site.server,
        &json!([
            asset(&first),
            asset(&second),
            version(&first),
            version(&first),
            version(&second)
        ]),
    );
    let numbers: Vec<_> = (2..5)
        .map(|index| answer[index]["data"]["version"].clone())
        .collect();
    assert_eq!(numbers, [1, 2, 1], "{answer}");
    assert_eq!(answer[2]["data"]["is_published"], true);
    let again = call(&site.server, &json!([version(&first)]));
    assert_eq!(again[0]["data"]["version"], 3);
    let found = query(
        &site.server,
        &format!(
            "select status.name, user.username, project_id from AssetVersion where asset_id is {first}"
        ),
    );
    assert_eq!(found[0]["user"]["username"], json!(site.server.api_user()));
    assert_eq!(found[0]["project_id"], json!(site.project));
    assert!(found[0]["status"]["name"].is_string());
}

#[test]
fn metadata_replaces_the_value_of_its_key() {
    let site = Site::with_project();
    for value in ["a", "b"] {
        let data = json!({"parent_id": site.project, "parent_type": "Project", "key": "fps", "value": value});
        let answer = call(&site.server, &json!([create_operation("Metadata", &data)]));
        assert!(answer.is_array(), "{answer}");
    }
    let found = query(
        &site.server,
        &format!(
            "select key, value, parent_type from Metadata where parent_id is {}",
            site.project
        ),
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["value"], "b");
    assert_eq!(found[0]["parent_type"], "Project");
}

#[test]
fn a_note_has_its_author_as_recipient_and_a_reply_its_parent() {
    let site = Site::with_project();
    let (note, reply) = (unique_id(), unique_id());
    create(
        &site.server,
        "Note",
        &json!({"id": note, "content": "Hi", "parent_id": site.project, "parent_type": "Project"}),
    );
    let answer = call(
        &site.server,
        &json!([
            create_operation("Note", &json!({"id": reply, "content": "Ho"})),
            {"action": "update", "entity_type": "Note", "entity_key": [note], "entity_data": {
                "__entity_type__": "Note", "replies": [{"__entity_type__": "Note", "id": reply}]}},
        ]),
    );
    assert!(answer.is_array(), "{answer}");
    let found = query(
        &site.server,
        &format!(
            "select parent_id, in_reply_to_id, project_id, recipients.resource_id, user_id from Note where id is {reply}"
        ),
    );
    assert_eq!(found[0]["parent_id"], json!(site.project));
    assert_eq!(found[0]["project_id"], json!(site.project));
    assert_eq!(found[0]["in_reply_to_id"], json!(note));
    assert_eq!(found[0]["recipients"].as_array().unwrap().len(), 1);
    assert_eq!(found[0]["user_id"], json!(site.api_user_id()));
}

#[test]
fn the_first_label_of_a_note_is_its_category() {
    let site = Site::with_project();
    let note = unique_id();
    let label = query(&site.server, "select id from NoteCategory limit 1")[0]["id"].clone();
    let answer = call(
        &site.server,
        &json!([
            create_operation(
                "Note",
                &json!({"id": note, "content": "Hi", "parent_id": site.project, "parent_type": "Project"})
            ),
            create_operation(
                "NoteLabelLink",
                &json!({"note_id": note, "label_id": label})
            ),
        ]),
    );
    assert!(answer.is_array(), "{answer}");
    let found = query(
        &site.server,
        &format!("select category.id from Note where id is {note}"),
    );
    assert_eq!(found[0]["category"]["id"], label);
}

#[test]
fn a_user_has_one_timer() {
    let site = Site::empty();
    let user = site.api_user_id();
    let start = create_operation("Timer", &json!({"user_id": user}));
    let answer = call(&site.server, &json!([start]));
    assert!(answer[0]["data"]["start"].is_object(), "{answer}");
    assert_eq!(exception(&site.refused(&start)), "DuplicateEntryError");
}

#[test]
fn moments_are_echoed_with_microseconds_and_stored_without() {
    let site = Site::with_project();
    let data = json!({
        "user_id": site.api_user_id(), "duration": 10, "comment": "", "context_id": site.project,
        "start": {"__type__": "datetime", "value": "2015-11-18T15:24:09.123456+00:00"},
    });
    let answer = call(&site.server, &json!([create_operation("Timelog", &data)]));
    assert_eq!(
        answer[0]["data"]["start"]["value"], "2015-11-18T15:24:09.123456+00:00",
        "{answer}"
    );
    let found = query(
        &site.server,
        "select start from Timelog where start is \"2015-11-18T15:24:09\"",
    );
    assert_eq!(found[0]["start"]["value"], "2015-11-18T15:24:09");
}

#[test]
fn names_of_users_and_locations_are_unique() {
    let site = Site::empty();
    let error = site.refused(&create_operation(
        "User",
        &json!({"username": site.server.api_user()}),
    ));
    assert_eq!(exception(&error), "DuplicateEntryError");
    let error = site.refused(&create_operation(
        "Location",
        &json!({"name": "ftrack.server"}),
    ));
    assert_eq!(exception(&error), "DuplicateEntryError");
}

#[test]
fn an_id_is_used_once() {
    let site = Site::with_project();
    let shot = site.shot("010");
    let error = site.refused(&create_operation(
        "Shot",
        &json!({"id": shot, "name": "020", "parent_id": site.project}),
    ));
    assert_eq!(exception(&error), "DuplicateEntryError");
}

#[test]
fn required_attributes_may_come_later_in_the_batch_but_must_come() {
    let site = Site::empty();
    let scope = unique_id();
    let bare = create_operation("Scope", &json!({"id": scope}));
    let answer = call(
        &site.server,
        &json!([
            bare,
            {"action": "update", "entity_type": "Scope", "entity_key": [scope], "entity_data": {"name": "late"}},
        ]),
    );
    assert!(answer.is_array(), "{answer}");
    let error = site.refused(&create_operation("Scope", &json!({})));
    assert_eq!(exception(&error), "ValidationError");
    assert!(
        error["content"].as_str().unwrap().contains("has no name"),
        "{error}"
    );
}

#[test]
fn lists_hold_items_of_one_type() {
    let site = Site::with_project();
    let shot = site.shot("010");
    let category = query(&site.server, "select id from ListCategory limit 1")[0]["id"].clone();
    let list = unique_id();
    let shots = json!([{"__entity_type__": "Shot", "id": shot}]);
    create(
        &site.server,
        "TypedContextList",
        &json!({
            "id": list, "name": "l", "project_id": site.project, "category_id": category, "items": shots,
        }),
    );
    let found = query(
        &site.server,
        &format!("select items.name from TypedContextList where id is {list}"),
    );
    assert_eq!(found[0]["items"][0]["name"], "010");
    let versions = unique_id();
    create(
        &site.server,
        "AssetVersionList",
        &json!({
            "id": versions, "name": "v", "project_id": site.project, "category_id": category,
        }),
    );
    let error = site.refused(&create_operation(
        "ListObject",
        &json!({"list_id": versions, "entity_id": shot}),
    ));
    assert_eq!(exception(&error), "ValidationError");
    let wrong =
        json!({"name": "w", "project_id": site.project, "category_id": category, "items": shots});
    assert_eq!(
        exception(&site.refused(&create_operation("AssetVersionList", &wrong))),
        "ValidationError"
    );
}

#[test]
fn a_job_knows_who_asked_and_when_it_ended() {
    let site = Site::empty();
    let job = unique_id();
    create(
        &site.server,
        "Job",
        &json!({"id": job, "data": "{\"description\": \"x\"}", "status": "running"}),
    );
    let update = json!({"action": "update", "entity_type": "Job", "entity_key": [job], "entity_data": {"status": "done"}});
    assert!(call(&site.server, &json!([update])).is_array());
    let found = query(
        &site.server,
        &format!("select status, type, finished_at, user.username from Job where id is {job}"),
    );
    assert_eq!(found[0]["status"], "done");
    assert_eq!(found[0]["type"], "api_job");
    assert!(found[0]["finished_at"].is_object());
    assert_eq!(found[0]["user"]["username"], json!(site.server.api_user()));
    let wrong = create_operation("Job", &json!({"status": "lost"}));
    assert_eq!(exception(&site.refused(&wrong)), "ValidationError");
}

#[test]
fn values_must_be_of_the_type_of_their_attribute() {
    let site = Site::with_project();
    for (attribute, value) in [
        ("name", json!(["x"])),
        ("bid", json!("long")),
        ("start_date", json!("soon")),
        ("status", json!("Done")),
        ("status", json!({"__entity_type__": "Type", "id": "x"})),
        ("children", json!({})),
        ("time_logged", json!(3)),
        ("link", json!([])),
    ] {
        let mut data = json!({"name": "t", "parent_id": site.project});
        data[attribute] = value;
        let error = site.refused(&create_operation("Task", &data));
        assert_eq!(exception(&error), "ValidationError", "{attribute}: {error}");
        assert!(
            error["content"]
                .as_str()
                .unwrap()
                .contains(&format!("Task.{attribute}")),
            "{error}"
        );
    }
}

#[test]
fn unknown_types_and_attributes_are_named() {
    let site = Site::empty();
    let error = site.refused(&create_operation("Spaceship", &json!({})));
    assert_eq!(error["content"], "No schema 'Spaceship' exists.");
    let error = site.refused(&create_operation(
        "User",
        &json!({"username": "x", "rank": 1}),
    ));
    assert_eq!(
        error["content"],
        "No attribute 'rank' exists for schema 'User'."
    );
    let error = site.refused(&create_operation("Context", &json!({"name": "x"})));
    assert_eq!(exception(&error), "ValidationError");
}
