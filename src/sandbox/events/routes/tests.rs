//! The indexes find exactly the connections that a look at every subscription would find.

use std::collections::{HashMap, HashSet};

use ftrack_protocol::Event;
use ftrack_protocol::expression::{Expression, parse};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::{ConnectionId, Refused, Routes};

#[derive(Debug, Clone)]
enum Step {
    Subscribe(u64, String, &'static str),
    Unsubscribe(u64, String),
    Disconnect(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let connection = || 0..4_u64;
    let subscriber = || select(vec!["a", "b", "c"]).prop_map(str::to_owned);
    let subscription = select(vec![
        "topic=x",
        "topic=y",
        "topic=*",
        "topic=x and data.n=1",
        "topic=x or topic=y",
        "not topic=x",
        "data.n>1",
    ]);
    prop_oneof![
        6 => (connection(), subscriber(), subscription)
            .prop_map(|(connection, id, text)| Step::Subscribe(connection, id, text)),
        2 => (connection(), subscriber()).prop_map(|(connection, id)| Step::Unsubscribe(connection, id)),
        1 => connection().prop_map(Step::Disconnect),
    ]
}

/// Subscriptions without an index.
type Model = HashMap<(u64, String), Expression>;

fn apply(step: Step, routes: &mut Routes, model: &mut Model) {
    match step {
        Step::Subscribe(connection, id, text) => {
            let expression = parse(text).unwrap();
            let outcome = routes.subscribe(
                ConnectionId(connection),
                &id,
                metadata(&id),
                expression.clone(),
            );
            let is_known = model.contains_key(&(connection, id.clone()));
            assert_eq!(
                outcome,
                if is_known {
                    Err(Refused::Duplicate)
                } else {
                    Ok(())
                }
            );
            model.entry((connection, id)).or_insert(expression);
        }
        Step::Unsubscribe(connection, id) => {
            let was_known = routes.unsubscribe(ConnectionId(connection), &id);
            assert_eq!(was_known, model.remove(&(connection, id)).is_some());
        }
        Step::Disconnect(connection) => {
            routes.disconnect(ConnectionId(connection));
            model.retain(|(other, _), _| *other != connection);
        }
    }
}

fn metadata(id: &str) -> Map<String, Value> {
    Map::from_iter([
        ("id".to_owned(), json!(id)),
        ("kind".to_owned(), json!("test")),
    ])
}

fn expected(model: &Model, event: &Event, target: Option<&Expression>) -> HashSet<ConnectionId> {
    let wants = |id: &str, expression: &Expression| {
        let Ok(wanted) = expression.matches(event);
        let Ok(targeted) = target.map_or(Ok(true), |target| target.matches(&metadata(id)));
        wanted && targeted
    };
    let interested = model
        .iter()
        .filter(|((_, id), expression)| wants(id, expression));
    interested
        .map(|((connection, _), _)| ConnectionId(*connection))
        .collect()
}

proptest! {
    #[test]
    fn events_reach_whom_they_would_reach_without_indexes(
        steps in vec(step(), 0..30),
        topic in select(vec!["x", "y", "z"]),
        number in 0..3,
        target in option::of(select(vec!["id=a", "id=nobody", "kind=test", "id=a or id=b", "not id=c", "id!=a"])),
    ) {
        let (mut routes, mut model) = (Routes::default(), Model::new());
        for step in steps {
            apply(step, &mut routes, &mut model);
        }
        let event = Event::new("e", topic, json!({"n": number}));
        let target = target.map(|target| parse(target).unwrap());
        let found = routes.interested(&event, target.as_ref());
        prop_assert_eq!(found, expected(&model, &event, target.as_ref()));
    }

    #[test]
    fn nothing_stays_of_those_who_left(steps in vec(step(), 0..30)) {
        let (mut routes, mut model) = (Routes::default(), Model::new());
        for step in steps {
            apply(step, &mut routes, &mut model);
        }
        (0..4).for_each(|connection| routes.disconnect(ConnectionId(connection)));
        prop_assert!(routes.subscriptions.is_empty());
        prop_assert!(routes.by_connection.is_empty() && routes.by_subscriber.is_empty());
        prop_assert!(routes.by_topic.is_empty() && routes.of_any_topic.is_empty());
    }
}

#[test]
fn a_connection_has_a_limit() {
    let mut routes = Routes::default();
    let mut subscribe = |number: usize| {
        let id = number.to_string();
        routes.subscribe(
            ConnectionId(1),
            &id,
            metadata(&id),
            parse("topic=x").unwrap(),
        )
    };
    for number in 0..Routes::PER_CONNECTION {
        assert_eq!(subscribe(number), Ok(()));
    }
    assert_eq!(subscribe(Routes::PER_CONNECTION), Err(Refused::TooMany));
}
