//! `ftrack.update`: what the server tells of committed batches.

use std::io::Cursor;

use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};

use crate::events_client::EventClient;
use crate::harness::{call, call_one, create_component, query, send, unique_id, upload};
use crate::site::{Site, create_operation, delete_operation, update_operation};

struct Listening {
    site: Site,
    client: EventClient,
}

/// A site with a project, and a client that listens to updates.
fn listen() -> Listening {
    let site = Site::with_project();
    let mut client = EventClient::connect(&site.server);
    client.subscribe("topic=ftrack.update");
    Listening { site, client }
}

impl Listening {
    /// Sends a batch and returns the event about it.
    fn commit(&mut self, operations: &Value) -> Value {
        let answer = call(&self.site.server, operations);
        assert!(answer.is_array(), "{answer}");
        self.update()
    }

    /// Returns the next event, feeds aside.
    fn update(&mut self) -> Value {
        loop {
            let event = self.client.next_event();
            if event["data"]["entities"][0]["entityType"] != "socialfeed" {
                return event;
            }
        }
    }
}

fn captured() -> Value {
    serde_json::from_str(include_str!("golden/event_ftrack_update.json")).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

/// The captured event was made in ftrack's web interface; what it holds must be here, too.
#[test]
fn a_new_task_is_told_in_the_captured_shape() {
    let mut listening = listen();
    let shot = listening.site.shot("sh010");
    let id = unique_id();
    let data = json!({"id": id, "name": "model", "parent_id": shot});
    listening.update();
    let event = listening.commit(&json!([create_operation("Task", &data)]));
    let captured = captured();
    let (entity, expected) = (
        &event["data"]["entities"][0],
        &captured["data"]["entities"][0],
    );
    assert_eq!(keys(&event["data"]), keys(&captured["data"]));
    assert_eq!(keys(&event["source"]), keys(&captured["source"]));
    assert_eq!(keys(entity), keys(expected));
    assert_eq!(keys(&entity["parents"][0]), keys(&expected["parents"][0]));
    for name in ["entity_type", "entityType", "action", "objectTypeId"] {
        assert_eq!(entity[name], expected[name], "{name}");
    }
    let named: Vec<_> = entity["keys"].as_array().unwrap().iter().collect();
    for key in expected["keys"].as_array().unwrap() {
        assert!(
            named.contains(&key) || key == "priorityid",
            "{key} of {named:?}"
        );
    }
    for (key, change) in expected["changes"].as_object().unwrap() {
        let (old, new) = (
            &entity["changes"][key]["old"],
            &entity["changes"][key]["new"],
        );
        assert!(old.is_null());
        let same_kind = std::mem::discriminant(new) == std::mem::discriminant(&change["new"]);
        assert!(
            same_kind || key == "priorityid" || new.is_string(),
            "{key}: {new}"
        );
    }
    assert_eq!(
        entity["changes"]["name"],
        json!({"old": null, "new": "model"})
    );
}

#[test]
fn parents_lead_up_to_the_project() {
    let mut listening = listen();
    let shot = listening.site.shot("sh010");
    let project = listening.site.project.clone();
    let id = unique_id();
    listening.update();
    let data = json!({"id": id, "name": "model", "parent_id": shot});
    let event = listening.commit(&json!([create_operation("Task", &data)]));
    let ancestor = |id: &str, legacy: &str, name: &str, parent: Option<&str>| json!({"entityId": id, "entityType": legacy, "entity_type": name, "parentId": parent});
    let expected = json!([
        ancestor(&id, "task", "Task", Some(&shot)),
        ancestor(&shot, "task", "Shot", Some(&project)),
        ancestor(&project, "show", "Project", None),
    ]);
    let entity = &event["data"]["entities"][0];
    assert_eq!(entity["parents"], expected);
    assert_eq!(entity["parentId"], json!(shot));
    let mut all: Vec<_> = event["data"]["parents"].as_array().unwrap().clone();
    all.sort_by_key(Value::to_string);
    let mut ids = vec![json!(id), json!(shot), json!(project)];
    ids.sort_by_key(Value::to_string);
    assert_eq!(all, ids);
}

#[test]
fn a_change_has_the_values_before_and_after() {
    let mut listening = listen();
    let shot = listening.site.shot("sh010");
    listening.update();
    let statuses = query(
        &listening.site.server,
        "select id from Status where name is \"In progress\"",
    );
    let before = query(
        &listening.site.server,
        &format!("select status_id from Shot where id is {shot}"),
    );
    let event = listening.commit(&json!([
        update_operation(
            "Shot",
            &json!([shot]),
            &json!({"status_id": statuses[0]["id"]})
        ),
        update_operation("Shot", &json!([shot]), &json!({"description": "first"})),
        update_operation("Shot", &json!([shot]), &json!({"description": "second"})),
    ]));
    let entities = event["data"]["entities"].as_array().unwrap();
    let own = entities
        .iter()
        .find(|entity| entity["entityType"] == "task")
        .unwrap();
    assert_eq!(own["action"], "update");
    assert_eq!(own["entityId"], json!(shot));
    assert_eq!(own["keys"], json!(["statusid", "description"]));
    let status = json!({"old": before[0]["status_id"], "new": statuses[0]["id"]});
    assert_eq!(own["changes"]["statusid"], status);
    assert_eq!(
        own["changes"]["description"],
        json!({"old": "", "new": "second"})
    );
}

#[test]
fn a_context_with_a_new_parent_has_moved() {
    let mut listening = listen();
    let (old, new) = (
        listening
            .site
            .context("Sequence", "a", &listening.site.project),
        listening.site.shot("b"),
    );
    let task = listening.site.context("Task", "model", &old);
    (0..3).for_each(|_| drop(listening.update()));
    let event = listening.commit(&json!([update_operation(
        "Task",
        &json!([task]),
        &json!({"parent_id": new})
    )]));
    let entity = &event["data"]["entities"][0];
    assert_eq!(entity["action"], "move");
    assert_eq!(
        entity["changes"]["parent_id"],
        json!({"old": old, "new": new})
    );
    assert_eq!(entity["parentId"], json!(new));
}

#[test]
fn changed_collections_are_told_by_their_links_or_their_owner() {
    let mut listening = listen();
    let shot = listening.site.shot("010");
    drop(listening.update());
    let (scope, list) = (unique_id(), unique_id());
    listening.commit(&json!([
        create_operation("Scope", &json!({"id": scope, "name": "vr"})),
        create_operation(
            "TypedContextList",
            &json!({
                "id": list, "name": "dailies", "project_id": listening.site.project,
                "category_id": "77b9ab82-07c2-11e4-ba66-04011030cf01",
            })
        ),
    ]));
    let mut told = |operation: Value| {
        let event = listening.commit(&json!([operation]));
        let entities = event["data"]["entities"].as_array().unwrap();
        assert_eq!(entities.len(), 1, "{event}");
        format!(
            "{} {}",
            entities[0]["action"].as_str().unwrap(),
            entities[0]["entityType"].as_str().unwrap()
        )
    };
    let one_shot = json!([{"__entity_type__": "Shot", "id": shot}]);
    let items = |items: &Value| {
        update_operation("TypedContextList", &json!([list]), &json!({"items": items}))
    };
    assert_eq!(told(items(&one_shot)), "add listobject");
    assert_eq!(told(items(&json!([]))), "remove listobject");
    let scopes =
        |scopes: &Value| update_operation("Shot", &json!([shot]), &json!({"scopes": scopes}));
    assert_eq!(
        told(scopes(&json!([{"__entity_type__": "Scope", "id": scope}]))),
        "update task"
    );
    assert_eq!(told(scopes(&json!([]))), "update task");
}

#[test]
fn what_is_removed_is_told_with_the_parents_it_had() {
    let mut listening = listen();
    let sequence = listening
        .site
        .context("Sequence", "a", &listening.site.project);
    let shot = listening.site.context("Shot", "b", &sequence);
    (0..2).for_each(|_| drop(listening.update()));
    let event = listening.commit(&json!([
        delete_operation("Shot", &json!([shot])),
        delete_operation("Sequence", &json!([sequence])),
    ]));
    let entities = event["data"]["entities"].as_array().unwrap();
    let actions: Vec<_> = entities
        .iter()
        .map(|entity| (&entity["action"], &entity["entity_type"]))
        .collect();
    assert_eq!(
        actions,
        [
            (&json!("remove"), &json!("Shot")),
            (&json!("remove"), &json!("Sequence"))
        ]
    );
    let parents: Vec<_> = entities[0]["parents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parent| &parent["entityId"])
        .collect();
    assert_eq!(
        parents,
        [
            &json!(shot),
            &json!(sequence),
            &json!(listening.site.project)
        ]
    );
}

#[test]
fn what_is_deleted_and_created_again_has_changed() {
    let mut listening = listen();
    let key = json!([listening.site.project, "frame"]);
    let create = |value: &str| {
        let data = json!({
            "parent_id": key[0], "parent_type": "Project", "key": key[1], "value": value,
        });
        create_operation("Metadata", &data)
    };
    let delete = delete_operation("Metadata", &key);
    listening.commit(&json!([create("1")]));
    let event = listening.commit(&json!([delete, create("2")]));
    let entities = event["data"]["entities"].as_array().unwrap();
    assert_eq!(entities.len(), 1);
    assert_eq!(entities[0]["action"], "update");
    assert_eq!(
        entities[0]["changes"],
        json!({"value": {"old": "1", "new": "2"}})
    );
    let event = listening.commit(&json!([delete, create("3"), delete]));
    assert_eq!(event["data"]["entities"][0]["action"], "remove");
    // What is as it was is not told: the next event is of the next batch.
    listening.commit(&json!([create("4")]));
    assert!(call(&listening.site.server, &json!([delete, create("4")])).is_array());
    let event = listening.commit(&json!([delete]));
    assert_eq!(event["data"]["entities"][0]["action"], "remove");
}

#[test]
fn versions_belong_to_assets_and_what_these_belong_to() {
    let mut listening = listen();
    let shot = listening.site.shot("sh010");
    listening.update();
    let types = query(&listening.site.server, "select id from AssetType limit 1");
    let (asset, version) = (unique_id(), unique_id());
    let event = listening.commit(&json!([
        create_operation(
            "Asset",
            &json!({"id": asset, "name": "a", "context_id": shot, "type_id": types[0]["id"]})
        ),
        create_operation("AssetVersion", &json!({"id": version, "asset_id": asset})),
    ]));
    let entities = event["data"]["entities"].as_array().unwrap();
    let entity = entities
        .iter()
        .find(|entity| entity["entityType"] == "assetversion")
        .unwrap();
    assert_eq!(entity["action"], "add");
    assert_eq!(entity["changes"]["ispublished"]["new"], true);
    assert_eq!(entity["changes"]["version"]["new"], 1);
    let kinds: Vec<_> = entity["parents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parent| &parent["entityType"])
        .collect();
    assert_eq!(kinds, ["assetversion", "asset", "task", "show"]);
}

#[test]
fn what_is_added_and_moved_at_once_has_its_last_parents() {
    let mut listening = listen();
    let shot = listening.site.shot("sh010");
    listening.update();
    let (sequence, task) = (unique_id(), unique_id());
    let project = &listening.site.project;
    let event = listening.commit(&json!([
        create_operation(
            "Task",
            &json!({"id": task, "name": "model", "parent_id": shot})
        ),
        create_operation(
            "Sequence",
            &json!({"id": sequence, "name": "a", "parent_id": project})
        ),
        update_operation("Task", &json!([task]), &json!({"parent_id": sequence})),
    ]));
    let entities = event["data"]["entities"].as_array().unwrap();
    let entity = entities
        .iter()
        .find(|entity| entity["entityId"] == json!(task))
        .unwrap();
    assert_eq!(entity["action"], "add");
    assert_eq!(entity["parentId"], json!(sequence));
    let parents = entity["parents"].as_array().unwrap().iter();
    let parents: Vec<_> = parents.map(|parent| &parent["entityId"]).collect();
    assert_eq!(
        parents,
        [
            &json!(task),
            &json!(sequence),
            &json!(listening.site.project)
        ]
    );
}

#[test]
fn custom_attributes_are_values_of_their_entity_as_text() {
    let mut listening = listen();
    let shot = listening.site.shot("sh010");
    listening.update();
    let configurations = query(
        &listening.site.server,
        "select id from CustomAttributeConfiguration where key is fstart and object_type.name is Shot",
    );
    let configuration = &configurations[0]["id"];
    let write = |value: i64| {
        json!([{
            "action": "update", "entity_type": "ContextCustomAttributeValue", "entity_key": [configuration, shot],
            "entity_data": {"__entity_type__": "ContextCustomAttributeValue", "value": value},
        }])
    };
    let event = listening.commit(&write(1001));
    let entity = &event["data"]["entities"][0];
    assert_eq!(
        (&entity["entity_type"], &entity["action"]),
        (&json!("Shot"), &json!("update"))
    );
    assert_eq!(entity["keys"], json!(["fstart"]));
    assert_eq!(entity["changes"]["fstart"]["new"], "1001");
    let event = listening.commit(&write(1002));
    assert_eq!(
        event["data"]["entities"][0]["changes"]["fstart"],
        json!({"old": "1001", "new": "1002"})
    );
}

#[test]
fn the_event_names_the_user_and_the_tokens_of_the_client() {
    let mut listening = listen();
    let server = &listening.site.server;
    let data = json!({"id": unique_id(), "name": "sh010", "parent_id": listening.site.project});
    let headers = [
        ("ftrack-user", server.api_user()),
        ("ftrack-api-key", server.api_key()),
        ("ftrack-Clienttoken", "client-1"),
        ("ftrack-pushtoken", "push-1"),
    ];
    let body = json!([create_operation("Shot", &data)]).to_string();
    send(
        "POST",
        &format!("{}/api", server.url()),
        &headers,
        body.as_bytes(),
    );
    let username = server.api_user().to_owned();
    let event = listening.update();
    assert_eq!(event["data"]["clientToken"], "client-1");
    assert_eq!(event["data"]["pushToken"], "push-1");
    assert_eq!(event["source"]["id"], "client-1");
    assert_eq!(event["source"]["user"]["username"], json!(username));
    assert_eq!(
        event["data"]["user"]["userid"],
        event["source"]["user"]["id"]
    );
    assert!(!event["data"]["user"]["name"].as_str().unwrap().is_empty());
}

#[test]
fn new_contexts_show_up_in_feeds() {
    let mut listening = listen();
    let shot = listening.site.shot("sh010");
    listening.update();
    let event = listening.client.next_event();
    let expected = &json!({
        "entities": [{"action": "update", "entityType": "socialfeed"}],
        "pushToken": null, "parents": [shot], "clientToken": null,
    });
    assert_eq!(&event["data"], expected);
    assert_eq!(
        event["source"]["user"],
        json!({"username": null, "id": null})
    );
}

#[test]
fn batches_that_fail_or_change_nothing_are_not_told() {
    let mut listening = listen();
    let shot = listening.site.shot("sh010");
    listening.update();
    let project = listening.site.project.clone();
    let failed = call(
        &listening.site.server,
        &json!([
            create_operation("Shot", &json!({"id": unique_id(), "name": "x", "parent_id": project})),
            {"action": "make_coffee"},
        ]),
    );
    assert!(failed.is_object(), "{failed}");
    call_one(
        &listening.site.server,
        &update_operation("Shot", &json!([shot]), &json!({"name": "sh010"})),
    );
    let id = unique_id();
    let data = json!({"id": id, "name": "gone", "parent_id": project});
    call(
        &listening.site.server,
        &json!([
            create_operation("Shot", &data),
            delete_operation("Shot", &json!([id]))
        ]),
    );
    let events = listening.client.events_so_far();
    assert_eq!(events.len(), 1, "the feed of the first shot: {events:?}");
}

#[test]
fn an_encode_is_told_when_it_is_done() {
    let mut listening = listen();
    let shot = listening.site.shot("sh010");
    let (_, version) = listening.site.version(&shot);
    let server = &listening.site.server;
    let still = create_component(server, "plate", ".png", 0);
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::new(64, 36)
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    upload(server, &still, bytes.get_ref());
    let operation = json!({"action": "encode_media", "component_id": still, "version_id": version});
    let job = call_one(server, &operation)["job_id"].clone();
    let (mut statuses, mut is_encoded) = (Vec::new(), false);
    while statuses.last() != Some(&json!("done")) || !is_encoded {
        let event = listening.client.next_event();
        for entity in event["data"]["entities"].as_array().unwrap() {
            if entity["entityId"] == job && !entity["changes"]["status"].is_null() {
                statuses.push(entity["changes"]["status"]["new"].clone());
            }
            is_encoded |= *entity
                == json!({"action": "encoded", "entityType": "assetversion", "entityId": version});
        }
    }
    assert!(statuses.contains(&json!("running")), "{statuses:?}");
}

#[test]
fn a_batch_is_told_before_it_is_answered() {
    let mut listening = listen();
    for number in 0..20 {
        listening.site.shot(&format!("sh{number:03}"));
        let events = listening.client.events_so_far();
        assert_eq!(
            events[0]["data"]["entities"][0]["changes"]["name"]["new"],
            format!("sh{number:03}")
        );
    }
}
