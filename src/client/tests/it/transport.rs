use std::time::{Duration, Instant};

use bytes::Bytes;
use ftrack_client::config::Config;
use ftrack_client::error::{Error, ErrorKind};
use ftrack_client::transport::{Idempotency, Transport};
use tokio::net::TcpListener;

use crate::server::{Reply, Server};

const BODY: Bytes = Bytes::from_static(b"[]");

async fn call(config: Config, idempotency: Idempotency) -> Result<Bytes, Error> {
    let transport = Transport::new(config)?;
    transport.call(BODY, idempotency).await
}

#[tokio::test]
async fn credentials_and_headers_of_the_configuration_are_sent() {
    let server = Server::start(["[1]"]).await;
    let mut config = server.config();
    config.strict_api = true;
    config.headers.push(("X-Studio".into(), "a".into()));
    config.cookies = vec![("a".into(), "1".into()), ("b".into(), "2".into())];
    let answer = call(config, Idempotency::Read).await.unwrap();
    assert_eq!(answer, "[1]");
    let request = &server.requests()[0];
    assert_eq!(request.body, "[]");
    for (name, value) in [
        ("ftrack-user", "jane"),
        ("ftrack-api-key", "s3cr3t-key"),
        ("ftrack-strict-api", "true"),
        ("content-type", "application/json"),
        ("x-studio", "a"),
        ("cookie", "a=1; b=2"),
    ] {
        assert_eq!(request.header(name), value);
    }
}

#[tokio::test]
async fn failures_of_the_server_are_typed() {
    for (status, body, kind) in [
        (
            200,
            r#"{"exception":"ParseError","content":"no"}"#,
            ErrorKind::Server,
        ),
        (
            500,
            r#"{"exception":"ValidationError","content":"no","error_code":"x"}"#,
            ErrorKind::Server,
        ),
        (
            401,
            r#"{"exception":"InvalidCredentialsError","content":"no"}"#,
            ErrorKind::Auth,
        ),
        (200, "<html>", ErrorKind::Decode),
        (404, "Not Found", ErrorKind::Decode),
    ] {
        let server = Server::start([(status, body)]).await;
        let error = call(server.config(), Idempotency::Read).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!error.to_string().contains("s3cr3t-key"), "{error}");
    }
}

#[tokio::test]
async fn reads_are_sent_again_to_a_busy_server_and_writes_are_not() {
    for status in [408, 429, 500, 503] {
        let server = Server::start([(status, "busy"), (200, "[1]")]).await;
        assert_eq!(
            call(server.config(), Idempotency::Read).await.unwrap(),
            "[1]"
        );
        assert_eq!(server.requests().len(), 2);
    }

    let server = Server::start([(503, "busy"), (200, "[1]")]).await;
    let error = call(server.config(), Idempotency::Write).await.unwrap_err();
    assert!(error.to_string().contains("status 503"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_busy_server_is_given_the_time_it_asks_for_within_the_timeout() {
    let busy = |seconds: &str| Reply {
        headers: vec![("retry-after", seconds.to_owned())],
        ..(503, "busy").into()
    };
    for (asked, timeout, waits) in [("1", 60, 1000..9000), ("9", 1, 1000..9000)] {
        let server = Server::start([busy(asked), "[1]".into()]).await;
        let mut config = server.config();
        config.timeout = Duration::from_secs(timeout);
        let began = Instant::now();
        call(config, Idempotency::Read).await.unwrap();
        let waited = began.elapsed().as_millis();
        assert!(waits.contains(&waited), "{asked} s: waited {waited} ms");
    }
}

#[tokio::test]
async fn an_error_object_with_a_busy_status_is_not_asked_for_again() {
    let failure = r#"{"exception":"MaintenanceError","content":"back at noon"}"#;
    let server = Server::start([(503, failure)]).await;
    let error = call(server.config(), Idempotency::Read).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(server.requests().len(), 1);
}

/// Accepts connections and drops each as soon as something was sent; returns how many there were.
async fn dropping_server() -> (
    String,
    tokio::task::JoinHandle<()>,
    std::sync::Arc<std::sync::atomic::AtomicUsize>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = count.clone();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            stream.readable().await.unwrap();
        }
    });
    (url, task, count)
}

#[tokio::test]
async fn a_write_whose_connection_broke_is_not_sent_again() {
    let (url, task, count) = dropping_server().await;
    let config = Config::new(url, "jane", "s3cr3t-key");
    let error = call(config.clone(), Idempotency::Write).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert_eq!(count.load(std::sync::atomic::Ordering::SeqCst), 1);
    let error = call(config, Idempotency::Read).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert!(
        count.load(std::sync::atomic::Ordering::SeqCst) > 2,
        "reads are tried again"
    );
    task.abort();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let config = Config::new(format!("http://{address}"), "jane", "s3cr3t-key");
    let error = call(config, Idempotency::Write).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("could not reach {address} to call the API: ")),
        "{text}"
    );
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let server = Server::start(Vec::<Reply>::new()).await;
    let mut config = server.config();
    config.timeout = Duration::from_millis(50);
    let error = call(config, Idempotency::Read).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(
        error.to_string().contains("timed out after 0.05 s"),
        "{error}"
    );
}

#[tokio::test]
async fn redirects_to_another_host_are_not_followed() {
    let target = Server::start(["[1]"]).await;
    let elsewhere = target.url.replace("127.0.0.1", "localhost");
    let redirect = Reply {
        status: 307,
        headers: vec![("location", format!("{elsewhere}/api"))],
        body: String::new(),
    };
    let server = Server::start([redirect]).await;
    let error = call(server.config(), Idempotency::Read).await.unwrap_err();
    assert!(error.to_string().contains("status 307"), "{error}");
    assert!(
        target.requests().is_empty(),
        "the key must not travel there"
    );
}

#[test]
fn an_address_that_is_none_is_refused() {
    for address in [
        "",
        "studio.example.com",
        "ftp://studio.example.com",
        "http://",
    ] {
        let error = Transport::new(Config::new(address, "jane", "k")).unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::InvalidArgument,
            "{address}: {error}"
        );
    }
}

#[test]
fn a_header_that_cannot_be_sent_is_named_without_its_value() {
    let config = Config::new("http://127.0.0.1:1", "jane", "two\nlines");
    let runtime = ftrack_client::runtime::handle().unwrap();
    let error = runtime
        .block_on(call(config, Idempotency::Read))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the HTTP header ftrack-api-key cannot hold this text"
    );
}
