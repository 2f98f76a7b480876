use ftrack_client::entity::{Entity, Field};
use ftrack_client::error::ErrorKind;
use ftrack_client::session::Session;
use ftrack_client::unit_of_work::Committed;
use ftrack_protocol::Value;

use crate::server::Server;

fn id(entity: &Entity) -> String {
    entity.key().unwrap().values[0].to_string()
}

fn batch(server: &Server) -> serde_json::Value {
    serde_json::from_str(&server.last_body()).unwrap()
}

fn new_task(session: &mut Session, name: &str) -> Entity {
    session.create("Task", [("name", name)]).unwrap()
}

#[tokio::test]
async fn a_new_entity_is_sent_with_its_defaults_and_keeps_its_identity() {
    let (server, mut session) = Server::with_session().await;
    let user = session.create("User", [("username", "jane")]).unwrap();
    let key = id(&user);
    server.push(r#"[{"action":"create","data":{"__entity_type__":"User","id":"of the server"}}]"#);
    session.commit().await.unwrap();
    assert_eq!(
        batch(&server),
        serde_json::json!([{"action": "create", "entity_type": "User", "entity_key": [key], "entity_data":
            {"__entity_type__": "User", "id": key, "username": "jane", "is_active": true}}])
    );
    assert_eq!(id(&user), key);
    assert_eq!(
        user.known("username").unwrap(),
        Some("jane".into()),
        "what was sent is known, though the answer does not hold it"
    );
    assert!(session.recorded().is_empty());
}

#[tokio::test]
async fn the_answer_replaces_local_values() {
    let (server, mut session) = Server::with_session().await;
    let task = new_task(&mut session, "a");
    let answer = format!(
        r#"[{{"action":"create","data":{{"__entity_type__":"Task","id":"{}","name":"A"}}}}]"#,
        id(&task)
    );
    server.push(answer.as_str());
    let committed = session.commit().await.unwrap();
    assert_eq!(committed, [Committed::Created(task.id())]);
    assert_eq!(task.known("name").unwrap(), Some("A".into()));
}

#[tokio::test]
async fn references_travel_as_type_and_key() {
    let (server, mut session) = Server::with_session().await;
    let parent = new_task(&mut session, "parent");
    let child = session.create("Task", [("parent", &parent)]).unwrap();
    session
        .set(&parent, "children", vec![child.clone()])
        .unwrap();
    server.push("[]");
    session.commit().await.unwrap();
    let batch = batch(&server);
    let reference =
        |entity: &Entity| serde_json::json!({"__entity_type__": "Task", "id": id(entity)});
    assert_eq!(batch[1]["entity_data"]["parent"], reference(&parent));
    assert_eq!(batch[2]["action"], "update");
    assert_eq!(
        batch[2]["entity_data"]["children"],
        serde_json::json!([reference(&child)])
    );
    assert_eq!(batch.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn after_a_failure_the_changes_are_still_there() {
    let (server, mut session) = Server::with_session().await;
    let task = new_task(&mut session, "a");
    server.push(r#"{"exception":"ValidationError","content":"no"}"#);
    let error = session.commit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    assert_eq!(session.recorded().len(), 1);
    assert_eq!(task.known("name").unwrap(), Some("a".into()));
    server.push("[]");
    session.commit().await.unwrap();
    assert!(session.recorded().is_empty());
}

#[tokio::test]
async fn rolling_back_forgets_new_entities_and_changes() {
    let (server, mut session) = Server::with_session().await;
    server.push(r#"[{"action":"query","data":[{"__entity_type__":"Task","id":"t","name":"a"}],"metadata":{}}]"#);
    let task = session
        .query("Task")
        .unwrap()
        .first()
        .await
        .unwrap()
        .unwrap();
    session.set(&task, "name", "b").unwrap();
    let created = new_task(&mut session, "c");
    session.rollback();
    assert_eq!(task.known("name").unwrap(), Some("a".into()));
    let task_type = session.schemas().get("Task").unwrap().id;
    assert_eq!(session.map().find(task_type, &[id(&created)]), None);
    assert!(
        session.commit().await.unwrap().is_empty(),
        "nothing is sent"
    );
}

#[tokio::test]
async fn nothing_is_sent_for_changes_that_cancel_out() {
    let (server, mut session) = Server::with_session().await;
    let count = server.requests().len();
    let task = new_task(&mut session, "a");
    session.set(&task, "bid", Value::Int(3)).unwrap();
    session.delete(&task).unwrap();
    session.commit().await.unwrap();
    assert_eq!(server.requests().len(), count);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_at_once() {
    let (_server, mut session) = Server::with_session().await;
    let task = new_task(&mut session, "a");
    let refused = |result: Result<(), ftrack_client::error::Error>| result.unwrap_err().to_string();
    assert_eq!(
        refused(session.set(&task, "nme", "b")),
        r#"Task has no attribute "nme""#
    );
    assert_eq!(
        refused(session.set(&task, "id", "b")),
        "Task.id cannot change once it is set"
    );
    assert_eq!(
        session
            .create("Metadata", [("key", "fps")])
            .unwrap_err()
            .to_string(),
        "a new Metadata needs a value of parent_id and key"
    );
    session.reset();
    let error = refused(session.delete(&task));
    assert!(
        error.ends_with("belongs to another session or an earlier cache"),
        "{error}"
    );
}

#[tokio::test]
async fn new_entities_are_not_populated() {
    let (server, mut session) = Server::with_session().await;
    let count = server.requests().len();
    let task = new_task(&mut session, "a");
    assert_eq!(session.value(&task, "bid").await.unwrap(), None);
    assert_eq!(
        session.value(&task, "name").await.unwrap(),
        Some(Field::from("a"))
    );
    assert_eq!(server.requests().len(), count);
}
