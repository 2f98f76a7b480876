//! Queries that are wrong, or mean harm.

use proptest::{prelude::*, sample::select, test_runner::TestRunner};

use super::{QueryError, Site};

#[test]
fn names_that_do_not_exist_are_named() {
    let site = Site::new();
    for (expression, error) in [
        ("Tsk", "No schema 'Tsk' exists."),
        ("task", "No schema 'task' exists."),
        (
            "Task where nam is a",
            "No attribute 'nam' exists for schema 'Task'.",
        ),
        (
            "select asset.parent.project from AssetVersion",
            "No attribute 'project' exists for schema 'Context'.",
        ),
        (
            "AssetVersion where asset.parent.project.name is a",
            "No attribute 'project' exists for schema 'Context'.",
        ),
        (
            "Task order by status.nam",
            "No attribute 'nam' exists for schema 'Status'.",
        ),
        (
            "Task where parent[Sht].name is a",
            "No schema 'Sht' exists.",
        ),
        (
            "Task where parent[User].name is a",
            "Attribute 'parent' refers to 'Context', which is never a 'User'.",
        ),
        (
            "Task where name.first is a",
            "Attribute 'name' of schema 'Task' does not lead to other entities.",
        ),
        (
            "Task where name any ()",
            "Attribute 'name' of schema 'Task' does not lead to other entities.",
        ),
        (
            "select name.first from Task",
            "Attribute 'name' of schema 'Task' does not lead to other entities.",
        ),
        (
            "Task where children is a",
            "Attribute 'children' of schema 'Task' holds entities; compare one of their attributes.",
        ),
        (
            "Task order by children.name",
            "Attribute 'children' of schema 'Task' leads to several entities and has no single value.",
        ),
        (
            "Task where link is a",
            "Attribute 'link' of schema 'Task' is derived, and cannot be compared or sorted by.",
        ),
        (
            "select custom_attribute_links from Task",
            "Attribute 'custom_attribute_links' of schema 'Task' can be used in conditions, but not be selected.",
        ),
        (
            "Task where bid is much",
            "Attribute 'bid' of schema 'Task' is compared with much, which is not a number.",
        ),
        (
            "User where is_active is maybe",
            "Attribute 'is_active' of schema 'User' is compared with maybe, which is not True or False.",
        ),
        (
            "Task where created_at > soon",
            "Attribute 'created_at' of schema 'Task' is compared with soon, which is not a date or a datetime in ISO 8601 form.",
        ),
        (
            "Task where bid > None",
            "Attribute 'bid' of schema 'Task' can only be compared with None by `is` and `is_not`.",
        ),
        (
            "Task where id in (select id, name from Task)",
            "Cannot group 'Task': a query inside `in (...)` selects exactly one attribute.",
        ),
        (
            "select name from Task group by bid",
            "Cannot group 'Task': what is selected must be grouped by or aggregated.",
        ),
    ] {
        assert_eq!(site.error(expression), error, "{expression}");
    }
}

#[test]
fn more_than_the_database_follows_is_refused() {
    let site = Site::new();
    let path = vec!["children"; 20].join(".");
    let open = format!("{path} any (");
    let expression = format!("Task where {}name is a{}", open.repeat(60), ")".repeat(60));
    assert_eq!(
        site.error(&expression),
        "The query is too complex for the server."
    );
    let values: Vec<String> = (0..40_000).map(|index| format!("bid is {index}")).collect();
    let expression = format!("Task where {}", values.join(" or "));
    assert_eq!(
        site.error(&expression),
        "The query is too complex for the server."
    );
}

#[test]
fn a_failed_query_leaves_the_answer_as_it_was() {
    let site = Site::new();
    let mut out = b"[".to_vec();
    let mut seen = super::Seen::default();
    super::query(
        &site.connection,
        "Task where",
        &site.options,
        &mut seen,
        &mut out,
    )
    .unwrap_err();
    assert_eq!(out, b"[");
}

/// Whatever is written, in whatever place, no table is lost and no row is found that should not be.
#[test]
fn sql_in_values_is_a_value() {
    let site = Site::new();
    for attack in [
        "' or 1=1 --",
        "'; drop table context; --",
        "\\' or 1=1 --",
        "x' union select key from private_api_key --",
        "?1",
        ":a",
        "%') or (1=1",
        "\0",
    ] {
        let quoted = attack.replace('\\', "\\\\").replace('\'', "\\'");
        for expression in [
            format!("Task where name is '{quoted}'"),
            format!("Task where id in ('{quoted}', '{quoted}')"),
            format!("Task where name like '{quoted}'"),
            format!("Task where status.name is '{quoted}'"),
            format!("Task where metadata any (key is '{quoted}' and value is '{quoted}')"),
            format!(
                "Task where custom_attributes any (value is '{quoted}' or value > 'zz{quoted}')"
            ),
            format!("Task where id in (select parent_id from Task where name is '{quoted}')"),
            format!("Task where ancestors any (name is '{quoted}')"),
        ] {
            let rows = site
                .try_query(&expression)
                .unwrap_or_else(|error| panic!("{expression}: {error:?}"));
            assert_eq!(rows["data"].as_array().unwrap().len(), 0, "{expression}");
        }
        for expression in [
            format!("Task where bid is '{quoted}'"),
            format!("Task where created_at is '{quoted}'"),
        ] {
            site.try_query(&expression).unwrap_err();
        }
    }
    assert_eq!(site.ids("Task"), "T1 T2 T3");
}

#[test]
fn sql_in_names_is_an_error() {
    let site = Site::new();
    for expression in [
        "context; drop table context",
        "\"context\"",
        "private_api_key",
        "sqlite_schema",
        "Task where \"name\" is a",
        "Task where name\" is a",
        "Task where rowid is 1",
        "Task where 1 is 1",
        "Task where name is a --",
        "Task where name is a union select id from User",
        "select * from Task",
        "select name; from Task",
        "select count(*) from Task",
        "select sqlite_version() from Task",
        "select load_extension(name) from Task",
        "Task order by name; drop table context",
        "Task order by 1",
        "Task order by (select 1)",
        "Task where parent[Shot\"].name is a",
        "Task limit 1; drop table context",
        "Task limit 1 + 1",
        "Task offset -1",
        "select count(id) from Task group by name) from context --",
    ] {
        site.try_query(expression).unwrap_err();
    }
    assert_eq!(site.ids("Task"), "T1 T2 T3");
}

#[test]
fn values_that_look_like_lists_do_no_harm() {
    let site = Site::new();
    site.connection
        .execute_batch(
            "insert into custom_attribute_value (configuration_id, entity_id, entity_kind, value) \
             values ('cfg-tags', 'S1', 'context', '[broken')",
        )
        .unwrap();
    assert_eq!(
        site.ids("Shot where custom_attributes any (value is rain)"),
        "S2"
    );
    assert_eq!(
        site.ids("Shot where custom_attributes any (value is '[broken')"),
        "S1"
    );
    let rows = site.query("select custom_attributes from Shot where id is S1");
    assert_eq!(rows[0]["custom_attributes"][2]["value"][0], "[broken");
}

/// Conditions on tasks with every operator, on values that fit and values that do not.
fn condition() -> impl Strategy<Value = String> {
    let path = select(vec![
        "id",
        "name",
        "bid",
        "created_at",
        "status",
        "status.name",
        "parent[Shot].name",
        "time_logged",
        "assignments",
        "assignments.resource.username",
        "ancestors.name",
        "descendants.bid",
        "metadata.value",
        "custom_attributes.value",
        "project.is_private",
        "children",
        "scopes.id",
        "link",
        "nothing",
        "custom_attributes.key",
    ]);
    let operator = select(vec!["is", "is_not", ">", "<=", "like", "not_like"]);
    let value = prop_oneof![
        select(vec!["None", "True", "1", "-1.5", "a", "2024-01-01"]).prop_map(str::to_owned),
        r"[a-z'%_\\\[\]{}?:;\-\x00 ]{0,12}"
            .prop_map(|text| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))),
    ];
    let simple = prop_oneof![
        (path.clone(), operator, value.clone())
            .prop_map(|(path, operator, value)| format!("{path} {operator} {value}")),
        (path.clone(), value.clone(), value)
            .prop_map(|(path, one, two)| format!("{path} not_in ({one}, {two})")),
        path.clone().prop_map(|path| format!("{path} any ()")),
        path.clone()
            .prop_map(|path| format!("id in (select {path} from Task)")),
    ];
    simple.prop_recursive(4, 16, 2, move |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("({one} and {two})")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("({one} or {two})")),
            inner.clone().prop_map(|inner| format!("not {inner}")),
            (path.clone(), inner).prop_map(|(path, inner)| format!("{path} any ({inner})")),
        ]
    })
}

#[test]
fn no_query_makes_the_database_fail() {
    let site = Site::new();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(256));
    let outcome = runner.run(&condition(), |condition| {
        let expression =
            format!("select name, status.name from Task where {condition} order by name limit 2");
        if let Err(QueryError::Database { source }) = site.try_query(&expression) {
            prop_assert!(false, "{expression}: {source}");
        }
        Ok(())
    });
    outcome.unwrap();
}
