//! Going back to the start, and starting from what another server had.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ftrack_sandbox::{CallFilter, Sandbox, SandboxOptions, Seed, SnapshotError, StartError};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::events_client::EventClient;
use crate::harness::{
    SERVER_LOCATION, call, component_url, create_component, get, put, query, start, start_with,
    unique_id, upload, upload_metadata,
};
use crate::site::{create_operation, delete_operation};

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

/// Uploads files, registers them and deletes some of them again, until the flag is set.
fn publish_until(stop: &AtomicBool, server: &Sandbox) {
    while !stop.load(Ordering::Relaxed) {
        let id = unique_id();
        let metadata = upload_metadata(server, &id, b"pixels");
        if put(&metadata, b"pixels").status != 200 {
            continue;
        }
        let component = json!({"id": id, "name": "plate", "file_type": ".txt"});
        let location = json!({
            "component_id": id, "location_id": SERVER_LOCATION, "resource_identifier": id,
        });
        let creates = json!([
            create_operation("FileComponent", &component),
            create_operation("ComponentLocation", &location),
        ]);
        // Both may have gone with a reset.
        call(server, &creates);
        if id.starts_with(|first: char| first.is_ascii_digit()) {
            let delete = delete_operation("FileComponent", &json!([id]));
            call(server, &json!([delete]));
        }
    }
}

/// Runs `work` while clients publish.
fn beside_publishing(server: &Sandbox, work: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| publish_until(&stop, server));
        }
        // Set even if the work fails: the scope waits for the clients.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        stop.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

#[test]
fn a_reset_comes_to_its_end_while_clients_publish() {
    let server = start();
    let before = names(&server);
    beside_publishing(&server, || {
        for _ in 0..20 {
            server.fault("page:status=503".parse().unwrap());
            server.reset().unwrap();
            assert!(server.faults().is_empty());
        }
    });
    server.reset().unwrap();
    assert_eq!(names(&server), before);
    upload(&server, &unique_id(), b"pixels");
}

#[test]
fn a_snapshot_has_the_file_of_each_component() {
    let server = start();
    let folder = tempfile::tempdir().unwrap();
    beside_publishing(&server, || {
        for number in 0..8 {
            let path = folder.path().join(number.to_string());
            server.snapshot(&path).unwrap();
        }
    });
    for number in 0..8 {
        let path = folder.path().join(number.to_string());
        let database = Connection::open(path.join("database.sqlite3")).unwrap();
        let sql = "select component_id from component_location where location_id = ?1";
        let mut statement = database.prepare(sql).unwrap();
        let ids = statement.query_map([SERVER_LOCATION], |row| row.get::<_, String>(0));
        for id in ids.unwrap().map(Result::unwrap) {
            let file = path.join("files").join(&id[..2]).join(&id);
            assert!(file.is_file(), "{id} has no file in snapshot {number}");
        }
    }
}

#[test]
fn a_reset_that_was_interrupted_is_finished_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start();
    let id = create_component(&server, "plate", ".txt", 6);
    upload(&server, &id, b"pixels");
    server.snapshot(&folder.path().join("state")).unwrap();
    let options = || SandboxOptions {
        data_dir: Some(data.clone()),
        snapshot: Some(folder.path().join("state")),
        ..SandboxOptions::default()
    };
    let server = start_with(options());
    let later = create_component(&server, "later", ".txt", 6);
    drop(server);
    // As a server leaves it that is killed when its files have been moved away.
    std::fs::write(data.join("returning"), b"").unwrap();
    std::fs::remove_dir_all(data.join("files")).unwrap();

    let server = start_with(options());
    assert_eq!(get(&component_url(&server, "get", &id)).body, b"pixels");
    assert!(query(&server, &format!("Component where id is {later}")).is_empty());
    assert!(!data.join("returning").exists());
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
