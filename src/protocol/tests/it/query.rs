//! The grammar, form by form: what is read, and what is said about what cannot be read.

#![expect(
    clippy::unwrap_used,
    reason = "a failed expectation is what a test reports"
)]

use ftrack_protocol::query::{Criterion, MAX_DEPTH, MAX_PATH_SEGMENTS, Value, parse};

/// Checks the canonical text of an expression, and that it is stable.
#[track_caller]
fn check(expression: &str, printed: &str) {
    let query = parse(expression).unwrap_or_else(|error| panic!("{error}\n{}", error.render()));
    assert_eq!(query.to_string(), printed);
    assert_eq!(parse(printed).unwrap(), query, "printing changed the tree");
}

/// Checks an expression that is canonical already.
#[track_caller]
fn check_canonical(expression: &str) {
    check(expression, expression);
}

/// Checks the single value of `Task where name is <value>`.
#[track_caller]
fn check_value(written: &str, expected: &Value) {
    let query = parse(&format!("Task where name is {written}")).unwrap();
    let Some(Criterion::Compare { value, .. }) = query.criteria else {
        panic!("not a comparison")
    };
    assert_eq!(value, *expected);
}

/// Returns the message of an error with the line that it points at.
fn error(expression: &str) -> String {
    let error = parse(expression).unwrap_err();
    format!("{error}\n{}", error.render())
}

/// Expressions that clients are known to send, each with its canonical text.
const SENT_BY_CLIENTS: &[(&str, &str)] = &[
    (
        r#"select name from Project where status is active and (name like "%x%" or full_name like '%thrones')"#,
        r#"select name from Project where status is active and (name like "%x%" or full_name like "%thrones")"#,
    ),
    (
        r#"select id, name from Task where assignments any (resource.username = "jenkins") and status.state.name not_in ("Done","Blocked") order by name desc limit 5 offset 10"#,
        r#"select id, name from Task where assignments any (resource.username is "jenkins") and status.state.name not_in ("Done", "Blocked") order by name descending offset 10 limit 5"#,
    ),
    (
        r#"User where is_active is True and not (timelogs any (start >= "2015-06-01"))"#,
        r#"User where is_active is True and not timelogs any (start >= "2015-06-01")"#,
    ),
    (
        r#"Note where author has (first_name is "Jane" and last_name is "Doe")"#,
        r#"Note where author has (first_name is "Jane" and last_name is "Doe")"#,
    ),
    (
        "Project where children any ()",
        "Project where children any ()",
    ),
    (
        "Task where not children any ()",
        "Task where not children any ()",
    ),
    (
        "select versions.components.name from Asset where id is {id}",
        "select versions.components.name from Asset where id is {id}",
    ),
    (
        r#"select version.asset.versions from Component where id is "{id}""#,
        r#"select version.asset.versions from Component where id is "{id}""#,
    ),
    (
        "select asset.parent from AssetVersion where asset is_not None limit 10",
        "select asset.parent from AssetVersion where asset is_not None limit 10",
    ),
    (
        "select status from Task where project_id is {id} limit 10",
        "select status from Task where project_id is {id} limit 10",
    ),
    (
        r#"select children, children.children, children.children.children, children.children.children.assignments, children.children.children.assignments.resource from Project where id is "{id}""#,
        r#"select children, children.children, children.children.children, children.children.children.assignments, children.children.children.assignments.resource from Project where id is "{id}""#,
    ),
    (
        r#"select versions.custom_attributes from Asset where id is "{id}""#,
        r#"select versions.custom_attributes from Asset where id is "{id}""#,
    ),
    (
        "select task_status from SchemaStatus where schema_id is {id}",
        "select task_status from SchemaStatus where schema_id is {id}",
    ),
    (
        "select _overrides.type_id, _overrides.workflow_schema.statuses.name, _schemas.statuses.task_status.color from ProjectSchema where id is {id}",
        "select _overrides.type_id, _overrides.workflow_schema.statuses.name, _schemas.statuses.task_status.color from ProjectSchema where id is {id}",
    ),
    (
        r#"select link from AssetVersion where id is "{id}""#,
        r#"select link from AssetVersion where id is "{id}""#,
    ),
    (
        "Location where name is 'ftrack.server'",
        r#"Location where name is "ftrack.server""#,
    ),
    (
        "select default, label, key, object_type.name, type.name from CustomAttributeConfiguration order by sort",
        "select default, label, key, object_type.name, type.name from CustomAttributeConfiguration order by sort",
    ),
    (
        r#"Status where name="Done""#,
        r#"Status where name is "Done""#,
    ),
    (
        r#"Component where version.asset.parent.project_id is "{id}" and component_locations any (location_id is "{id}")"#,
        r#"Component where version.asset.parent.project_id is "{id}" and component_locations any (location_id is "{id}")"#,
    ),
    (
        "User where is_active = True and (id = '{id}' or id = '{id}')",
        r#"User where is_active is True and (id is "{id}" or id is "{id}")"#,
    ),
    (
        r#"Asset where name is "a" and type.short is "b" and parent.id is "{id}""#,
        r#"Asset where name is "a" and type.short is "b" and parent.id is "{id}""#,
    ),
    (
        r#"Timelog where start is "2015-11-18T15:24:09" and duration is 10 and user_id is "{id}" and context_id is "{id}""#,
        r#"Timelog where start is "2015-11-18T15:24:09" and duration is 10 and user_id is "{id}" and context_id is "{id}""#,
    ),
    (
        "select email from User where id in ({id},{id})",
        "select email from User where id in ({id}, {id})",
    ),
    (
        r#"select value from Metadata where (parent_id is "X"and key is "k")"#,
        r#"select value from Metadata where parent_id is "X" and key is "k""#,
    ),
];

#[test]
fn reads_the_expressions_that_clients_send() {
    const ID: &str = "20c5e4d6-0d70-4e67-9d2b-2a0a4d9c0a11";
    for (expression, printed) in SENT_BY_CLIENTS {
        check(
            &expression.replace("{id}", ID),
            &printed.replace("{id}", ID),
        );
    }
}

#[test]
fn operators_have_several_spellings() {
    check("Task where bid=1", "Task where bid is 1");
    check("Task where bid!=1", "Task where bid is_not 1");
    check("Task where bid>1", "Task where bid > 1");
    check("Task where bid after 1", "Task where bid > 1");
    check("Task where bid greater_than 1", "Task where bid > 1");
    check("Task where bid<1", "Task where bid < 1");
    check("Task where bid before 1", "Task where bid < 1");
    check("Task where bid less_than 1", "Task where bid < 1");
    check("Task where bid>=1", "Task where bid >= 1");
    check("Task where bid<=1", "Task where bid <= 1");
    check_canonical(r#"Task where name like "a%" and name not_like "b_\%""#);
}

#[test]
fn keywords_are_read_in_any_case_and_are_no_reserved_words() {
    check(
        "SELECT name FROM Task WHERE NOT name IS 'a' AND bid IN (1) ORDER BY name DESC, bid Ascending LIMIT 1 OFFSET 2",
        r#"select name from Task where not name is "a" and bid in (1) order by name descending, bid offset 2 limit 1"#,
    );
    check_canonical(
        r#"select group, order, limit, from from Setting where group is "a" and where is order order by by"#,
    );
    check_canonical("Task where name in (select, b)");
}

#[test]
fn white_space_is_free() {
    check(
        "select\n\tname , id,parent_id\nfrom Task\r\n where(name is \"a\"or name is 'b')and bid in(1 ,2)order by name",
        r#"select name, id, parent_id from Task where (name is "a" or name is "b") and bid in (1, 2) order by name"#,
    );
    check(
        "Task where metadata any (key=some_key and value=some_value)",
        "Task where metadata any (key is some_key and value is some_value)",
    );
    check(
        "Task where project_id=a and is_open is true",
        "Task where project_id is a and is_open is True",
    );
}

#[test]
fn and_binds_tighter_than_or() {
    check_canonical("Task where (name is a or name is b) and name is c");
    check(
        "Task where name is a or name is b and name is c",
        "Task where name is a or (name is b and name is c)",
    );
    check(
        "Task where not name is a and name is b",
        "Task where not name is a and name is b",
    );
    check("Task where ((name is a))", "Task where name is a");
    check_canonical("Task where not not (name is a and name is b)");
}

#[test]
fn paths_carry_casts() {
    check_canonical("select asset.parent[Shot].parent[Sequence].name from AssetVersion");
    check_canonical(
        r#"AssetVersion where asset.parent[Shot] has (name is "x") order by asset.parent[Shot].name descending"#,
    );
    check_canonical(
        r#"Project where allocations.resource[Group].memberships any (user.username is "john")"#,
    );
}

#[test]
fn subqueries_nest() {
    check_canonical(
        "Asset where id in (select asset_id from AssetVersion where task_id not_in (select id from Task where name is a limit 1))",
    );
}

#[test]
fn aggregates_are_grouped() {
    check_canonical(
        "select count(id), sum(bid), avg(bid), min(bid), max(bid), status_id from Task group by status_id, project_id",
    );
    check(
        "select COUNT( id ) from Task where bid > 1 order by id group by status_id",
        "select count(id) from Task where bid > 1 group by status_id order by id",
    );
    check_canonical("select count from Task");
}

#[test]
fn values_keep_whether_they_were_quoted() {
    let text = |text: &str| Value::Text(text.to_owned());
    let word = |word: &str| Value::Word(word.to_owned());
    check_value("None", &Value::None);
    check_value("null", &Value::None);
    check_value("'None'", &text("None"));
    check_value("TRUE", &Value::Boolean(true));
    check_value("false", &Value::Boolean(false));
    check_value("'true'", &text("true"));
    check_value("-1.5", &word("-1.5"));
    check_value("2015-11-18T15:24:09", &word("2015-11-18T15:24:09"));
    check_value("größe", &word("größe"));
    check_value("''", &text(""));
}

#[test]
fn backslashes_escape_quotation_marks_only() {
    let text = |text: &str| Value::Text(text.to_owned());
    check_value(r#""say \"hi\"""#, &text(r#"say "hi""#));
    check_value(r"'it\'s'", &text("it's"));
    check_value(r#""it\'s""#, &text("it's"));
    check_value(r#""it's""#, &text("it's"));
    check_value(r#""100\%""#, &text(r"100\%"));
    check_value(r#""\\server\share""#, &text(r"\\server\share"));
    check_value(r#""C:\\""#, &text(r"C:\"));
    check_value(r#""\\\"""#, &text(r#"\""#));
}

#[test]
fn errors_say_what_was_found_and_what_was_expected() {
    insta::assert_snapshot!(error(""), @r#"
    expected an entity type, found the end of the expression (line 1, column 1)

    ^
    "#);
    insta::assert_snapshot!(error("select name Task"), @r#"
    expected `,` or `from`, found `Task` (line 1, column 13)
    select name Task
                ^^^^
    "#);
    insta::assert_snapshot!(error("select from Task"), @r#"
    expected `,` or `from`, found `Task` (line 1, column 13)
    select from Task
                ^^^^
    "#);
    insta::assert_snapshot!(error("Task where"), @r#"
    expected an attribute, found the end of the expression (line 1, column 11)
    Task where
              ^
    "#);
    insta::assert_snapshot!(error("Task where name"), @r#"
    expected an operator such as `is`, `like`, `in` or `any`, found the end of the expression (line 1, column 16)
    Task where name
                   ^
    "#);
    insta::assert_snapshot!(error("Task where name is"), @r#"
    expected a value, found the end of the expression (line 1, column 19)
    Task where name is
                      ^
    "#);
    insta::assert_snapshot!(error("Task where name iss 'a'"), @r#"
    expected an operator such as `is`, `like`, `in` or `any`, found `iss` (line 1, column 17)
    Task where name iss 'a'
                    ^^^
    "#);
    insta::assert_snapshot!(error("Task where name is 'a' name is 'b'"), @r#"
    expected `and`, `or`, `order by`, `offset`, `limit` or the end of the expression, found `name` (line 1, column 24)
    Task where name is 'a' name is 'b'
                           ^^^^
    "#);
    insta::assert_snapshot!(error("Task where name is 'a"), @r#"
    the text that begins with ' is never closed (line 1, column 20)
    Task where name is 'a
                       ^^
    "#);
    insta::assert_snapshot!(error("User where email is jane@example.com"), @r#"
    expected a name, a value or an operator, found `@`, which needs quotes around it (line 1, column 25)
    User where email is jane@example.com
                            ^
    "#);
}

#[test]
fn errors_point_at_the_place() {
    insta::assert_snapshot!(error("Task\nwhere (name is 'a'\n\tand größe is ]"), @r#"
    expected a value, found `]` (line 3, column 15)
    	and größe is ]
    	             ^
    "#);
    insta::assert_snapshot!(error("Task where name in ()"), @r#"
    expected a value, found `)` (line 1, column 21)
    Task where name in ()
                        ^
    "#);
    insta::assert_snapshot!(error("Task where name in (a, b"), @r#"
    expected `,` or `)`, found the end of the expression (line 1, column 25)
    Task where name in (a, b
                            ^
    "#);
    insta::assert_snapshot!(error("Task where parent[Shot.name is a"), @r#"
    expected an entity type, found `Shot.name` (line 1, column 19)
    Task where parent[Shot.name is a
                      ^^^^^^^^^
    "#);
    insta::assert_snapshot!(error("Task where parent..name is a"), @r#"
    expected an attribute, found `parent..name` (line 1, column 12)
    Task where parent..name is a
               ^^^^^^^^^^^^
    "#);
}

#[test]
fn errors_in_clauses_name_the_clause() {
    insta::assert_snapshot!(error("Task limit -1"), @r#"
    expected a whole number after `limit`, found `-1` (line 1, column 12)
    Task limit -1
               ^^
    "#);
    insta::assert_snapshot!(error("Task limit many"), @r#"
    expected a whole number after `limit`, found `many` (line 1, column 12)
    Task limit many
               ^^^^
    "#);
    insta::assert_snapshot!(error("Task limit 1 limit 2"), @r#"
    `limit` is given twice (line 1, column 14)
    Task limit 1 limit 2
                 ^^^^^
    "#);
    insta::assert_snapshot!(error("Task order name"), @r#"
    expected `by` after `order`, found `name` (line 1, column 12)
    Task order name
               ^^^^
    "#);
    insta::assert_snapshot!(error("select median(bid) from Task"), @r#"
    expected one of the functions `count`, `sum`, `avg`, `min` and `max`, found `median` (line 1, column 8)
    select median(bid) from Task
           ^^^^^^
    "#);
    insta::assert_snapshot!(error("Task; drop table task"), @r#"
    expected a name, a value or an operator, found `;`, which needs quotes around it (line 1, column 5)
    Task; drop table task
        ^
    "#);
}

#[test]
fn nesting_has_a_limit() {
    let nested = |open: &str, depth: usize| {
        format!(
            "Task where {}name is a{}",
            open.repeat(depth),
            ")".repeat(depth)
        )
    };
    for open in [
        "(",
        "children any (",
        "not (",
        "id in (select id from Task where ",
    ] {
        let levels = open.matches("not ").count() + open.matches('(').count();
        parse(&nested(open, MAX_DEPTH / levels)).unwrap();
        let error = parse(&nested(open, 100_000)).unwrap_err();
        assert_eq!(
            error.kind.to_string(),
            "conditions are nested more than 64 levels deep"
        );
    }
    assert!(parse(&format!("Task where {} name is a", "not ".repeat(100_000))).is_err());
}

#[test]
fn chains_and_lists_may_be_long() {
    let chain = vec!["id is a"; 20_000].join(" or ");
    parse(&format!("Task where {chain}")).unwrap();
    let list = vec!["a"; 20_000].join(",");
    parse(&format!("Task where id in ({list})")).unwrap();
}

#[test]
fn paths_have_a_limit() {
    let path =
        |segments: usize| format!("Task where {} any ()", vec!["children"; segments].join("."));
    parse(&path(MAX_PATH_SEGMENTS)).unwrap();
    assert_eq!(
        parse(&path(MAX_PATH_SEGMENTS + 1))
            .unwrap_err()
            .kind
            .to_string(),
        "a path has more than 24 parts"
    );
}
