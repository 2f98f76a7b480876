use ftrack_client::error::ErrorKind;
use ftrack_client::schema_cache::{SchemaCache, hash};
use ftrack_client::session::{Session, SessionOptions};

use crate::schemas;
use crate::server::Server;

fn information(schema_hash: &str) -> String {
    format!(r#"[{{"version":"dev","schema_hash":"{schema_hash}"}}]"#)
}

/// Connects to a server whose schemas have this hash, and returns the actions it was asked for.
async fn connect(cache: &SchemaCache, schema_hash: &str) -> Vec<String> {
    let server = Server::start([information(schema_hash).as_str()]).await;
    server.push(format!("[{}]", schemas::JSON).as_str());
    let options = SessionOptions {
        schema_cache: Some(cache.clone()),
        auto_populate: true,
    };
    let session = Session::connect(server.config(), options).await.unwrap();
    assert!(session.schemas().find("Task").is_some());
    server
        .requests()
        .into_iter()
        .map(|request| request.body)
        .collect()
}

#[tokio::test]
async fn schemas_are_asked_for_only_when_the_servers_hash_differs() {
    let folder = tempfile::tempdir().unwrap();
    let cache = SchemaCache::in_folder(folder.path());
    let current = hash(schemas::JSON.as_bytes()).unwrap();
    let asked_who = r#"[{"action":"query_server_information"}]"#;
    let asked_all = [asked_who, r#"[{"action":"query_schemas"}]"#];
    assert_eq!(connect(&cache, &current).await, asked_all);
    assert_eq!(connect(&cache, &current).await, [asked_who]);
    assert_eq!(connect(&cache, "changed").await, asked_all);
    std::fs::write(cache.path(), b"[{").unwrap();
    assert_eq!(connect(&cache, &current).await, asked_all, "damaged");
    assert_eq!(connect(&cache, &current).await, [asked_who], "repaired");
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "").unwrap();
    let cache = SchemaCache::in_folder(&blocked);
    assert_eq!(connect(&cache, "x").await.len(), 2);
}

#[tokio::test]
async fn wrong_credentials_are_an_error_of_their_own() {
    let refusal =
        r#"{"exception":"InvalidCredentialsError","content":"not valid","error_code":null}"#;
    let server = Server::start([refusal]).await;
    let error = Session::connect(server.config(), SessionOptions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(!error.to_string().contains("s3cr3t-key"), "{error}");
}
