use std::sync::Arc;

use ftrack_client::merge::Answer;
use ftrack_client::transfer::Api;
use ftrack_client::transport::{TransferApi, Transport};
use ftrack_protocol::{Operation, Value};
use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn a_raw_call_leaves_the_cache_alone() {
    let (server, session) = Server::with_session().await;
    server.push(
        r#"[{"action":"query","data":[{"__entity_type__":"User","id":"u"}]},{"widget_url":"x"}]"#,
    );
    let operations = [
        Operation::Query {
            expression: "select id from User".into(),
        },
        Operation::Other {
            action: "get_widget_url".into(),
            members: vec![("name".into(), Value::from("info"))],
        },
    ];
    let (answers, scratch) = session.call(&operations).await.unwrap();
    assert_eq!(
        server.last_body(),
        r#"[{"action":"query","expression":"select id from User"},{"action":"get_widget_url","name":"info"}]"#
    );
    assert_eq!(
        answers[1].get("widget_url").and_then(Answer::as_str),
        Some("x")
    );
    let Some(Answer::List(users)) = answers[0].get("data") else {
        panic!("no data");
    };
    let Answer::Entity(user) = users[0] else {
        panic!("no entity");
    };
    assert_eq!(scratch.key(user).unwrap().to_string(), "User(u)");
    assert!(session.map().is_empty());
}

#[tokio::test]
async fn transfers_call_with_the_credentials_of_the_session() {
    let server = Server::start([r#"[{"url":"https://storage.example.com"}]"#]).await;
    let transport = Arc::new(Transport::new(server.config()).unwrap());
    let api = TransferApi::new(transport).unwrap();
    let answers = api
        .call(vec![json!({"action": "get_upload_metadata"})])
        .await
        .unwrap();
    assert_eq!(answers, [json!({"url": "https://storage.example.com"})]);
    assert_eq!(server.requests()[0].header("ftrack-api-key"), "s3cr3t-key");
}

#[tokio::test]
async fn a_failed_call_of_a_transfer_keeps_its_error() {
    let server = Server::start([r#"{"exception":"PermissionError","content":"no"}"#]).await;
    let transport = Arc::new(Transport::new(server.config()).unwrap());
    let api = TransferApi::new(transport).unwrap();
    let error = api
        .call(vec![json!({"action": "get_upload_metadata"})])
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "server reported error: PermissionError(no)"
    );
    assert!(error.is::<ftrack_client::error::Error>());
}
