//! Faults, log and reset from outside the process.

use ftrack_protocol::Event;
use ftrack_sandbox::{Sandbox, SandboxOptions, Seed};
use serde_json::{Value, json};

use crate::harness::{Answer, create_component, get, query, send, start_with};

fn start() -> Sandbox {
    start_with(SandboxOptions {
        seed: Seed::Empty,
        ..SandboxOptions::default()
    })
}

fn admin(server: &Sandbox, method: &str, path: &str, body: &str) -> Answer {
    let headers = [
        ("ftrack-user", server.api_user()),
        ("ftrack-api-key", server.api_key()),
    ];
    let url = format!("{}/sandbox/{path}", server.url());
    send(method, &url, &headers, body.as_bytes())
}

#[test]
fn nothing_works_without_the_key() {
    let server = start();
    for (method, path) in [
        ("POST", "faults"),
        ("GET", "faults"),
        ("DELETE", "faults"),
        ("GET", "calls"),
        ("GET", "events"),
        ("GET", "outbox"),
        ("POST", "reset"),
    ] {
        let url = format!("{}/sandbox/{path}", server.url());
        assert_eq!(send(method, &url, &[], b"").status, 401, "{method} {path}");
        let wrong = [("ftrack-user", server.api_user()), ("ftrack-api-key", "x")];
        assert_eq!(send(method, &url, &wrong, b"").status, 401);
    }
}

#[test]
fn faults_are_set_listed_and_cleared() {
    let server = start();
    let lines = "page:status=503:count=1\n\nany:black_hole:skip=1000\n";
    let answer = admin(&server, "POST", "faults", lines);
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"ids": [1, 2]}))
    );
    assert_eq!(get(server.url()).status, 503);
    let listed = admin(&server, "GET", "faults", "").json();
    let expected = json!({
        "id": 1, "fault": "page:status=503:count=1", "matched": 1, "fired": 1,
    });
    assert_eq!(listed[0], expected);
    assert_eq!(admin(&server, "DELETE", "faults", "").status, 204);
    assert_eq!(admin(&server, "GET", "faults", "").json(), json!([]));
}

#[test]
fn no_fault_is_set_when_one_of_them_is_wrong() {
    let server = start();
    let answer = admin(&server, "POST", "faults", "page:refuse\npage:crash");
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("crash"), "{}", answer.text());
    assert!(server.faults().is_empty());
}

#[test]
fn the_way_to_clear_faults_is_never_spoiled() {
    let server = start();
    assert_eq!(
        admin(&server, "POST", "faults", "any:status=500").status,
        200
    );
    assert_eq!(get(server.url()).status, 500);
    assert_eq!(admin(&server, "DELETE", "faults", "").status, 204);
    assert_eq!(get(server.url()).status, 200);
}

#[test]
fn the_log_is_answered_with_bodies_and_filtered() {
    let server = start();
    query(&server, "select id from User");
    create_component(&server, "plate", ".txt", 6);
    get(server.url());
    let all = admin(&server, "GET", "calls", "").json();
    let endpoints = all.as_array().unwrap().iter().map(|call| &call["endpoint"]);
    assert_eq!(endpoints.collect::<Vec<_>>(), ["api", "api", "page"]);
    let created = admin(&server, "GET", "calls?endpoint=api&action=create", "").json();
    assert_eq!(created[0]["actions"], json!(["create"]));
    assert_eq!(created[1], Value::Null);
    assert_eq!(created[0]["declared_bytes"], created[0]["request_bytes"]);
    let body = created[0]["request_body"].as_str().unwrap();
    assert!(body.contains("plate"), "{body}");
    let answer = admin(&server, "GET", "calls?endpoint=nothing", "");
    assert_eq!(answer.status, 422);
}

#[test]
fn the_log_of_events_is_answered_by_topic() {
    let server = start();
    create_component(&server, "plate", ".txt", 6);
    server
        .events()
        .publish(&Event::new("1", "test", json!({"a": 1})));
    let topics = |query: &str| -> Vec<String> {
        let events = admin(&server, "GET", query, "").json();
        let topics = events
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["topic"].as_str());
        topics.map(|topic| topic.unwrap().to_owned()).collect()
    };
    assert_eq!(topics("events"), ["ftrack.update", "test"]);
    assert_eq!(topics("events?topic=ftrack.*"), ["ftrack.update"]);
    let event = &admin(&server, "GET", "events?topic=test", "").json()[0];
    assert_eq!(event["event"]["data"], json!({"a": 1}));
    assert_eq!(event["deliveries"], 0);
}

#[test]
fn a_server_is_reset() {
    let server = start();
    let id = create_component(&server, "plate", ".txt", 6);
    assert_eq!(admin(&server, "POST", "reset", "").status, 204);
    assert!(server.events().records(None).is_empty());
    assert!(query(&server, &format!("Component where id is {id}")).is_empty());
}
