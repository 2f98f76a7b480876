//! A connection carries packets, stays alive by itself, and notices when the server has gone.

use std::time::Duration;

use ftrack_client::config::Config;
use ftrack_client::error::ErrorKind;
use ftrack_client::event_hub::{self, Backoff, Connection, Heartbeats, Options};
use ftrack_sandbox::seed::Seed;
use ftrack_sandbox::{EventOptions, Sandbox, SandboxOptions};
use tokio::net::TcpListener;
use tokio::time::timeout;

/// How long anything may take; nothing takes as long.
const PATIENCE: Duration = Duration::from_secs(20);
const HEARTBEAT: Duration = Duration::from_millis(50);

async fn start() -> Sandbox {
    let options = SandboxOptions {
        seed: Seed::Empty,
        events: EventOptions {
            heartbeat: HEARTBEAT,
            close_timeout: Duration::from_secs(2),
            ..EventOptions::default()
        },
        ..SandboxOptions::default()
    };
    tokio::task::spawn_blocking(|| Sandbox::start(options).unwrap())
        .await
        .unwrap()
}

fn config(server: &Sandbox) -> Config {
    Config::new(server.url(), server.api_user(), server.api_key())
}

fn impatient() -> Options {
    Options {
        least_patience: 2 * HEARTBEAT,
        ..Options::default()
    }
}

async fn receive(connection: &Connection) -> Option<Vec<String>> {
    timeout(PATIENCE, connection.receive()).await.unwrap()
}

/// Stops the server, which waits for its threads.
async fn stop(server: Sandbox) {
    tokio::task::spawn_blocking(|| drop(server)).await.unwrap();
}

#[tokio::test]
async fn packets_go_both_ways() {
    let server = start().await;
    let connection = event_hub::connect(&config(&server), &Options::default())
        .await
        .unwrap();
    assert!(connection.is_connected());
    assert_eq!(receive(&connection).await.unwrap(), ["1::"]);
    let event = r#"5:1+::{"name":"ftrack.event","args":[{"topic":"test"}]}"#;
    connection.send(event.to_owned()).await.unwrap();
    assert_eq!(
        receive(&connection).await.unwrap(),
        [r#"6:::1+[{"success":true}]"#]
    );
    connection.close().await;
    assert!(!connection.is_connected());
    assert_eq!(receive(&connection).await, None);
    assert_eq!(
        connection.send("2::".to_owned()).await.unwrap_err().kind(),
        ErrorKind::Connection
    );
    stop(server).await;
}

#[tokio::test]
async fn heartbeats_are_answered_while_nobody_takes_packets() {
    let server = start().await;
    let connection = event_hub::connect(&config(&server), &Options::default())
        .await
        .unwrap();
    // Longer than the server puts up with silence.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(connection.is_connected());
    assert_eq!(receive(&connection).await.unwrap(), ["1::"]);
    stop(server).await;
}

#[tokio::test]
async fn heartbeats_are_left_to_who_wants_them() {
    let server = start().await;
    let options = Options {
        heartbeats: Heartbeats::Delivered,
        ..Options::default()
    };
    let connection = event_hub::connect(&config(&server), &options)
        .await
        .unwrap();
    let mut packets = Vec::new();
    while packets.len() < 3 {
        packets.extend(receive(&connection).await.unwrap());
    }
    assert_eq!(packets[..3], ["1::", "2::", "2::"]);
    stop(server).await;
}

#[tokio::test]
async fn a_silent_server_is_given_up_within_two_heartbeats() {
    let server = start().await;
    let connection = event_hub::connect(&config(&server), &impatient())
        .await
        .unwrap();
    assert_eq!(receive(&connection).await.unwrap(), ["1::"]);
    // Enough heartbeats to know their rhythm.
    tokio::time::sleep(6 * HEARTBEAT).await;
    server.events().silence(true);
    assert_eq!(receive(&connection).await, None);
    assert!(!connection.is_connected());
    assert!(
        connection.silence() < Duration::from_secs(1),
        "{:?}",
        connection.silence()
    );
    stop(server).await;
}

#[tokio::test]
async fn a_broken_connection_is_made_again() {
    let server = start().await;
    let connection = event_hub::connect(&config(&server), &Options::default())
        .await
        .unwrap();
    assert_eq!(receive(&connection).await.unwrap(), ["1::"]);
    server.events().drop_all();
    assert_eq!(receive(&connection).await, None);
    let backoff = Backoff::new(Duration::from_millis(10));
    let (config, options) = (config(&server), Options::default());
    let again = event_hub::connect_again(&config, &options, backoff);
    let again = timeout(PATIENCE, again).await.unwrap();
    assert_eq!(receive(&again).await.unwrap(), ["1::"]);
    stop(server).await;
}

#[tokio::test]
async fn refused_credentials_are_named_without_the_key() {
    let server = start().await;
    let config = Config::new(server.url(), "jane", "wrong-key");
    let error = event_hub::connect(&config, &Options::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(!error.to_string().contains("wrong-key"), "{error}");
    stop(server).await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = Config {
        timeout: Duration::from_millis(100),
        ..Config::new(format!("http://{address}"), "jane", "key")
    };
    let error = event_hub::connect(&config, &Options::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    drop(listener);
    let error = event_hub::connect(&config, &Options::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
}
