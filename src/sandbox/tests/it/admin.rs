//! Faults, log and reset from outside the process.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ftrack_protocol::Event;
use ftrack_sandbox::{Endpoint, Sandbox, SandboxOptions, Seed};
use serde_json::{Value, json};

use crate::harness::{Answer, create_component, get, query, send, split, start_with};

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
fn whoever_has_every_connection_refused_can_end_that() {
    let server = start();
    assert_eq!(admin(&server, "POST", "faults", "any:refuse").status, 200);
    for _ in 0..2 {
        let listed = admin(&server, "GET", "faults", "").json();
        assert_eq!(listed[0]["fired"], 0);
    }
    assert_eq!(admin(&server, "GET", "calls", "").status, 200);
    assert_eq!(admin(&server, "DELETE", "faults", "").status, 204);
    assert_eq!(get(server.url()).status, 200);
}

#[test]
fn a_connection_that_a_fault_slowed_down_is_fast_for_what_no_fault_reaches() {
    let server = start();
    admin(&server, "POST", "faults", "page:slow_loris=20:count=1");
    let (address, _) = split(server.url());
    let mut kept = TcpStream::connect(address).unwrap();
    let mut ask = |path: &str| {
        let (user, key) = (server.api_user(), server.api_key());
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nftrack-user: {user}\r\nftrack-api-key: {key}\r\n\r\n"
        );
        kept.write_all(head.as_bytes()).unwrap();
        let started = Instant::now();
        read_answer(&mut kept);
        started.elapsed()
    };
    let (slow, fast) = (ask("/"), ask("/sandbox/calls"));
    assert!(slow > Duration::from_secs(1), "{slow:?}");
    assert!(fast < Duration::from_secs(1), "{fast:?}");
}

/// Reads one answer, and leaves what follows on the connection.
fn read_answer(connection: &mut TcpStream) {
    let mut head = String::new();
    let mut byte = [0];
    while !head.ends_with("\r\n\r\n") {
        connection.read_exact(&mut byte).unwrap();
        head.push(byte[0].into());
    }
    let head = head.to_ascii_lowercase();
    let length = head.split_once("content-length: ").unwrap().1;
    let length = length.split_once("\r\n").unwrap().0.parse().unwrap();
    connection.read_exact(&mut vec![0; length]).unwrap();
}

#[test]
fn unknown_paths_are_logged_and_meet_faults() {
    let server = start();
    let url = format!("{}/no/such/path", server.url());
    assert_eq!(get(&url).status, 404);
    admin(&server, "POST", "faults", "page:status=503");
    assert_eq!(get(&url).status, 503);
    let calls = server.calls(Endpoint::Page);
    let seen: Vec<_> = calls
        .iter()
        .map(|call| (&*call.path, call.status))
        .collect();
    assert_eq!(
        seen,
        [("/no/such/path", Some(404)), ("/no/such/path", Some(503))]
    );
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
