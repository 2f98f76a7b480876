//! The life of a server: ports, folders, restarts, the end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use ftrack_sandbox::{Endpoint, Sandbox, SandboxOptions, StartError};
use serde_json::{Value, json};

use crate::harness::{
    call, component_url, create_component, get, put, query, split, start, start_with, unique_id,
    upload, upload_metadata,
};
use crate::site::{create_operation, delete_operation, update_operation};

fn start_in(folder: &Path) -> Sandbox {
    start_with(SandboxOptions {
        data_dir: Some(folder.to_owned()),
        ..SandboxOptions::default()
    })
}

#[test]
fn servers_take_ports_of_their_own() {
    let (one, other) = (start(), start());
    assert_ne!(one.url(), other.url());
    assert_eq!(get(one.url()).status, 200);
    assert_eq!(get(other.url()).status, 200);
}

#[test]
fn a_taken_port_is_named() {
    let server = start();
    let port: u16 = server.url().rsplit(':').next().unwrap().parse().unwrap();
    let error = Sandbox::start(SandboxOptions {
        port,
        ..SandboxOptions::default()
    })
    .unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }));
    let text = error.to_string();
    assert!(text.contains(&format!("127.0.0.1:{port}: ")), "{text}");
    assert!(text.contains("os error"), "{text}");
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "not a folder").unwrap();
    let options = SandboxOptions {
        data_dir: Some(file.join("data")),
        ..SandboxOptions::default()
    };
    let error = Sandbox::start(options).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("notes.txt"), "{text}");
    // Printed alone or with its causes, it says why once.
    assert_eq!(text.matches("os error").count(), 1, "{text}");
    assert!(std::error::Error::source(&error).is_none());
}

#[test]
fn a_folder_belongs_to_one_server_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let options = || SandboxOptions {
        data_dir: Some(folder.path().to_owned()),
        ..SandboxOptions::default()
    };
    let mut server = start_with(options());
    let error = Sandbox::start(options()).unwrap_err();
    assert!(matches!(error, StartError::InUse { .. }), "{error}");
    server.stop();
    start_with(options());
}

/// Starts a server, has it changed by a client and starts another in the same folder.
fn restarted_after(operation: impl Fn(&Sandbox) -> Value) -> (tempfile::TempDir, Sandbox) {
    let folder = tempfile::tempdir().unwrap();
    let server = start_in(folder.path());
    let answer = call(&server, &json!([operation(&server)]));
    assert!(answer.is_array(), "{answer}");
    drop(server);
    let server = start_in(folder.path());
    assert_eq!(query(&server, "Project").len(), 2);
    (folder, server)
}

fn api_user(server: &Sandbox) -> Value {
    let expression = format!("User where username is \"{}\"", server.api_user());
    query(server, &expression)[0]["id"].clone()
}

#[test]
fn jobs_with_strange_data_keep_no_server_from_starting() {
    for data in [
        json!(null),
        json!("[1]"),
        json!("{"),
        json!("{\"output\": [1]}"),
    ] {
        let job = json!({"type": "encode_media", "status": "queued", "data": data});
        let (_folder, server) = restarted_after(|_| create_operation("Job", &job));
        let jobs = query(&server, "select status from Job where type is encode_media");
        assert_eq!(jobs[0]["status"], "failed", "{data}");
    }
}

#[test]
fn a_user_who_has_shut_out_everybody_is_let_in_by_the_next_start() {
    restarted_after(|server| {
        let inactive = json!({"is_active": false});
        update_operation("User", &json!([api_user(server)]), &inactive)
    });
    restarted_after(|server| delete_operation("User", &json!([api_user(server)])));
    restarted_after(|server| {
        let keys = query(server, "ApiKey");
        delete_operation("ApiKey", &json!([keys[0]["id"]]))
    });
}

#[test]
fn a_temporary_server_leaves_nothing() {
    let mut server = start();
    let folder = server.data_dir().to_owned();
    upload(&server, &unique_id(), b"pixels");
    assert!(folder.is_dir());
    server.stop();
    assert!(!folder.exists());
    server.stop();
}

#[test]
fn a_folder_outlives_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_in(folder.path());
    let id = create_component(&server, "plate", ".txt", 6);
    upload(&server, &id, b"pixels");
    let (user, key) = (server.api_user().to_owned(), server.api_key().to_owned());
    drop(server);

    let server = start_in(folder.path());
    assert_eq!(
        (server.api_user(), server.api_key()),
        (user.as_str(), key.as_str())
    );
    let answer = get(&component_url(&server, "get", &id));
    assert_eq!(answer.body, b"pixels");
    assert_eq!(answer.header("content-type"), Some("text/plain"));
}

#[test]
fn a_new_folder_has_the_user_asked_for() {
    let api_user = "maja.nowak@studio.example".to_owned();
    let server = start_with(SandboxOptions {
        api_user: api_user.clone(),
        ..SandboxOptions::default()
    });
    assert_eq!(server.api_user(), api_user);
    let answer = call(&server, &json!([{"action": "query_server_information"}]));
    assert!(answer[0]["schema_hash"].is_string(), "{answer}");
}

#[test]
fn an_upload_url_is_good_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_in(folder.path());
    let id = unique_id();
    let mut metadata = upload_metadata(&server, &id, b"pixels");
    let old_url = server.url().to_owned();
    drop(server);

    let server = start_in(folder.path());
    let url = metadata["url"]
        .as_str()
        .unwrap()
        .replace(&old_url, server.url());
    metadata["url"] = json!(url);
    assert_eq!(put(&metadata, b"pixels").status, 200);
}

#[test]
fn stopping_takes_less_than_a_second_whatever_clients_do() {
    let mut server = start();
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let _idle = TcpStream::connect(&address).unwrap();
    let mut kept_alive = TcpStream::connect(&address).unwrap();
    kept_alive
        .write_all(format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())
        .unwrap();
    kept_alive.read_exact(&mut [0; 12]).unwrap();
    let metadata = upload_metadata(&server, &unique_id(), &[0; 1000]);
    let path = metadata["url"]
        .as_str()
        .unwrap()
        .split_once(&address)
        .unwrap()
        .1
        .to_owned();
    let mut half_way = TcpStream::connect(&address).unwrap();
    let head =
        format!("PUT {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1000\r\n\r\nhalf");
    half_way.write_all(head.as_bytes()).unwrap();

    let started = Instant::now();
    server.stop();
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert!(TcpStream::connect(&address).is_err());
}

#[tokio::test]
async fn a_server_starts_and_stops_inside_an_async_program() {
    let mut server = start();
    assert_eq!(get(server.url()).status, 200);
    server.stop();
}

#[test]
fn calls_are_logged_with_their_actions() {
    let server = start();
    let id = unique_id();
    upload(&server, &id, b"pixels");
    call(
        &server,
        &json!([{"action": "no_such_action"}, {"action": "query_schemas"}]),
    );
    let calls = server.calls(Endpoint::Api);
    let actions: Vec<_> = calls
        .iter()
        .map(|call| call.actions.iter().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        actions,
        ["get_upload_metadata", "no_such_action query_schemas"]
    );
    assert!(
        calls
            .iter()
            .all(|call| call.request_bytes > 0 && call.response_bytes > 0)
    );
}

/// Sends the head of an API call with further headers, and some of its body, and returns the status of the answer.
fn status_of(server: &Sandbox, headers: &str, body: &[u8]) -> String {
    let (address, _) = split(server.url());
    let mut connection = TcpStream::connect(address).unwrap();
    let head = format!("POST /api HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n\r\n");
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(body).unwrap();
    let mut status = [0; 12];
    connection.read_exact(&mut status).unwrap();
    String::from_utf8_lossy(&status[9..]).into_owned()
}

#[test]
fn a_call_is_refused_for_its_body() {
    let server = start_with(SandboxOptions {
        body_limit: 1000,
        ..SandboxOptions::default()
    });
    // At once, before any of it is there; and when all of it is sent although nobody asks for it.
    assert_eq!(status_of(&server, "Content-Length: 400000000", b"["), "413");
    let large = vec![b' '; 20 << 20];
    let length = format!("Content-Length: {}", large.len());
    assert_eq!(status_of(&server, &length, &large), "413");
    let chunked = "Transfer-Encoding: chunked";
    let chunk = [b"1000\r\n".as_slice(), &large[..0x1000], b"\r\n0\r\n\r\n"].concat();
    assert_eq!(status_of(&server, chunked, &chunk), "413");
    assert_eq!(status_of(&server, chunked, b"zz\r\n"), "400");
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let server = start_with(SandboxOptions {
        body_limit: 1000,
        ..SandboxOptions::default()
    });
    let answer = call(
        &server,
        &json!([{"action": "query", "expression": "x".repeat(2000)}]),
    );
    assert_eq!(answer["exception"], "ValidationError");
}
