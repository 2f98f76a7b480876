//! What follows a commit: once it is there, in the order of commits, whatever becomes of the client.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use ftrack_sandbox::{Fault, Sandbox};
use serde_json::{Value, json};

use crate::harness::{call, component_url, get, query, split, unique_id, upload, wait_for};
use crate::site::{Site, create_operation, delete_operation, update_operation};

/// Sends a batch and does not wait for the answer.
fn send_only(server: &Sandbox, operations: &Value) -> TcpStream {
    let body = operations.to_string();
    let (address, _) = split(server.url());
    let head = format!(
        "POST /api HTTP/1.1\r\nHost: {address}\r\nftrack-user: {}\r\nftrack-api-key: {}\r\nContent-Length: {}\r\n\r\n",
        server.api_user(),
        server.api_key(),
        body.len()
    );
    let mut connection = TcpStream::connect(address).unwrap();
    connection.write_all((head + &body).as_bytes()).unwrap();
    connection
}

/// Creates so many tasks that the writer is busy for a while.
fn many_tasks(site: &Site) -> Value {
    let task = |number: usize| {
        let name = format!("task{number}");
        create_operation("Task", &json!({"name": name, "parent_id": site.project}))
    };
    (0..3000).map(task).collect()
}

#[test]
fn a_client_that_hangs_up_has_its_batch_carried_out_to_the_end() {
    let site = Site::with_project();
    let server = &site.server;
    let id = unique_id();
    let component = json!({"id": id, "name": "plate", "file_type": ".txt"});
    site.done(&create_operation("FileComponent", &component));
    upload(server, &id, b"pixels");
    server.clear_calls();

    let busy = send_only(server, &many_tasks(&site));
    // The batch waits behind the one before, and its client is gone when it is carried out.
    std::thread::sleep(Duration::from_millis(100));
    let gone = send_only(
        server,
        &json!([delete_operation("FileComponent", &json!([id]))]),
    );
    std::thread::sleep(Duration::from_millis(50));
    drop(gone);

    let url = component_url(server, "get", &id);
    wait_for(|| (get(&url).status == 404).then_some(()));
    let expression = format!("FileComponent where id is {id}");
    assert_eq!(query(server, &expression), Vec::<Value>::new());
    let told = server.events().records(Some("ftrack.update"));
    assert!(!told.is_empty(), "nobody was told");
    drop(busy);
}

#[test]
fn events_come_in_the_order_of_commits() {
    let site = Site::with_project();
    let shot = site.shot("sh010");
    site.server.clear_calls();
    let change = |name: String| {
        let update = update_operation("Shot", &json!([shot]), &json!({"description": name}));
        assert!(call(&site.server, &json!([update])).is_array());
    };
    std::thread::scope(|scope| {
        for writer in 0..6 {
            scope.spawn(move || (0..30).for_each(|n| change(format!("{writer}-{n}"))));
        }
    });
    let records = site.server.events().records(Some("ftrack.update"));
    let descriptions: Vec<Value> = records
        .iter()
        .filter_map(|record| serde_json::from_slice::<Value>(record.event.as_deref()?).ok())
        .map(|event| event["data"]["entities"][0]["changes"]["description"].clone())
        .filter(Value::is_object)
        .collect();
    assert_eq!(descriptions.len(), 180);
    for pair in descriptions.windows(2) {
        assert_eq!(pair[0]["new"], pair[1]["old"]);
    }
}

#[test]
fn a_call_that_is_held_is_carried_out_although_its_client_has_given_up() {
    let site = Site::with_project();
    let server = &site.server;
    server.fault("api:hold:count=1".parse::<Fault>().unwrap());
    let id = unique_id();
    let shot = json!({"id": id, "name": "sh010", "parent_id": site.project});
    let gone = send_only(server, &json!([create_operation("Shot", &shot)]));
    wait_for(|| (server.faults()[0].fired == 1).then_some(()));
    // The client gives up once the server has read its call.
    std::thread::sleep(Duration::from_millis(100));
    drop(gone);
    std::thread::sleep(Duration::from_millis(50));
    let found = || site.count(&format!("Shot where id is {id}"));
    assert_eq!(found(), 0);
    server.clear_faults();
    wait_for(|| (found() == 1).then_some(()));
}
