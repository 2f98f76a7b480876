//! Going back to the start, and starting from what another server had.

use std::time::{Duration, Instant};

use ftrack_sandbox::{CallFilter, Sandbox, SandboxOptions, Seed, SnapshotError, StartError};
use serde_json::{Value, json};

use crate::events_client::EventClient;
use crate::harness::{
    call, component_url, create_component, get, put, query, start, start_with, unique_id, upload,
    upload_metadata,
};

fn names(server: &Sandbox) -> Vec<Value> {
    query(server, "select name from Project order by name")
}

#[test]
fn a_reset_undoes_what_clients_did() {
    let server = start();
    let before = names(&server);
    let id = create_component(&server, "plate", ".txt", 6);
    upload(&server, &id, b"pixels");
    let delete = json!([{
        "action": "delete", "entity_type": "Project", "entity_key": [before[0]["id"]],
    }]);
    assert!(call(&server, &delete).is_array());
    assert_ne!(names(&server), before);
    server.fault("any:latency=1".parse().unwrap());
    let key = server.api_key().to_owned();

    server.reset().unwrap();
    assert!(server.calls(CallFilter::default()).is_empty());
    assert!(server.faults().is_empty());
    assert_eq!(server.api_key(), key);
    assert_eq!(names(&server), before);
    assert!(query(&server, &format!("Component where id is {id}")).is_empty());
    assert_eq!(get(&component_url(&server, "get", &id)).status, 404);
}

#[test]
fn a_server_works_on_after_resets() {
    let server = start();
    for _ in 0..3 {
        let id = create_component(&server, "plate", ".txt", 6);
        upload(&server, &id, b"pixels");
        assert_eq!(get(&component_url(&server, "get", &id)).body, b"pixels");
        server.reset().unwrap();
    }
}

#[test]
fn connections_to_the_event_server_outlive_a_reset() {
    let server = start();
    let mut client = EventClient::connect(&server);
    client.subscribe("topic=heard");
    server.reset().unwrap();
    client.publish("heard", &json!({}));
    assert_eq!(client.next_event()["topic"], "heard");
}

#[test]
fn upload_urls_of_before_a_reset_are_refused() {
    let server = start();
    let metadata = upload_metadata(&server, &unique_id(), b"pixels");
    server.reset().unwrap();
    assert_eq!(put(&metadata, b"pixels").status, 403);
    upload(&server, &unique_id(), b"pixels");
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "the time depends on the machine: it is shown, not judged"
)]
fn a_reset_is_measured() {
    let server = start();
    let mut times: Vec<Duration> = (0..20)
        .map(|_| {
            let started = Instant::now();
            server.reset().unwrap();
            started.elapsed()
        })
        .collect();
    times.sort();
    eprintln!("reset: median {:?}, most {:?}", times[10], times[19]);
}

#[tokio::test]
async fn a_reset_works_inside_an_async_program() {
    start().reset().unwrap();
}

#[test]
fn a_server_starts_with_the_snapshot_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep").join("state");
    let server = start();
    let id = create_component(&server, "plate", ".txt", 6);
    upload(&server, &id, b"pixels");
    server.snapshot(&path).unwrap();
    let (before, key) = (names(&server), server.api_key().to_owned());
    drop(server);

    let server = start_with(SandboxOptions {
        seed: Seed::Empty,
        snapshot: Some(path),
        ..SandboxOptions::default()
    });
    let holds_all = |server: &Sandbox| {
        assert_eq!(names(server), before);
        assert_eq!(get(&component_url(server, "get", &id)).body, b"pixels");
    };
    assert_eq!(server.api_key(), key);
    holds_all(&server);
    assert_eq!(get(&component_url(&server, "remove", &id)).status, 200);
    server.reset().unwrap();
    holds_all(&server);
}

#[test]
fn a_snapshot_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start();
    let error = server.snapshot(folder.path()).unwrap_err();
    assert!(matches!(error, SnapshotError::Exists { .. }), "{error}");
    server.stop();
    let error = server.snapshot(&folder.path().join("state")).unwrap_err();
    assert!(matches!(error, SnapshotError::Stopped), "{error}");
}

#[test]
fn a_folder_that_is_no_snapshot_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Sandbox::start(SandboxOptions {
        snapshot: Some(folder.path().join("nowhere")),
        ..SandboxOptions::default()
    })
    .unwrap_err();
    assert!(matches!(error, StartError::Snapshot { .. }), "{error}");
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn a_folder_with_data_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let server = start();
    server.snapshot(&path).unwrap();
    let data = folder.path().join("data");
    let options = |snapshot| SandboxOptions {
        seed: Seed::Empty,
        data_dir: Some(data.clone()),
        snapshot,
        ..SandboxOptions::default()
    };
    drop(start_with(options(None)));
    assert!(names(&start_with(options(Some(path)))).is_empty());
}

#[test]
fn the_state_to_return_to_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let options = || SandboxOptions {
        data_dir: Some(folder.path().to_owned()),
        ..SandboxOptions::default()
    };
    let server = start_with(options());
    let id = create_component(&server, "plate", ".txt", 6);
    drop(server);
    let server = start_with(options());
    let expression = format!("Component where id is {id}");
    assert_eq!(query(&server, &expression).len(), 1);
    server.reset().unwrap();
    assert!(query(&server, &expression).is_empty());
}
