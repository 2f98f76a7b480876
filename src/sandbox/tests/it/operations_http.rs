//! Calls as HTTP: headers, status codes, malformed bodies, limits and browsers.

use ftrack_sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};

use crate::harness::{Answer, call, get, send, start, start_with, unique_id, upload_metadata};
use crate::site::exception;

fn post(server: &Sandbox, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut all = vec![
        ("ftrack-user", server.api_user()),
        ("ftrack-api-key", server.api_key()),
    ];
    all.extend_from_slice(headers);
    send(
        "POST",
        &format!("{}/api", server.url()),
        &all,
        body.as_bytes(),
    )
}

fn post_one(server: &Sandbox, headers: &[(&str, &str)], operation: &Value) -> Answer {
    post(server, headers, &json!([operation]).to_string())
}

#[test]
fn strict_clients_learn_of_errors_by_status() {
    let server = start();
    let strict = [("ftrack-strict-api", "true")];
    for (operation, status) in [
        (json!({"action": "query", "expression": "select"}), 400),
        (json!({"action": "no_such_action"}), 400),
        (
            json!({"action": "delete", "entity_type": "Task", "entity_key": [unique_id()]}),
            404,
        ),
        (json!({"action": "configure_totp"}), 422),
    ] {
        let answer = post_one(&server, &strict, &operation);
        assert_eq!(answer.status, status, "{operation}");
        assert!(answer.json()["exception"].is_string());
        let lenient = post_one(&server, &[("ftrack-strict-api", "false")], &operation);
        assert_eq!(lenient.status, 200);
        assert_eq!(lenient.json(), answer.json());
    }
    let wrong = [
        ("ftrack-user", "nobody"),
        ("ftrack-api-key", "wrong"),
        strict[0],
    ];
    let url = format!("{}/api", server.url());
    let answer = send("POST", &url, &wrong, b"[]");
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error_code"], "api_credentials_invalid");
}

#[test]
fn launchers_learn_the_version_from_a_header() {
    let server = start();
    let answer = get(server.url());
    let information = post_one(&server, &[], &json!({"action": "query_server_information"}));
    let version = answer.header("ftrack_version").unwrap();
    assert_eq!(information.json()[0]["version"], version);
}

#[test]
fn options_come_in_either_spelling() {
    let server = start();
    let operation = json!({"action": "query", "expression": "select"});
    for (options, status) in [
        ("strict:1;denormalize:1", 400),
        ("denormalize=TRUE;strict=True", 400),
        ("strict:0", 200),
        ("strict=false;denormalize=1", 200),
        ("nonsense", 200),
    ] {
        let answer = post_one(&server, &[("ftrack-api-options", options)], &operation);
        assert_eq!(answer.status, status, "{options}");
    }
}

#[test]
fn denormalized_answers_repeat_entities() {
    let server = start();
    let operation = json!({"action": "query", "expression": "select name, project.name from Shot order by project_id limit 2"});
    let second_project = |options: &str| {
        let answer = post_one(&server, &[("ftrack-api-options", options)], &operation);
        answer.json()[0]["data"][1]["project"]["name"].clone()
    };
    assert!(second_project("strict:1;denormalize:1").is_string());
    assert_eq!(second_project("strict:1;denormalize:0"), Value::Null);
    assert_eq!(second_project("denormalize:1"), Value::Null);
}

#[test]
fn malformed_bodies_are_refused_member_by_member() {
    let server = start();
    for (operation, member, code) in [
        (
            json!({"action": "query"}),
            "expression",
            "value_error.missing",
        ),
        (
            json!({"action": "query", "expression": 7}),
            "expression",
            "type_error.str",
        ),
        (
            json!({"action": "create", "entity_type": "Task"}),
            "entity_data",
            "value_error.missing",
        ),
        (
            json!({"action": "create", "entity_type": "Task", "entity_data": []}),
            "entity_data",
            "type_error.dict",
        ),
        (
            json!({"action": "update", "entity_type": "Task", "entity_data": {}}),
            "entity_key",
            "value_error.missing",
        ),
        (
            json!({"action": "delete", "entity_type": "Task"}),
            "entity_key",
            "value_error.missing",
        ),
        (
            json!({"action": "search", "entity_type": "Task"}),
            "terms",
            "value_error.missing",
        ),
        (
            json!({"action": "search", "entity_type": "Task", "terms": "a"}),
            "terms",
            "type_error.list",
        ),
        (
            json!({"action": "get_upload_metadata"}),
            "component_id",
            "value_error.missing",
        ),
        (
            json!({"action": "get_upload_metadata", "component_id": "a", "parts": "x"}),
            "parts",
            "type_error.integer",
        ),
        (
            json!({"action": "complete_multipart_upload", "component_id": "a", "upload_id": "b"}),
            "parts",
            "value_error.missing",
        ),
        (
            json!({"action": "encode_media", "component_id": "a", "keep_original": 1}),
            "keep_original",
            "type_error.bool",
        ),
        (
            json!({"action": "query_server_information", "values": "version"}),
            "values",
            "type_error.list",
        ),
        (
            json!({"action": "get_widget_url"}),
            "name",
            "value_error.missing",
        ),
        (
            json!({"action": "send_user_invite"}),
            "user_id",
            "value_error.missing",
        ),
        (
            json!({"action": "delayed_job"}),
            "job_type",
            "value_error.missing",
        ),
        (
            json!({"action": "assume_user"}),
            "user_id",
            "value_error.missing",
        ),
    ] {
        let batch = json!([{"action": "query_schemas"}, operation]);
        let answer = post(&server, &[], &batch.to_string());
        assert_eq!(answer.status, 422, "{operation}");
        let detail = answer.json()["detail"][0].clone();
        assert_eq!(detail["loc"], json!(["body", 1, member]), "{operation}");
        assert_eq!(detail["type"], code, "{operation}");
        assert!(detail["msg"].is_string());
    }
}

#[test]
fn bodies_that_are_no_operations_are_refused() {
    let server = start();
    for body in [
        "",
        "{}",
        "[1]",
        "[{}]",
        "[{\"action\": 1}]",
        "not json",
        "[[]]",
    ] {
        let answer = post(&server, &[], body);
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(answer.json()["detail"][0]["loc"][0], "body");
    }
}

#[test]
fn operations_may_hold_metadata() {
    let server = start();
    let operation = json!({"action": "query", "expression": "select id from Task limit 1", "metadata": {"a": [1]}});
    assert_eq!(post_one(&server, &[], &operation).status, 200);
}

#[test]
fn a_batch_has_a_greatest_length() {
    let server = start_with(SandboxOptions {
        batch_limit: 2,
        ..SandboxOptions::default()
    });
    let batch = |length: usize| json!(vec![json!({"action": "compute_rollups"}); length]);
    assert!(call(&server, &batch(2)).is_array());
    let error = call(&server, &batch(3));
    assert_eq!(exception(&error), "ValidationError");
    assert!(error["content"].as_str().unwrap().contains("2 operations"));
}

#[test]
fn a_query_has_a_greatest_depth() {
    let server = start_with(SandboxOptions {
        query_depth_limit: 2,
        ..SandboxOptions::default()
    });
    let query = |condition: &str| {
        let expression = format!("select id from Task where {condition}");
        call(
            &server,
            &json!([{"action": "query", "expression": expression}]),
        )
    };
    assert!(query("(name is a and (name is b))").is_array());
    let error = query("(name is a and (name is b and (name is c)))");
    assert_eq!(exception(&error), "ParseError");
    assert!(error["content"].as_str().unwrap().contains("2 levels"));
    let search =
        json!({"action": "search", "expression": "Task where (((name is a)))", "terms": []});
    assert_eq!(exception(&call(&server, &json!([search]))), "ParseError");
}

#[test]
fn pages_of_other_sites_may_call() {
    let server = start();
    let url = server.url();
    let origin = ("Origin", "https://studio.example");
    let preflight = [
        origin,
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "content-type,ftrack-api-key,ftrack-user",
        ),
    ];
    let upload = upload_metadata(&server, &unique_id(), b"pixels");
    for target in [
        format!("{url}/api"),
        format!("{url}/component/get"),
        upload["url"].as_str().unwrap().to_owned(),
    ] {
        let answer = send("OPTIONS", &target, &preflight, b"");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), Some(origin.1));
        let methods = answer.header("access-control-allow-methods").unwrap();
        assert!(methods.contains("POST"), "{methods}");
        let headers = answer.header("access-control-allow-headers").unwrap();
        assert!(headers.contains("ftrack-api-key"), "{headers}");
    }
    let answer = post_one(&server, &[origin], &json!({"action": "query_schemas"}));
    assert_eq!(answer.header("access-control-allow-origin"), Some(origin.1));
    assert_eq!(
        answer.header("access-control-allow-credentials"),
        Some("true")
    );
    let exposed = answer.header("access-control-expose-headers").unwrap();
    assert!(exposed.to_ascii_lowercase().contains("etag"), "{exposed}");
    assert_eq!(get(&format!("{url}/api")).status, 405);
}

#[test]
fn applications_have_icons() {
    let server = start();
    let icon = get(&format!("{}/application_icons/maya.png", server.url()));
    assert_eq!(icon.status, 200);
    assert_eq!(icon.header("content-type"), Some("image/png"));
}

#[test]
fn facts_about_the_server_are_answered_by_name() {
    let server = start();
    let ask = |values: Value| {
        let operation = json!({"action": "query_server_information", "values": values});
        post_one(&server, &[], &operation).json()[0].clone()
    };
    let usual = ask(Value::Null);
    let names: Vec<_> = usual.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "is_timezone_support_enabled",
            "schema_hash",
            "storage_scenario",
            "version"
        ]
    );
    let asked = [
        "custom_widget",
        "default_colors",
        "is_nested_subqueries_enabled",
        "license",
        "preferred_language",
        "week_startday",
        "workday_length",
        "display_week_numbers",
        "storage_limit",
        "display_task_dates_as_time",
        "company_information",
        "user_information",
        "product",
        "schema_hash",
        "version",
    ];
    let facts = ask(json!(asked));
    for name in asked {
        assert!(facts.as_object().unwrap().contains_key(name), "{name}");
    }
    let user = &facts["user_information"];
    assert_eq!(user["username"], server.api_user());
    assert_eq!(user["restricted_user"], false);
    assert!(user["access_key_id"].is_string());
}
