//! Commits whose answer is lost: what is asked then, and what follows from the answers.

use ftrack_client::entity::{Entity, Field};
use ftrack_client::error::{Error, Outcome};
use ftrack_client::session::Session;
use ftrack_client::unit_of_work::Committed;
use ftrack_protocol::Value;
use serde_json::{Value as Json, json};

use crate::server::Server;

const NOTHING: &str = r#"[{"action":"query","data":[],"metadata":{}}]"#;

/// What a proxy says when the server behind it is gone.
const LOST: (u16, &str) = (502, "<html>Bad Gateway</html>");

fn id(entity: &Entity) -> String {
    entity.key().unwrap().values[0].to_string()
}

fn found(row: &Json) -> String {
    json!([{"action": "query", "data": [row], "metadata": {}}]).to_string()
}

/// Returns a session that has read a task with the name "before" and the bid 1.
async fn session_with_task() -> (Server, Session, Entity) {
    let (server, session) = Server::with_session().await;
    let row = json!({"__entity_type__": "Task", "id": "t", "name": "before", "bid": 1});
    server.push(found(&row).as_str());
    let task = session.query("Task").unwrap().one().await.unwrap();
    (server, session, task)
}

/// Returns the actions of the calls since the session was made, one text a call.
fn actions(server: &Server) -> Vec<String> {
    let names = |body: &str| {
        let batch: Vec<Json> = serde_json::from_str(body).unwrap();
        let names: Vec<_> = batch.iter().filter_map(|o| o["action"].as_str()).collect();
        names.join(" ")
    };
    let requests = server.requests();
    requests[2..].iter().map(|call| names(&call.body)).collect()
}

fn outcome(error: &Error) -> Option<Outcome> {
    match error {
        Error::AnswerLost { outcome, .. } => *outcome,
        _ => panic!("the answer was not lost: {error}"),
    }
}

#[tokio::test]
async fn a_new_entity_that_is_there_proves_the_commit() {
    let (server, mut session) = Server::with_session().await;
    let task = session.create("Task", [("name", "a")]).unwrap();
    session.create("Task", [("name", "b")]).unwrap();
    server.push(LOST);
    server.push(found(&json!({"__entity_type__": "Task", "id": id(&task)})).as_str());
    let committed = session.commit().await.unwrap();
    assert_eq!(committed[0], Committed::Created(task.id()));
    assert_eq!(committed.len(), 2);
    assert_eq!(actions(&server), ["create create", "query"]);
    assert_eq!(
        serde_json::from_str::<Json>(&server.last_body()).unwrap()[0]["expression"],
        format!("select id from Task where id is {}", id(&task))
    );
    assert!(session.recorded().is_empty());
    assert_eq!(task.known("name").unwrap(), Some("a".into()));
}

#[tokio::test]
async fn a_new_entity_that_is_not_there_is_sent_once_more() {
    let (server, mut session) = Server::with_session().await;
    session.create("Task", [("name", "a")]).unwrap();
    for reply in [LOST, (200, NOTHING), (200, "[]")] {
        server.push(reply);
    }
    session.commit().await.unwrap();
    assert_eq!(actions(&server), ["create", "query", "create"]);
    assert!(session.recorded().is_empty());
}

#[tokio::test]
async fn a_second_attempt_that_the_first_one_overtook_has_succeeded() {
    let (server, mut session) = Server::with_session().await;
    let task = session.create("Task", [("name", "a")]).unwrap();
    server.push(LOST);
    server.push(NOTHING);
    server.push(r#"{"exception":"IntegrityError","content":"duplicate id"}"#);
    server.push(found(&json!({"__entity_type__": "Task", "id": id(&task)})).as_str());
    let committed = session.commit().await.unwrap();
    assert_eq!(committed, [Committed::Created(task.id())]);
}

#[tokio::test]
async fn what_the_server_refuses_the_second_time_is_its_answer() {
    let (server, mut session) = Server::with_session().await;
    session.create("Task", [("name", "a")]).unwrap();
    server.push(LOST);
    server.push(NOTHING);
    server.push(r#"{"exception":"ValidationError","content":"no"}"#);
    server.push(NOTHING);
    let error = session.commit().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "server reported error: ValidationError(no)"
    );
    assert_eq!(session.recorded().len(), 1);
}

#[tokio::test]
async fn losing_two_answers_is_an_error_that_tells_the_outcome() {
    let (server, mut session) = Server::with_session().await;
    session.create("Task", [("name", "a")]).unwrap();
    for reply in [LOST, (200, NOTHING), LOST, (200, NOTHING)] {
        server.push(reply);
    }
    let error = session.commit().await.unwrap_err();
    assert_eq!(outcome(&error), Some(Outcome::NotMade));
    let text = error.to_string();
    assert!(text.contains("status 502"), "{text}");
    assert!(text.ends_with("; the changes were not made"), "{text}");
    assert_eq!(actions(&server).len(), 4);
    assert_eq!(session.recorded().len(), 1);
}

#[tokio::test]
async fn when_the_lookup_fails_too_nobody_can_tell() {
    let (server, mut session) = Server::with_session().await;
    session.create("Task", [("name", "a")]).unwrap();
    server.push(LOST);
    server.push(r#"{"exception":"ParseError","content":"no"}"#);
    let error = session.commit().await.unwrap_err();
    assert_eq!(outcome(&error), None);
    let text = error.to_string();
    assert!(
        text.ends_with("nobody can tell whether the changes were made"),
        "{text}"
    );
    assert_eq!(
        actions(&server),
        ["create", "query"],
        "it is not sent again"
    );
    assert_eq!(session.recorded().len(), 1);
}

#[tokio::test]
async fn an_answer_cut_short_is_lost() {
    let (server, mut session) = Server::with_session().await;
    let task = session.create("Task", [("name", "a")]).unwrap();
    server.push(r#"[{"action":"create","data":{"#);
    server.push(found(&json!({"__entity_type__": "Task", "id": id(&task)})).as_str());
    session.commit().await.unwrap();
    assert_eq!(actions(&server), ["create", "query"]);
}

#[tokio::test]
async fn a_refusal_is_no_lost_answer() {
    for refusal in [
        (
            500,
            r#"{"exception":"IntegrityError","content":"duplicate"}"#,
        ),
        (413, "too large"),
    ] {
        let (server, mut session) = Server::with_session().await;
        session.create("Task", [("name", "a")]).unwrap();
        server.push(refusal);
        let error = session.commit().await.unwrap_err();
        assert!(!error.is_answer_lost(), "{error}");
        assert_eq!(actions(&server), ["create"]);
    }
}

/// Sets the name of the task, loses the answer, and shows `row` when it is looked up.
async fn rename(row: Json) -> (Server, Result<Vec<Committed>, Error>) {
    let (server, mut session, task) = session_with_task().await;
    session.set(&task, "name", "after").unwrap();
    server.push(LOST);
    server.push(found(&row).as_str());
    server.push("[]");
    let result = session.commit().await;
    (server, result)
}

#[tokio::test]
async fn a_value_that_is_there_proves_the_commit() {
    let row = json!({"__entity_type__": "Task", "id": "t", "name": "after"});
    let (server, result) = rename(row).await;
    assert!(matches!(result.unwrap()[..], [Committed::Updated(_)]));
    assert_eq!(actions(&server)[1..], ["update", "query"]);
}

#[tokio::test]
async fn a_value_that_is_as_before_is_sent_once_more() {
    let row = json!({"__entity_type__": "Task", "id": "t", "name": "before"});
    let (server, result) = rename(row).await;
    result.unwrap();
    assert_eq!(actions(&server)[1..], ["update", "query", "update"]);
}

#[tokio::test]
async fn a_value_that_somebody_else_set_meanwhile_is_left_alone() {
    let row = json!({"__entity_type__": "Task", "id": "t", "name": "theirs"});
    let (server, result) = rename(row).await;
    assert_eq!(outcome(&result.unwrap_err()), None);
    assert_eq!(actions(&server)[1..], ["update", "query"]);
}

#[tokio::test]
async fn one_value_as_before_speaks_for_the_whole_batch() {
    let (server, mut session, task) = session_with_task().await;
    session.set(&task, "name", "after").unwrap();
    session.set(&task, "bid", Value::Int(2)).unwrap();
    server.push(LOST);
    let row = json!({"__entity_type__": "Task", "id": "t", "name": "theirs", "bid": 1.0});
    server.push(found(&row).as_str());
    server.push("[]");
    session.commit().await.unwrap();
    assert_eq!(actions(&server)[1..], ["update", "query", "update"]);
}

#[tokio::test]
async fn a_value_that_was_never_read_is_overwritten_as_by_any_commit() {
    let (server, mut session, task) = session_with_task().await;
    session.set(&task, "status_id", "done").unwrap();
    server.push(LOST);
    server.push(found(&json!({"__entity_type__": "Task", "id": "t", "status_id": "wip"})).as_str());
    server.push("[]");
    session.commit().await.unwrap();
    assert_eq!(actions(&server)[1..], ["update", "query", "update"]);
}

#[tokio::test]
async fn references_and_collections_are_compared_by_what_they_hold() {
    let (server, mut session, task) = session_with_task().await;
    let row = |id: &str| json!({"__entity_type__": "Task", "id": id});
    let rows = json!([{"action": "query", "data": [row("a"), row("b")], "metadata": {}}]);
    server.push(rows.to_string().as_str());
    let children = session.query("Task").unwrap().all().await.unwrap();
    session.set(&task, "parent", &children[0]).unwrap();
    session.set(&task, "children", children).unwrap();
    server.push(LOST);
    let seen = json!({"__entity_type__": "Task", "id": "t", "parent": row("a"), "children": [row("b"), row("a")]});
    server.push(found(&seen).as_str());
    session.commit().await.unwrap();
    assert_eq!(actions(&server)[2..], ["update", "query"]);
}

/// Deletes the task, loses the answer, and answers the lookup.
async fn delete(lookup: String) -> (Server, Result<Vec<Committed>, Error>) {
    let (server, mut session, task) = session_with_task().await;
    session.delete(&task).unwrap();
    server.push(LOST);
    server.push(lookup.as_str());
    server.push(r#"[{"action":"delete","data":true}]"#);
    let result = session.commit().await;
    (server, result)
}

#[tokio::test]
async fn an_entity_that_is_gone_was_deleted() {
    let (server, result) = delete(NOTHING.to_owned()).await;
    assert_eq!(result.unwrap(), [Committed::Deleted]);
    assert_eq!(actions(&server)[1..], ["delete", "query"]);
}

#[tokio::test]
async fn an_entity_that_is_still_there_is_deleted_once_more() {
    let row = json!({"__entity_type__": "Task", "id": "t"});
    let (server, result) = delete(found(&row)).await;
    assert_eq!(result.unwrap(), [Committed::Deleted]);
    assert_eq!(actions(&server)[1..], ["delete", "query", "delete"]);
}

#[tokio::test]
async fn an_entity_without_an_id_of_its_own_is_compared_by_its_values() {
    for (held, calls) in [("25", 2), ("24", 3)] {
        let (server, mut session) = Server::with_session().await;
        let values = [("parent_id", "t"), ("key", "fps"), ("value", "25")];
        session.create("Metadata", values).unwrap();
        server.push(LOST);
        let row =
            json!({"__entity_type__": "Metadata", "parent_id": "t", "key": "fps", "value": held});
        server.push(found(&row).as_str());
        server.push("[]");
        session.commit().await.unwrap();
        assert_eq!(actions(&server).len(), calls, "{held}");
    }
}

#[tokio::test]
async fn an_id_that_the_caller_gave_proves_nothing() {
    let (server, mut session, task) = session_with_task().await;
    session.set(&task, "name", "after").unwrap();
    let given = [("id", "taken"), ("name", "new")];
    session.create("Task", given).unwrap();
    let rows = |name: &str| {
        let result = |row| json!({"action": "query", "data": [row], "metadata": {}});
        let rows = [("t", name), ("taken", "theirs")]
            .map(|(id, name)| json!({"__entity_type__": "Task", "id": id, "name": name}));
        json!(rows.map(result)).to_string()
    };
    server.push(LOST);
    server.push(rows("before").as_str());
    server.push((
        409,
        r#"{"exception":"DuplicateEntryError","content":"taken"}"#,
    ));
    server.push(rows("before").as_str());
    let error = session.commit().await.unwrap_err();
    assert!(error.to_string().contains("DuplicateEntryError"), "{error}");
    assert_eq!(session.recorded().len(), 2);
}

/// Creates a task under an id that the caller gives, loses the answer, and shows the name that is held when it is looked up.
async fn create_under_given_id(held: &str) -> Result<Vec<Committed>, Error> {
    let (server, mut session) = Server::with_session().await;
    let given = [("id", "given"), ("name", "ours")];
    session.create("Task", given).unwrap();
    server.push(LOST);
    let row = json!({"__entity_type__": "Task", "id": "given", "name": held, "bid": null});
    server.push(found(&row).as_str());
    let result = session.commit().await;
    assert_eq!(actions(&server), ["create", "query"]);
    result
}

#[tokio::test]
async fn an_entity_with_an_id_that_the_caller_gave_is_compared_by_its_values() {
    create_under_given_id("ours").await.unwrap();
    let error = create_under_given_id("theirs").await.unwrap_err();
    assert_eq!(outcome(&error), None);
}

#[tokio::test]
async fn an_id_made_here_proves_a_commit_beside_one_that_was_given() {
    let (server, mut session) = Server::with_session().await;
    session.create("Task", [("id", "given")]).unwrap();
    let made = session.create("Task", [("name", "made")]).unwrap();
    server.push(LOST);
    server.push(found(&json!({"__entity_type__": "Task", "id": id(&made)})).as_str());
    session.commit().await.unwrap();
    let asked = serde_json::from_str::<Json>(&server.last_body()).unwrap();
    assert_eq!(
        asked[0]["expression"],
        format!("select id from Task where id is {}", id(&made))
    );
}

#[tokio::test]
async fn values_that_were_made_are_known_afterwards() {
    let (server, mut session, task) = session_with_task().await;
    session.set(&task, "name", "after").unwrap();
    server.push(LOST);
    server.push(found(&json!({"__entity_type__": "Task", "id": "t", "name": "after"})).as_str());
    session.commit().await.unwrap();
    assert_eq!(task.known("name").unwrap(), Some(Field::from("after")));
}
