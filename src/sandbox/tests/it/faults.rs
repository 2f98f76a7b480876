//! What a plain TCP client sees of each fault.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use ftrack_protocol::Event;
use ftrack_sandbox::{CallFilter, CallRecord, Endpoint, Fault, Sandbox, SandboxOptions, Seed};
use serde_json::{Value, json};

use crate::events_client::{EventClient, handshake};
use crate::harness::{
    call, component_url, create_component, get, hex_md5, put, query, send, split, start_with,
    unique_id, upload, upload_metadata, wait_for,
};

fn start() -> Sandbox {
    start_with(SandboxOptions {
        seed: Seed::Empty,
        ..SandboxOptions::default()
    })
}

fn start_with_fault(fault: &str) -> Sandbox {
    let server = start();
    set(&server, fault);
    server
}

fn set(server: &Sandbox, fault: &str) {
    server.fault(fault.parse::<Fault>().unwrap());
}

/// All that came on a connection, and whether it was reset rather than closed.
#[derive(Debug)]
struct Seen {
    bytes: Vec<u8>,
    reset: bool,
}

impl Seen {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn body(&self) -> &[u8] {
        let head = self
            .bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n");
        head.map_or(&[], |head| &self.bytes[head + 4..])
    }
}

fn connect(url: &str) -> TcpStream {
    let connection = TcpStream::connect(split(url).0).unwrap();
    connection
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    connection
}

fn write_request(connection: &mut TcpStream, request: &Request) -> std::io::Result<()> {
    let (address, path) = split(&request.url);
    let mut head = format!(
        "{} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n",
        request.method,
        request.body.len()
    );
    for (name, value) in &request.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    connection.write_all(format!("{head}\r\n").as_bytes())?;
    connection.write_all(&request.body)
}

fn read_all(connection: &mut TcpStream) -> Seen {
    let mut bytes = Vec::new();
    let reset = match connection.read_to_end(&mut bytes) {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => true,
        Err(error) => panic!("{error}"),
    };
    Seen { bytes, reset }
}

struct Request {
    method: &'static str,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Request {
    fn get(url: String) -> Self {
        Self {
            method: "GET",
            url,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// An API call.
    fn call(server: &Sandbox, operations: &Value) -> Self {
        Self {
            method: "POST",
            url: format!("{}/api", server.url()),
            headers: vec![
                ("ftrack-user", server.api_user().to_owned()),
                ("ftrack-api-key", server.api_key().to_owned()),
            ],
            body: operations.to_string().into_bytes(),
        }
    }

    /// An upload by a new URL.
    fn upload(server: &Sandbox, bytes: &[u8]) -> Self {
        let metadata = upload_metadata(server, &unique_id(), bytes);
        Self {
            method: "PUT",
            url: metadata["url"].as_str().unwrap().to_owned(),
            headers: Vec::new(),
            body: bytes.to_vec(),
        }
    }

    /// A download of a new file.
    fn download(server: &Sandbox, bytes: &[u8]) -> Self {
        let id = unique_id();
        upload(server, &id, bytes);
        Self::get(component_url(server, "get", &id))
    }

    fn send(&self) -> Seen {
        let mut connection = connect(&self.url);
        let written = write_request(&mut connection, self);
        let mut seen = read_all(&mut connection);
        // The first call to meet a reset is told so, and only that one.
        seen.reset |= written.is_err();
        seen
    }
}

fn last_call(server: &Sandbox, endpoint: Endpoint) -> CallRecord {
    server.calls(endpoint).pop().unwrap()
}

#[test]
fn a_refused_connection_is_reset_when_it_is_made() {
    let server = start_with_fault("any:refuse:count=1");
    let mut refused = connect(server.url());
    // Nothing was sent: the reset does not wait for a request.
    let seen = read_all(&mut refused);
    assert!(seen.reset && seen.bytes.is_empty(), "{seen:?}");
    assert_eq!(get(server.url()).status, 200);
    assert_eq!(server.faults()[0].fired, 1);
}

#[test]
fn a_refusal_counts_connections_and_reaches_those_that_are_kept() {
    let server = start_with_fault("any:refuse:skip=1:count=2");
    let mut kept = connect(server.url());
    let request = b"GET /img/thumbnail2.png HTTP/1.1\r\nHost: x\r\n\r\n";
    kept.write_all(request).unwrap();
    kept.read_exact(&mut [0; 12]).unwrap();
    assert!(read_all(&mut connect(server.url())).reset);
    kept.write_all(request).unwrap();
    assert!(read_all(&mut kept).reset);
    assert_eq!(get(server.url()).status, 200);
}

#[test]
fn a_refused_request_is_reset_and_others_are_not() {
    let server = start();
    let bytes = vec![7; 100_000];
    let request = Request::upload(&server, &bytes);
    set(&server, "upload:refuse:count=1");
    assert_eq!(get(server.url()).status, 200);
    let seen = request.send();
    assert!(seen.reset && seen.bytes.is_empty(), "{seen:?}");
    let call = last_call(&server, Endpoint::Upload);
    assert_eq!((call.status, call.faults), (None, vec!["refuse"]));
    assert!(request.send().text().starts_with("HTTP/1.1 200"));
}

#[test]
fn an_upload_is_reset_before_in_and_after_its_body() {
    let server = start();
    let bytes = vec![7; 3_000_000];
    let request = Request::upload(&server, &bytes);
    let received = |point: &str| {
        server.clear_faults();
        set(&server, &format!("upload:reset={point}"));
        let seen = request.send();
        assert!(seen.reset && seen.bytes.is_empty(), "{point}: {seen:?}");
        last_call(&server, Endpoint::Upload).request_bytes
    };
    assert_eq!(received("before"), 0);
    let half = received("middle");
    assert!((1_500_000..3_000_000).contains(&half), "{half}");
    assert_eq!(received("after"), 3_000_000);
}

#[test]
fn a_download_is_reset_before_in_and_after_its_body() {
    let server = start();
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let request = Request::download(&server, &bytes);
    let sent = |point: &str| {
        server.clear_faults();
        set(&server, &format!("download:reset={point}"));
        let mut connection = connect(&request.url);
        write_request(&mut connection, &request).unwrap();
        // A reset discards what has come and was not read yet: it is what was sent that counts.
        assert!(read_all(&mut connection).reset, "{point}");
        last_call(&server, Endpoint::Download).response_bytes
    };
    assert_eq!(sent("before"), 0);
    assert_eq!(sent("middle"), 100_000);
    assert_eq!(sent("after"), 200_000);
}

#[test]
fn a_status_is_answered_after_the_whole_body() {
    let server = start();
    let bytes = vec![7; 3_000_000];
    let request = Request::upload(&server, &bytes);
    set(
        &server,
        "upload:status=503:count=2:retry_after=1:body=Slow: down",
    );
    for _ in 0..2 {
        let seen = request.send();
        assert!(seen.text().starts_with("HTTP/1.1 503"), "{}", seen.text());
        assert!(seen.text().to_lowercase().contains("retry-after: 1\r\n"));
        assert_eq!(seen.body(), b"Slow: down");
    }
    let seen = request.send();
    assert!(seen.text().starts_with("HTTP/1.1 200"), "{}", seen.text());
    let calls = server.calls(Endpoint::Upload);
    let statuses: Vec<_> = calls.iter().filter_map(|call| call.status).collect();
    assert_eq!(statuses, [503, 503, 200]);
    for call in calls {
        assert_eq!(call.declared_bytes, Some(3_000_000));
        assert_eq!(call.request_bytes, 3_000_000);
        assert!(!call.path.contains('?'), "{}", call.path);
    }
}

#[test]
fn every_status_is_answered() {
    let server = start();
    for status in [400, 401, 403, 408, 429, 500, 502, 503, 504] {
        server.clear_faults();
        set(&server, &format!("page:status={status}"));
        assert_eq!(get(server.url()).status, status);
    }
}

#[test]
fn an_error_comes_under_status_200() {
    let server = start();
    let upload = Request::upload(&server, b"pixels");
    set(&server, "any:error_body");
    let answer = call(&server, &json!([{"action": "query", "expression": "User"}]));
    assert_eq!(answer["exception"], "InternalError");
    let seen = upload.send();
    assert!(seen.text().starts_with("HTTP/1.1 200"), "{}", seen.text());
    assert!(seen.text().contains("<Code>InternalError</Code>"));
}

#[test]
fn tags_are_wrong_or_missing() {
    let server = start();
    let id = unique_id();
    let metadata = upload_metadata(&server, &id, b"pixels");
    let tag = format!("\"{}\"", hex_md5(b"pixels"));
    set(&server, "upload:wrong_etag:count=1");
    let answer = put(&metadata, b"pixels");
    assert_eq!(answer.status, 200);
    assert_ne!(answer.header("etag").unwrap(), tag);
    set(&server, "upload:no_etag:count=1");
    assert_eq!(put(&metadata, b"pixels").header("etag"), None);
    assert_eq!(put(&metadata, b"pixels").header("etag"), Some(&*tag));
}

#[test]
fn half_of_an_answer_comes() {
    let server = start();
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let download = Request::download(&server, &bytes);
    let upload = Request::upload(&server, b"pixels");
    set(&server, "any:truncate");
    let seen = download.send();
    assert!(!seen.reset);
    assert!(
        seen.text()
            .to_lowercase()
            .contains("content-length: 200000")
    );
    assert_eq!(seen.body(), &bytes[..100_000]);
    let seen = upload.send();
    assert!(!seen.reset && seen.body().is_empty());
    assert!(seen.text().to_lowercase().contains("content-length: 1\r\n"));
    let seen = Request::call(&server, &json!([{"action": "query", "expression": "User"}])).send();
    assert!(!seen.body().is_empty() && !seen.body().ends_with(b"]"));
}

#[test]
fn a_commit_is_applied_and_its_answer_lost() {
    let server = start_with_fault("api:lost_answer:action=create:count=1");
    let id = unique_id();
    let create = json!([{
        "action": "create", "entity_type": "FileComponent",
        "entity_data": {"__entity_type__": "FileComponent", "id": id, "name": "plate"},
    }]);
    let seen = Request::call(&server, &create).send();
    assert!(seen.reset && seen.bytes.is_empty(), "{seen:?}");
    let found = query(&server, &format!("FileComponent where id is {id}"));
    assert_eq!(found.len(), 1);
    let calls = server.calls(CallFilter {
        endpoint: None,
        action: Some("create".to_owned()),
    });
    assert_eq!((calls.len(), calls[0].status), (1, None));
    assert_eq!(calls[0].faults, ["lost_answer"]);
}

#[test]
fn urls_expire() {
    let server = start();
    let request = Request::upload(&server, b"pixels");
    set(&server, "upload:expired:count=1");
    let seen = request.send();
    assert!(seen.text().starts_with("HTTP/1.1 403"), "{}", seen.text());
    assert!(
        seen.text()
            .contains("<Code>AccessDenied</Code><Message>Request has expired")
    );
    assert!(request.send().text().starts_with("HTTP/1.1 200"));
}

#[test]
fn a_black_hole_holds_requests_until_faults_are_cleared() {
    let server = start();
    let id = create_component(&server, "plate", ".txt", 6);
    upload(&server, &id, b"pixels");
    set(&server, "download:black_hole");
    let request = Request::get(component_url(&server, "get", &id));
    let mut connection = connect(&request.url);
    write_request(&mut connection, &request).unwrap();
    wait_for(|| (server.faults()[0].fired == 1).then_some(()));
    connection
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let error = connection.read_exact(&mut [0]).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{error}"
    );
    server.clear_faults();
    connection
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    assert!(read_all(&mut connection).reset);
    assert_eq!(request.send().body(), b"pixels");
}

#[test]
fn a_request_that_is_held_is_carried_out_when_faults_are_cleared() {
    let server = start();
    let request = Request::upload(&server, b"pixels");
    set(&server, "upload:hold");
    let mut connection = connect(&request.url);
    write_request(&mut connection, &request).unwrap();
    wait_for(|| (server.faults()[0].fired == 1).then_some(()));
    assert!(server.calls(Endpoint::Upload).is_empty());
    server.clear_faults();
    assert!(read_all(&mut connection).text().starts_with("HTTP/1.1 200"));
}

#[test]
fn one_part_fails_and_others_pass() {
    let server = start();
    let answer = call(
        &server,
        &json!([{
            "action": "get_upload_metadata", "component_id": unique_id(), "file_name": "plate.exr", "file_size": 4,
            "checksum": null, "parts": 2,
        }]),
    );
    set(&server, "upload:status=503:part=2");
    let statuses = [0, 1].map(|index| {
        let url = answer[0]["urls"][index]["signed_url"].as_str().unwrap();
        send("PUT", url, &[], b"xx").status
    });
    assert_eq!(statuses, [200, 503]);
}

#[test]
fn a_black_hole_does_not_hold_up_the_end_of_the_server() {
    let mut server = start_with_fault("any:black_hole");
    let mut connection = connect(server.url());
    connection
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    connection.shutdown(Shutdown::Write).unwrap();
    let started = Instant::now();
    server.stop();
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn answers_are_late() {
    let server = start_with_fault("page:latency=200");
    let started = Instant::now();
    assert_eq!(get(server.url()).status, 200);
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[test]
fn bytes_come_one_by_one() {
    let server = start_with_fault("page:slow_loris=2:count=1");
    let request = Request::get(format!("{}/", server.url()));
    let mut connection = connect(&request.url);
    let started = Instant::now();
    write_request(&mut connection, &request).unwrap();
    let length = read_all(&mut connection).bytes.len();
    let least = Duration::from_millis(u64::try_from(length - 1).unwrap());
    assert!(
        length > 100 && started.elapsed() >= least,
        "{length} bytes in {:?}",
        started.elapsed()
    );
    let answer = request.send();
    assert_eq!(answer.bytes.len(), length);
}

#[test]
fn clearing_faults_lets_slow_answers_go() {
    let server = start_with_fault("page:slow_loris=50");
    let request = Request::get(format!("{}/", server.url()));
    let mut connection = connect(&request.url);
    write_request(&mut connection, &request).unwrap();
    connection.read_exact(&mut [0; 2]).unwrap();
    server.clear_faults();
    let started = Instant::now();
    assert!(read_all(&mut connection).bytes.len() > 100);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn bandwidth_limits_uploads_and_downloads() {
    let server = start();
    let bytes = vec![7; 600_000];
    let upload = Request::upload(&server, &bytes);
    let download = Request::download(&server, &bytes);
    set(&server, "any:bandwidth=1000000");
    for request in [upload, download] {
        let started = Instant::now();
        let seen = request.send();
        assert!(seen.text().starts_with("HTTP/1.1 200"));
        // What comes with the head is not held back.
        assert!(
            started.elapsed() >= Duration::from_millis(100),
            "{:?}",
            started.elapsed()
        );
    }
}

#[test]
fn the_event_server_drops_connections_and_falls_silent() {
    let server = start();
    let mut client = EventClient::connect(&server);
    set(&server, "events:drop_connections");
    client.wait_for_end();
    let mut client = EventClient::connect(&server);
    client.subscribe("topic=*");
    set(&server, "events:cut_packet");
    server.events().publish(&Event::new("1", "cut", json!({})));
    client.wait_for_end();
    let mut client = EventClient::connect(&server);
    client.subscribe("topic=*");
    set(&server, "events:silence");
    server.events().publish(&Event::new("1", "lost", json!({})));
    server.clear_faults();
    client.publish("heard", &json!({}));
    assert_eq!(client.next_event()["topic"], "heard");
}

#[test]
fn a_handshake_and_a_connection_fail() {
    let server = start_with_fault("handshake:status=503:count=1");
    assert_eq!(handshake(&server).status, 503);
    set(&server, "events:status=502:count=1");
    assert_eq!(EventClient::open(&server, "any").err(), Some(502));
    EventClient::connect(&server);
}

#[test]
fn faults_of_actions_leave_other_calls_alone() {
    let server = start_with_fault("api:status=500:action=delete");
    let query = json!([{"action": "query", "expression": "User"}]);
    assert!(call(&server, &query).is_array());
    let delete = json!([{"action": "delete", "entity_type": "User", "entity_key": ["x"]}]);
    let seen = Request::call(&server, &delete).send();
    assert!(seen.text().starts_with("HTTP/1.1 500"), "{}", seen.text());
}

#[test]
fn calls_are_kept_with_their_bodies() {
    let server = start();
    let operations = json!([{"action": "query", "expression": "select username from User"}]);
    let answer = call(&server, &operations);
    let record = last_call(&server, Endpoint::Api);
    let body =
        |bytes: Option<bytes::Bytes>| -> Value { serde_json::from_slice(&bytes.unwrap()).unwrap() };
    assert!(record.actions.iter().eq(["query"]));
    assert_eq!(record.status, Some(200));
    assert_eq!(body(record.request_body), operations);
    assert_eq!(body(record.response_body), answer);
    server.clear_calls();
    assert!(server.calls(Endpoint::Any).is_empty());
}
