//! Calls as a whole: credentials, malformed bodies, atomicity, hostile input.

use serde_json::{Value, json};

use crate::harness::{Answer, call, query, send, unique_id};
use crate::site::{Site, create_operation, delete_operation, exception, update_operation};

fn post(site: &Site, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    send("POST", &format!("{}/api", site.server.url()), headers, body)
}

#[test]
fn wrong_credentials_answer_ftracks_error() {
    let site = Site::empty();
    let (user, key) = (site.server.api_user(), site.server.api_key());
    let body = br#"[{"action":"query","expression":"User"}]"#;
    for (user, key) in [(user, "wrong"), ("nobody", key), ("", "")] {
        let answer = post(
            &site,
            &[("ftrack-user", user), ("ftrack-api-key", key)],
            body,
        );
        assert_eq!(answer.status, 200);
        assert_eq!(exception(&answer.json()), "InvalidCredentialsError");
        let strict = [
            ("ftrack-user", user),
            ("ftrack-api-key", key),
            ("ftrack-strict-api", "true"),
        ];
        let answer = post(&site, &strict, body);
        assert_eq!(answer.status, 401);
        assert!(
            answer.json()["content"]
                .as_str()
                .unwrap()
                .starts_with("The supplied API key is not valid.")
        );
    }
    assert_eq!(
        exception(&post(&site, &[], body).json()),
        "InvalidCredentialsError"
    );
}

#[test]
fn inactive_users_are_refused() {
    let site = Site::empty();
    let user = site.api_user_id();
    site.done(&update_operation(
        "User",
        &json!([user]),
        &json!({"is_active": false}),
    ));
    let answer = call(&site.server, &json!([{"action": "query_schemas"}]));
    assert_eq!(exception(&answer), "InvalidCredentialsError");
}

#[test]
fn bodies_that_are_no_batch_are_unprocessable() {
    let site = Site::empty();
    let headers = [
        ("ftrack-user", site.server.api_user()),
        ("ftrack-api-key", site.server.api_key()),
    ];
    for body in [
        "",
        "{}",
        "null",
        "[1]",
        r#"[{"action":"query"}]"#,
        r#"[{"action":"create","entity_type":"Task"}]"#,
    ] {
        let answer = post(&site, &headers, body.as_bytes());
        assert_eq!(answer.status, 422, "{body}");
        let detail = &answer.json()["detail"][0];
        assert_eq!(detail["loc"][0], "body");
        assert!(
            detail["msg"].is_string() && detail["type"].is_string(),
            "{detail}"
        );
    }
}

#[test]
fn an_empty_batch_has_no_results() {
    let site = Site::empty();
    assert_eq!(call(&site.server, &json!([])), json!([]));
}

#[test]
fn unknown_actions_are_named_as_clients_expect() {
    let site = Site::empty();
    let error = site.refused(&json!({"action": "launch_rocket"}));
    assert!(
        error["content"]
            .as_str()
            .unwrap()
            .contains("Invalid action u'launch_rocket'")
    );
}

#[test]
fn facts_and_schemas_are_answered_bare() {
    let site = Site::empty();
    let answer = call(
        &site.server,
        &json!([
            {"action": "query_server_information"},
            {"action": "query_server_information", "values": ["week_startday", "no_such_fact"]},
            {"action": "query_schemas"},
            {"action": "_track_usage", "data": {}},
        ]),
    );
    assert_eq!(answer[0]["version"], "dev");
    assert_eq!(answer[0]["is_timezone_support_enabled"], true);
    assert_eq!(answer[0]["schema_hash"].as_str().unwrap().len(), 32);
    assert_eq!(answer[1], json!({"week_startday": 1}));
    assert!(answer[2].as_array().unwrap().len() > 100);
    assert_eq!(answer[3]["action"], "_track_usage");
}

#[test]
fn a_failing_operation_undoes_those_before_it() {
    let site = Site::with_project();
    let answer = call(
        &site.server,
        &json!([
            create_operation("Shot", &json!({"name": "010", "parent_id": site.project})),
            update_operation(
                "Project",
                &json!([site.project]),
                &json!({"name": "renamed"})
            ),
            delete_operation("Task", &json!([unique_id()])),
        ]),
    );
    assert_eq!(exception(&answer), "NotFoundError");
    assert_eq!(site.count("Shot"), 0);
    assert_eq!(site.count("Project where name is renamed"), 0);
}

#[test]
fn queries_see_the_writes_before_them() {
    let site = Site::with_project();
    let count = json!({"action": "query", "expression": "select id from Shot"});
    let shot = create_operation("Shot", &json!({"name": "010", "parent_id": site.project}));
    let answer = call(&site.server, &json!([count, shot, count]));
    assert_eq!(answer[0]["data"], json!([]));
    assert_eq!(answer[2]["data"].as_array().unwrap().len(), 1);
}

#[test]
fn each_write_of_a_batch_is_answered_in_its_place_with_what_became_of_it() {
    let site = Site::with_project();
    let (shot, task) = (unique_id(), unique_id());
    let note = |key: &str| {
        let data = json!({"parent_id": shot, "parent_type": "task", "key": key, "value": format!("of {key}")});
        create_operation("Metadata", &data)
    };
    let name = |name: &str| update_operation("Shot", &json!([shot]), &json!({"name": name}));
    let answer = call(
        &site.server,
        &json!([
            create_operation(
                "Task",
                &json!({"id": task, "name": "model", "parent_id": shot})
            ),
            note("b"),
            create_operation(
                "Shot",
                &json!({"id": shot, "name": "010", "parent_id": site.project})
            ),
            note("a"),
            name("020"),
            delete_operation("Task", &json!([task])),
            name("030"),
        ]),
    );
    let answered = |index: usize, attribute: &str| &answer[index]["data"][attribute];
    assert_eq!(
        answer[0]["data"],
        json!({"__entity_type__": "Task", "id": task})
    );
    assert_eq!(answered(1, "value"), "of b");
    assert_eq!(answered(3, "value"), "of a");
    assert_eq!(answered(2, "name"), "030");
    for index in [4, 6] {
        assert_eq!(
            answer[index],
            json!({"action": "update", "data": {"__entity_type__": "Shot", "id": shot}}),
            "what the answer holds already is not written again"
        );
    }
}

#[test]
fn an_entity_created_and_deleted_in_one_batch_is_answered_by_its_key() {
    let site = Site::with_project();
    let id = unique_id();
    let answer = call(
        &site.server,
        &json!([
            create_operation(
                "Shot",
                &json!({"id": id, "name": "010", "parent_id": site.project})
            ),
            delete_operation("Shot", &json!([id])),
        ]),
    );
    assert_eq!(
        answer[0]["data"],
        json!({"__entity_type__": "Shot", "id": id})
    );
    assert_eq!(answer[1]["data"], true);
}

#[test]
fn references_in_a_circle_are_followed_once() {
    let site = Site::empty();
    let (component, version) = (unique_id(), unique_id());
    let answer = call(
        &site.server,
        &json!([
            create_operation(
                "FileComponent",
                &json!({"id": component, "name": "x", "version_id": version})
            ),
            create_operation(
                "AssetVersion",
                &json!({"id": version, "thumbnail_id": component})
            ),
        ]),
    );
    assert!(answer.is_array(), "{answer}");
}

#[test]
fn sql_is_data_wherever_it_stands() {
    let site = Site::with_project();
    let evil = "x'); drop table context; --\"";
    let shot = site.shot(evil);
    let found = query(
        &site.server,
        &format!("select name from Shot where id is {shot}"),
    );
    assert_eq!(found[0]["name"], evil);
    let attribute = |name: &str| {
        let mut data = json!({"parent_id": site.project, "name": "y"});
        data[name] = json!("z");
        create_operation("Shot", &data)
    };
    let operations = [
        create_operation(evil, &json!({"name": "y"})),
        attribute("name\" = 'z', \"bid"),
        attribute("parent_id) values (1) --"),
        update_operation(evil, &json!([shot]), &json!({"name": "y"})),
        update_operation("Shot", &json!(["' or 1=1 --"]), &json!({"name": "y"})),
        update_operation("Shot", &json!([shot]), &json!({"name\" = 'z' --": "y"})),
        delete_operation("Shot", &json!(["' or 1=1 --"])),
        delete_operation(evil, &json!([shot])),
    ];
    for operation in operations {
        let error = site.refused(&operation);
        assert!(
            ["ParseError", "NotFoundError"].contains(&exception(&error)),
            "{error}"
        );
    }
    assert_eq!(site.count("Shot"), 1);
}

#[test]
fn secrets_stay_out_of_errors() {
    let site = Site::empty();
    let mut data = json!({"username": ["hunter2"]});
    data["email"] = Value::from(3.5);
    let error = site.refused(&create_operation("User", &data));
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn a_thousand_tasks_are_one_batch() {
    let site = Site::with_project();
    let shot = site.shot("010");
    let tasks: Vec<Value> = (0..1000)
        .map(|number| {
            create_operation(
                "Task",
                &json!({"name": format!("t{number}"), "parent_id": shot}),
            )
        })
        .collect();
    let answer = call(&site.server, &Value::from(tasks));
    assert_eq!(answer.as_array().map(Vec::len), Some(1000));
    assert_eq!(site.count("Task"), 1000);
}
