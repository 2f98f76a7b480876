use ftrack_client::coalesce::{Recorded, coalesce};
use ftrack_protocol::{Operation, Value, Write};

fn write(key: &str, attributes: &[(&str, i64)]) -> Write {
    Write {
        entity_type: "Task".into(),
        entity_key: vec![Value::from(key)],
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).into(), Value::Int(*value)))
            .collect(),
    }
}

fn create(key: &str, attributes: &[(&str, i64)]) -> Recorded {
    Operation::Create(write(key, attributes)).into()
}

fn update(key: &str, name: &str, value: i64) -> Recorded {
    Operation::Update(write(key, &[(name, value)])).into()
}

fn unset(key: &str, name: &str) -> Recorded {
    Recorded::Unset {
        entity_type: "Task".into(),
        entity_key: vec![Value::from(key)],
        attribute: name.into(),
    }
}

fn delete(key: &str) -> Recorded {
    Recorded::Operation(Operation::Delete {
        entity_type: "Task".into(),
        entity_key: vec![Value::from(key)],
    })
}

/// Prints a batch as `create x a=1 b=2; update y c=3; delete z`.
fn print(batch: &[Operation]) -> String {
    let operations: Vec<_> = batch.iter().map(print_operation).collect();
    operations.join("; ")
}

fn print_operation(operation: &Operation) -> String {
    match operation {
        Operation::Create(write) | Operation::Update(write) => {
            let key = write.entity_key[0].as_str().unwrap();
            let mut words = vec![operation.action().to_owned(), key.to_owned()];
            for (name, value) in &write.attributes {
                let Value::Int(value) = value else {
                    panic!("{value:?} was not written");
                };
                words.push(format!("{name}={value}"));
            }
            words.join(" ")
        }
        Operation::Delete { entity_key, .. } => {
            format!("delete {}", entity_key[0].as_str().unwrap())
        }
        other => other.action().to_owned(),
    }
}

fn check(recorded: Vec<Recorded>, expected: &str) {
    assert_eq!(print(&coalesce(recorded)), expected);
}

#[test]
fn what_was_created_and_deleted_vanishes() {
    check(
        vec![create("a", &[("id", 1)]), update("a", "x", 1), delete("a")],
        "",
    );
    check(
        vec![
            create("a", &[("id", 1)]),
            update("b", "x", 1),
            delete("a"),
            delete("b"),
        ],
        "update b x=1; delete b",
    );
    check(vec![delete("a"), create("a", &[("id", 1)])], "");
}

#[test]
fn the_last_update_of_an_attribute_counts() {
    check(
        vec![
            update("a", "x", 1),
            update("b", "x", 2),
            update("a", "x", 3),
        ],
        "update b x=2; update a x=3",
    );
    check(
        vec![
            update("a", "x", 1),
            update("b", "x", 2),
            update("a", "y", 3),
        ],
        "update a x=1; update b x=2; update a y=3",
    );
    check(
        vec![update("a", "x", 1), delete("a"), update("a", "x", 2)],
        "delete a; update a x=2",
    );
}

#[test]
fn consecutive_updates_are_one() {
    check(
        vec![
            update("a", "x", 1),
            update("a", "y", 2),
            update("a", "x", 3),
        ],
        "update a y=2 x=3",
    );
    check(
        vec![
            update("a", "x", 1),
            update("b", "x", 2),
            update("b", "y", 3),
        ],
        "update a x=1; update b x=2 y=3",
    );
}

#[test]
fn updates_join_the_creation_directly_before_them() {
    check(
        vec![
            create("a", &[("id", 1), ("x", 1)]),
            update("a", "x", 2),
            update("a", "y", 3),
        ],
        "create a id=1 x=2 y=3",
    );
    check(
        vec![
            create("a", &[("id", 1)]),
            create("b", &[("id", 2)]),
            update("a", "x", 3),
        ],
        "create a id=1; create b id=2; update a x=3",
    );
}

#[test]
fn a_value_taken_back_is_not_sent() {
    check(vec![update("a", "x", 1), unset("a", "x")], "");
    check(
        vec![update("a", "x", 1), unset("a", "x"), update("a", "x", 2)],
        "update a x=2",
    );
    check(
        vec![
            update("a", "x", 1),
            update("b", "x", 1),
            unset("a", "x"),
            update("b", "y", 2),
        ],
        "update b x=1 y=2",
    );
    check(
        vec![create("a", &[("id", 1), ("x", 1)]), unset("a", "x")],
        "create a id=1 x=1",
    );
}

#[test]
fn empty_writes_are_dropped_before_neighbours_meet() {
    check(
        vec![
            update("a", "x", 1),
            Operation::Update(write("b", &[])).into(),
            update("a", "y", 2),
        ],
        "update a x=1 y=2",
    );
    check(vec![create("a", &[])], "");
}

#[test]
fn other_operations_stay_where_they_are() {
    let query = || {
        Recorded::from(Operation::Query {
            expression: "Task".into(),
        })
    };
    check(
        vec![update("a", "x", 1), query(), update("a", "y", 2)],
        "update a x=1; query; update a y=2",
    );
}

#[test]
fn large_batches_take_no_quadratic_time() {
    let recorded = (0..100_000).flat_map(|n| {
        let key = (n % 1000).to_string();
        [update(&key, "x", n), update("same", "y", n)]
    });
    let batch = coalesce(recorded);
    assert_eq!(batch.len(), 1001);
}
