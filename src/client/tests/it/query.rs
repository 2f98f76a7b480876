use ftrack_client::entity::Field;
use ftrack_client::error::ErrorKind;
use ftrack_client::paging::PageReader;
use ftrack_client::query::Pager;

use crate::server::Server;

fn users(ids: &[&str], next: &str) -> String {
    let rows: Vec<_> = ids
        .iter()
        .map(|id| format!(r#"{{"__entity_type__":"User","id":"{id}"}}"#))
        .collect();
    format!(
        r#"[{{"action":"query","data":[{}],"metadata":{{"next":{{"offset":{next}}}}}}}]"#,
        rows.join(",")
    )
}

fn asked(expression: &str) -> String {
    format!(r#"[{{"action":"query","expression":"{expression}"}}]"#)
}

#[tokio::test]
async fn pages_are_fetched_until_there_are_no_more() {
    let (server, session) = Server::with_session().await;
    server.push(users(&["a", "b"], "2").as_str());
    server.push(users(&["c"], "null").as_str());
    let query = session.query("User where is_active is True").unwrap();
    let found = query.with_page_size(2).all().await.unwrap();
    let keys: Vec<_> = found.iter().map(|user| format!("{user:?}")).collect();
    assert_eq!(keys, ["User(a)", "User(b)", "User(c)"]);
    let requests = server.requests();
    assert_eq!(
        requests[2].body,
        asked("select id, username from User where is_active is True offset 0 limit 2")
    );
    assert_eq!(
        requests[3].body,
        asked("select id, username from User where is_active is True offset 2 limit 2")
    );
    assert_eq!(requests.len(), 4);
}

#[tokio::test]
async fn one_needs_exactly_one_match() {
    let (server, session) = Server::with_session().await;
    for (ids, kind) in [
        (&["a"][..], None),
        (&[], Some(ErrorKind::NoResult)),
        (&["a", "b"], Some(ErrorKind::MultipleResults)),
    ] {
        server.push(users(ids, "null").as_str());
        let result = session.query("User").unwrap().one().await;
        assert_eq!(result.err().map(|error| error.kind()), kind);
        assert_eq!(
            server.last_body(),
            asked("select id, username from User limit 2")
        );
    }
}

#[tokio::test]
async fn first_is_none_without_a_match() {
    let (server, session) = Server::with_session().await;
    server.push(users(&[], "null").as_str());
    let query = session.query("select id from User offset 3").unwrap();
    assert_eq!(query.first().await.unwrap(), None);
    assert_eq!(
        server.last_body(),
        asked("select id from User offset 3 limit 1")
    );
}

#[tokio::test]
async fn a_cached_entity_is_not_asked_for() {
    let (server, session) = Server::with_session().await;
    server.push(users(&["a"], "null").as_str());
    let first = session.get("User", &["a"]).await.unwrap().unwrap();
    assert_eq!(
        server.last_body(),
        asked(r#"select id, username from User where (id is \"a\") offset 0 limit 500"#)
    );
    let count = server.requests().len();
    let second = session.get("User", &["a"]).await.unwrap().unwrap();
    assert_eq!(first.id(), second.id());
    assert_eq!(server.requests().len(), count);
}

#[tokio::test]
async fn mistakes_are_found_before_anything_is_sent() {
    let (server, session) = Server::with_session().await;
    let count = server.requests().len();
    assert_eq!(
        session.query("Usr").unwrap_err().kind(),
        ErrorKind::UnknownEntityType
    );
    assert_eq!(
        session
            .get("Metadata", &["p"])
            .await
            .unwrap_err()
            .to_string(),
        "Metadata is identified by 2 value(s), but got 1"
    );
    assert_eq!(server.requests().len(), count);
}

#[tokio::test]
async fn reading_what_is_not_known_fetches_it() {
    let (server, session) = Server::with_session().await;
    server
        .push(r#"[{"action":"query","data":[{"__entity_type__":"Task","id":"t"}],"metadata":{}}]"#);
    let task = session
        .query("Task")
        .unwrap()
        .first()
        .await
        .unwrap()
        .unwrap();
    server.push(
        r#"[{"action":"query","data":[{"__entity_type__":"Task","id":"t","status":{"__entity_type__":"Status","id":"s","name":"Done"}}],"metadata":{}}]"#,
    );
    let status = session.value(&task, "status").await.unwrap().unwrap();
    assert_eq!(
        server.last_body(),
        asked("select status.id, status.name from Task where id is t offset 0 limit 500")
    );
    let count = server.requests().len();
    let name = session
        .value(status.as_entity().unwrap(), "name")
        .await
        .unwrap();
    assert_eq!(name, Some(Field::from("Done")));
    assert_eq!(server.requests().len(), count, "came along");
}

#[tokio::test]
async fn a_page_is_asked_for_while_the_one_before_it_is_taken_in() {
    let (server, session) = Server::with_session().await;
    let reader = |expression: &str| {
        let map = session.map().clone();
        let pager = Pager::new(expression, 2);
        PageReader::new(session.transport().clone(), map, pager)
    };
    server.push(users(&["a", "b"], "2").as_str());
    server.push(users(&["c"], "null").as_str());
    let mut pages = reader("select id from User");
    let first = pages.request().unwrap().unwrap().answer().await.unwrap();
    assert_eq!(server.requests().len(), 3, "only what was asked for");
    assert_eq!(pages.take_in(&first).unwrap().entities.len(), 2);
    server.wait_for_requests(4).await;
    assert_eq!(
        server.last_body(),
        asked("select id from User offset 2 limit 2")
    );
    let second = pages.request().unwrap().unwrap().answer().await.unwrap();
    assert_eq!(pages.take_in(&second).unwrap().entities.len(), 1);
    assert!(pages.request().unwrap().is_none());
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn nothing_is_asked_past_a_limit() {
    let (server, session) = Server::with_session().await;
    server.push(users(&["a", "b"], "2").as_str());
    server.push(users(&["c", "d"], "4").as_str());
    let query = session.query("User limit 3").unwrap();
    let found = query.with_page_size(2).all().await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(server.requests().len(), 4);
}
