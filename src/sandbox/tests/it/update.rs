//! Changing entities: references, collections, custom attributes, and what follows from a change.

use serde_json::{Value, json};

use crate::harness::{call, create, query, unique_id};
use crate::site::{Site, create_operation, delete_operation, exception, update_operation};

const DONE: &str = "9bb65936-88e7-11e3-9264-04011030cf01";
const NOT_STARTED: &str = "44dd9fb2-4164-11df-9218-0019bb4983d8";
const FRAME_START: &str = "acd86546-4082-11e2-95b1-0019bb4983d8";

#[test]
fn a_user_answers_as_ftrack_does() {
    let site = Site::empty();
    let id = unique_id();
    create(
        &site.server,
        "User",
        &json!({"id": id, "username": "before"}),
    );
    let update = update_operation("User", &json!([id]), &json!({"username": "after"}));
    assert_eq!(
        site.done(&update),
        json!({"__entity_type__": "User", "id": id, "username": "after", "resource_type": "user"})
    );
}

#[test]
fn a_reference_and_its_id_are_one() {
    let site = Site::with_project();
    let shot = site.shot("010");
    let status = json!({"__entity_type__": "Status", "id": DONE});
    let answer = site.done(&update_operation(
        "Shot",
        &json!([shot]),
        &json!({"status": status}),
    ));
    assert_eq!(answer["status"], status);
    let found = query(
        &site.server,
        &format!("select status_id from Shot where id is {shot}"),
    );
    assert_eq!(found[0]["status_id"], DONE);
    site.done(&update_operation(
        "Shot",
        &json!(shot),
        &json!({"status_id": NOT_STARTED}),
    ));
    assert_eq!(
        site.count(&format!(
            "Shot where status.name is 'Not started' and id is {shot}"
        )),
        1
    );
}

#[test]
fn changes_of_status_are_kept() {
    let site = Site::with_project();
    let shot = site.shot("010");
    let (_, version) = site.version(&shot);
    site.done(&update_operation(
        "Shot",
        &json!([shot]),
        &json!({"status_id": DONE}),
    ));
    site.done(&update_operation(
        "Shot",
        &json!([shot]),
        &json!({"status_id": DONE}),
    ));
    site.done(&update_operation(
        "AssetVersion",
        &json!([version]),
        &json!({"status_id": DONE}),
    ));
    let found = query(
        &site.server,
        &format!(
            "select status_changes.from_status_id, status_changes.status_id from Shot where id is {shot}"
        ),
    );
    let changes = found[0]["status_changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(changes[0]["from_status_id"], NOT_STARTED);
    assert_eq!(changes[0]["status_id"], DONE);
    assert_eq!(
        site.count(&format!(
            "AssetVersionStatusChange where parent_id is {version}"
        )),
        1
    );
}

#[test]
fn a_collection_of_links_is_replaced_as_a_whole() {
    let site = Site::with_project();
    let scopes: Vec<String> = ["a", "b"]
        .map(|name| {
            let id = unique_id();
            create(&site.server, "Scope", &json!({"id": id, "name": name}));
            id
        })
        .into();
    let set = |ids: &[&String]| {
        let references: Vec<Value> = ids
            .iter()
            .map(|id| json!({"__entity_type__": "Scope", "id": id}))
            .collect();
        site.done(&update_operation(
            "Project",
            &json!([site.project]),
            &json!({"scopes": references}),
        ));
        let found = query(
            &site.server,
            &format!(
                "select scopes.name from Project where id is {}",
                site.project
            ),
        );
        let mut names: Vec<String> = found[0]["scopes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|scope| scope["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(set(&[&scopes[0], &scopes[1]]), ["a", "b"]);
    assert_eq!(set(&[&scopes[1]]), ["b"]);
    assert_eq!(set(&[]), Vec::<String>::new());
    let unknown = json!({"scopes": [{"__entity_type__": "Scope", "id": unique_id()}]});
    let error = site.refused(&update_operation(
        "Project",
        &json!([site.project]),
        &unknown,
    ));
    assert_eq!(exception(&error), "IntegrityError");
}

#[test]
fn members_may_be_created_after_the_collection_names_them() {
    let site = Site::with_project();
    let note = unique_id();
    let notes = json!({"notes": [{"__entity_type__": "Note", "id": note}]});
    let update = update_operation("Project", &json!([site.project]), &notes);
    let answer = call(
        &site.server,
        &json!([
            update,
            create_operation("Note", &json!({"id": note, "content": "x"}))
        ]),
    );
    assert!(answer.is_array(), "{answer}");
    let found = query(
        &site.server,
        &format!("select parent_id, parent_type, project_id from Note where id is {note}"),
    );
    assert_eq!(found[0]["parent_id"], json!(site.project));
    assert_eq!(found[0]["parent_type"], "Project");
    assert_eq!(found[0]["project_id"], json!(site.project));
    let missing = json!({"notes": [{"__entity_type__": "Note", "id": unique_id()}]});
    let error = site.refused(&update_operation(
        "Project",
        &json!([site.project]),
        &missing,
    ));
    assert!(
        error["content"]
            .as_str()
            .unwrap()
            .starts_with("Project.notes names Note("),
        "{error}"
    );
}

#[test]
fn a_sequence_takes_its_members_and_lets_them_go() {
    let site = Site::empty();
    let (sequence, frame) = (unique_id(), unique_id());
    let container = json!({"__entity_type__": "SequenceComponent", "id": sequence});
    let answer = call(
        &site.server,
        &json!([
            create_operation(
                "SequenceComponent",
                &json!({"id": sequence, "name": "main", "padding": 4})
            ),
            create_operation(
                "FileComponent",
                &json!({"id": frame, "name": "1001", "container": container})
            ),
            update_operation(
                "SequenceComponent",
                &json!([sequence]),
                &json!({
                "members": [{"__entity_type__": "FileComponent", "id": frame}]})
            ),
        ]),
    );
    assert!(answer.is_array(), "{answer}");
    assert_eq!(answer[0]["data"]["padding"], 4);
    assert_eq!(
        site.count(&format!("FileComponent where container_id is {sequence}")),
        1
    );
    site.done(&update_operation(
        "SequenceComponent",
        &json!([sequence]),
        &json!({"members": []}),
    ));
    assert_eq!(
        site.count(&format!(
            "FileComponent where id is {frame} and container_id is none"
        )),
        1
    );
}

#[test]
fn metadata_that_leaves_the_mapping_is_deleted() {
    let site = Site::with_project();
    let create_key = |key: &str| {
        create_operation(
            "Metadata",
            &json!({"parent_id": site.project, "parent_type": "Project", "key": key, "value": "1"}),
        )
    };
    assert!(call(&site.server, &json!([create_key("a"), create_key("b")])).is_array());
    let kept = json!({"metadata": [{"__entity_type__": "Metadata", "parent_id": site.project, "key": "b"}]});
    site.done(&update_operation("Project", &json!([site.project]), &kept));
    let found = query(
        &site.server,
        &format!(
            "select key from Metadata where parent_id is {}",
            site.project
        ),
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["key"], "b");
}

#[test]
fn a_custom_attribute_is_set_by_updating_it() {
    let site = Site::with_project();
    let shot = site.shot("010");
    let set = |value: Value| {
        update_operation(
            "ContextCustomAttributeValue",
            &json!([FRAME_START, shot]),
            &json!({"value": value}),
        )
    };
    for value in [1001, 1002] {
        assert_eq!(site.done(&set(json!(value)))["value"], value);
    }
    let found = query(
        &site.server,
        &format!("select value from CustomAttributeValue where entity_id is {shot}"),
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["value"], 1002);
    assert_eq!(
        site.count("Shot where custom_attributes any (key is 'fstart' and value > 1001)"),
        1
    );
    let error = site.refused(&set(json!("test")));
    assert_eq!(
        error["content"],
        "Custom attribute value for \"fstart\" must be of type number. Got \"test\" of type <type 'unicode'>"
    );
    site.done(&delete_operation(
        "ContextCustomAttributeValue",
        &json!([FRAME_START, shot]),
    ));
    assert_eq!(
        site.count(&format!("CustomAttributeValue where entity_id is {shot}")),
        0
    );
}

#[test]
fn a_custom_attribute_can_be_set_with_the_entity() {
    let site = Site::with_project();
    let shot = unique_id();
    let answer = call(
        &site.server,
        &json!([
            create_operation(
                "Shot",
                &json!({"id": shot, "name": "010", "parent_id": site.project})
            ),
            update_operation(
                "ContextCustomAttributeValue",
                &json!([FRAME_START, shot]),
                &json!({"value": 7})
            ),
        ]),
    );
    assert!(answer.is_array(), "{answer}");
    assert_eq!(
        site.count("Shot where custom_attributes any (key is fstart and value is 7)"),
        1
    );
    let unknown = update_operation(
        "ContextCustomAttributeValue",
        &json!([unique_id(), shot]),
        &json!({"value": 7}),
    );
    assert_eq!(exception(&site.refused(&unknown)), "IntegrityError");
}

#[test]
fn a_global_configuration_does_not_become_one_of_a_project() {
    let site = Site::with_project();
    let update = update_operation(
        "CustomAttributeConfiguration",
        &json!([FRAME_START]),
        &json!({"project_id": site.project}),
    );
    assert_eq!(exception(&site.refused(&update)), "ValidationError");
}

#[test]
fn renaming_to_the_name_of_a_sibling_is_refused() {
    let site = Site::with_project();
    let shot = site.shot("010");
    site.shot("020");
    let rename = |name: &str| update_operation("Shot", &json!([shot]), &json!({"name": name}));
    assert_eq!(
        exception(&site.refused(&rename("020"))),
        "DuplicateEntryError"
    );
    site.done(&rename("030"));
}

#[test]
fn what_is_immutable_stays() {
    let site = Site::with_project();
    let shot = site.shot("010");
    let update = update_operation("Shot", &json!([shot]), &json!({"id": unique_id()}));
    let error = site.refused(&update);
    assert_eq!(error["content"], "Shot.id is immutable.");
    site.done(&update_operation(
        "Shot",
        &json!([shot]),
        &json!({"id": shot, "name": "011"}),
    ));
}

#[test]
fn what_does_not_exist_is_named() {
    let site = Site::with_project();
    let id = unique_id();
    let error = site.refused(&update_operation(
        "Shot",
        &json!([id]),
        &json!({"name": "x"}),
    ));
    assert_eq!(exception(&error), "NotFoundError");
    assert_eq!(error["content"], format!("Shot({id}) does not exist."));
    let shot = site.shot("010");
    let error = site.refused(&update_operation(
        "Task",
        &json!([shot]),
        &json!({"name": "x"}),
    ));
    assert_eq!(exception(&error), "NotFoundError");
    let error = site.refused(&update_operation(
        "Shot",
        &json!([shot, shot]),
        &json!({"name": "x"}),
    ));
    assert_eq!(error["content"], "The key of a Shot is [id].");
}

#[test]
fn an_entity_is_answered_by_the_type_its_client_named() {
    let site = Site::with_project();
    let shot = site.shot("010");
    let answer = site.done(&update_operation(
        "Context",
        &json!([shot]),
        &json!({"name": "011"}),
    ));
    assert_eq!(answer["__entity_type__"], "Context");
}

#[test]
fn a_new_key_replaces_the_old_one() {
    let site = Site::empty();
    let user = site.api_user_id();
    let reset = |reset_type: Value| json!({"action": "reset_remote", "reset_type": reset_type, "entity_type": "User", "entity_key": user});
    assert_eq!(
        exception(&site.refused(&reset(json!(["email"])))),
        "ValidationError"
    );
    let key = site.done(&reset(json!("api_key")))["api_key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_ne!(key, site.server.api_key());
    let refused = call(
        &site.server,
        &json!([{"action": "query", "expression": "User"}]),
    );
    assert_eq!(exception(&refused), "InvalidCredentialsError");
}

#[test]
fn the_answer_holds_the_members_of_a_changed_collection() {
    let site = Site::with_project();
    let (note, scope) = (unique_id(), unique_id());
    create(&site.server, "Note", &json!({"id": note, "content": "x"}));
    create(&site.server, "Scope", &json!({"id": scope, "name": "s"}));
    let data = json!({
        "notes": [{"__entity_type__": "Note", "id": note}],
        "scopes": [{"__entity_type__": "Scope", "id": scope}],
    });
    let update = update_operation("Project", &json!([site.project]), &data);
    let answer = site.done(&update);
    assert_eq!(answer["notes"][0]["id"], json!(note), "{answer}");
    assert_eq!(answer["scopes"][0]["id"], json!(scope), "{answer}");
}

#[test]
fn the_author_of_a_new_note_stays_a_recipient() {
    let site = Site::with_project();
    let (note, reader) = (unique_id(), unique_id());
    create(
        &site.server,
        "User",
        &json!({"id": reader, "username": "reader"}),
    );
    let recipient = json!({"__entity_type__": "Recipient", "note_id": note, "resource_id": reader});
    let answer = call(
        &site.server,
        &json!([
            create_operation(
                "Note",
                &json!({"id": note, "content": "x", "parent_id": site.project, "parent_type": "Project"})
            ),
            create_operation(
                "Recipient",
                &json!({"note_id": note, "resource_id": reader})
            ),
            update_operation("Note", &json!([note]), &json!({"recipients": [recipient]})),
        ]),
    );
    assert!(answer.is_array(), "{answer}");
    assert_eq!(site.count(&format!("Recipient where note_id is {note}")), 2);
}
