//! Which rows a query finds, operator by operator.

use super::Site;

/// Checks the ids that each of these queries finds.
#[track_caller]
fn check(cases: &[(&str, &str)]) {
    let site = Site::new();
    for (expression, expected) in cases {
        assert_eq!(site.ids(expression), *expected, "{expression}");
    }
}

#[test]
fn texts_compare_without_case_and_ids_with_it() {
    check(&[
        ("Task where name is animation", "T1 T3"),
        ("Task where name = 'ANIMATION'", "T1 T3"),
        ("Task where name is_not animation", "T2"),
        ("Task where name != 'Animation'", "T2"),
        ("Task where id is t1", ""),
        ("Task where id is 'no such id'", ""),
        ("Task where name > b", "T2"),
        (r#"Task where description is 'say \"hi\"'"#, "T2"),
    ]);
}

#[test]
fn patterns_match_with_wildcards_and_without_case() {
    check(&[
        ("Task where name like 'anim%'", "T1 T3"),
        ("Task where name like '%TION'", "T1 T3"),
        ("Task where name not_like 'anim%'", "T2"),
        ("Shot where name like 'sh0_0'", "S1 S2"),
        (r"Shot where description like '100\%'", "S1"),
        ("Shot where description like '100%'", "S1 S2"),
        (r"Task where description like 'C:\shots'", "T1"),
        (r"Task where description like 'C:\%'", ""),
        (r"Task where description like 'C:\\%'", "T1"),
    ]);
}

#[test]
fn numbers_and_flags_compare_by_value() {
    check(&[
        ("Task where bid > 3600", "T1 T2"),
        ("Task where bid greater_than 3600.5", "T1"),
        ("Task where bid >= '3600.5'", "T1 T2"),
        ("Task where bid < 1", "T3"),
        ("Task where bid <= 0", "T3"),
        ("Task where bid in (0, 7200)", "T1 T3"),
        ("User where is_active is TRUE", "jane"),
        ("User where is_active = false", "joe"),
        ("User where is_active is 'True'", "jane"),
        ("User where is_active is_not True", "joe"),
    ]);
}

#[test]
fn moments_compare_to_the_second_in_utc() {
    check(&[
        ("Task where created_at after '2024-01-06'", "T2 T3"),
        ("Task where created_at > '2024-01-06T10:00:00'", "T3"),
        ("Task where created_at >= 2024-01-06T10:00:00", "T2 T3"),
        (
            "Task where created_at before '2024-01-06T12:00:00+02:00'",
            "T1",
        ),
        ("Task where created_at <= '2024-01-06T10:00:00Z'", "T1 T2"),
        (
            "Task where created_at is '2024-01-06T10:00:00.123456+00:00'",
            "T2",
        ),
    ]);
}

#[test]
fn none_is_the_absence_of_a_value() {
    check(&[
        ("Task where description is None", "T3"),
        ("Task where description is_not none", "T1 T2"),
        ("Task where status is None", "T3"),
        ("Task where status_id = null", "T3"),
        ("Task where status is_not None", "T1 T2"),
        ("Context where parent is none", "P"),
        ("Task where status_id in (None, done)", "T2 T3"),
        ("Task where status_id not_in (None, done)", "T1"),
        ("Task where assignments is None", "T3"),
        ("Asset where latest_version is_not None", "A"),
    ]);
}

#[test]
fn conditions_combine() {
    check(&[
        ("Task where name is animation and bid is 0", "T3"),
        (
            "Task where id is T1 or name is animation and bid is 0",
            "T1 T3",
        ),
        (
            "Task where (id is T1 or name is animation) and bid is 0",
            "T3",
        ),
        ("Task where not name is animation", "T2"),
        ("Task where not (id is T1 or id is T2)", "T3"),
        ("Task where not status.name is Done", "T1 T3"),
    ]);
}

#[test]
fn types_are_told_apart() {
    check(&[
        ("Context", "P Q S1 S2 T1 T2 T3"),
        ("TypedContext", "Q S1 S2 T1 T2 T3"),
        ("Shot", "S1 S2"),
        ("Project", "P"),
        ("Resource", "crew jane joe"),
        ("Group", "crew"),
        ("Component", "C1 C2 C3"),
        ("FileComponent", "C1 C3"),
        ("ContainerComponent", "C2"),
    ]);
}

#[test]
fn paths_lead_over_references_and_collections() {
    check(&[
        ("Task where status.state.short is DONE", "T2"),
        ("Task where status.type.name is Open", "T1"),
        ("Task where parent.parent.name is sq010", "T1 T2 T3"),
        ("Task where parent[Shot].status.name is Done", "T3"),
        ("Task where parent[Sequence].name is sh010", ""),
        (
            "Component where version.asset.parent.project_id is P",
            "C1 C2",
        ),
        (
            "Project where children.children.children.name is compositing",
            "P",
        ),
        ("Asset where versions.components.name is frames", "A"),
        ("AssetVersion where uses_versions.version is 1", "V2"),
        ("AssetVersion where used_in_versions.version is 2", "V1"),
        ("Shot where scopes.name is vr", "S1"),
        (
            "Task where metadata.key is colour and metadata.value is big",
            "T1",
        ),
    ]);
}

#[test]
fn related_entities_fulfil_all_conditions_at_once() {
    check(&[
        (
            "Task where metadata any (key is colour and value is big)",
            "",
        ),
        ("Task where metadata any (key=colour and value=red)", "T1"),
        (
            "Task where assignments any (resource.username = jane)",
            "T1",
        ),
        (
            "Task where assignments any (resource[User].first_name is Jane)",
            "T1",
        ),
        ("Task where status has (name is Done and sort is 1)", "T2"),
        ("Task where status any (name is Done)", "T2"),
        ("Project where children any ()", "P"),
        ("Shot where not children any ()", ""),
        ("Task where not children any ()", "T1 T2 T3"),
        ("Task where status has ()", "T1 T2"),
        ("Shot where scopes any ()", "S1 S2"),
        ("Shot where not scopes any (name is vr)", "S2"),
        ("User where not timelogs any (start >= '2024-01-01')", "joe"),
        ("Project where assignments any ()", ""),
        (
            "Project where allocations.resource[Group].memberships any (user.username is jane)",
            "P",
        ),
    ]);
}

#[test]
fn lists_and_subqueries_hold_values() {
    check(&[
        ("Task where id in (T1, 'T3', nothing)", "T1 T3"),
        ("Task where name in ('ANIMATION')", "T1 T3"),
        ("Task where status.name not_in (Done, Blocked)", "T1"),
        ("Task where status in (done)", "T2"),
        (
            "Task where parent_id in (select id from Shot where name is sh020)",
            "T3",
        ),
        (
            "Task where id not_in (select task_id from AssetVersion where task_id is_not None)",
            "T2 T3",
        ),
        (
            "Component where version_id in (select id from AssetVersion where asset_id in (select id from Asset where parent.name is sh010))",
            "C1 C2",
        ),
        ("Task where id in (select context_id from Timelog)", "T1"),
        (
            "Task where name in (select name from Task order by bid descending limit 1)",
            "T1 T3",
        ),
        (
            "Task where parent.name in (select asset.parent.name from AssetVersion)",
            "T1 T2",
        ),
    ]);
}

#[test]
fn rows_are_sorted_by_any_value_and_by_key_at_last() {
    check(&[
        ("Task order by bid", "T3 T2 T1"),
        ("Task order by bid desc", "T1 T2 T3"),
        ("Task order by name, bid", "T3 T1 T2"),
        ("Task order by name descending, id", "T2 T1 T3"),
        ("Task order by status.sort", "T3 T2 T1"),
        ("Task order by status.name descending", "T1 T2 T3"),
        (
            "AssetVersion order by is_latest_version descending, version",
            "V2 V1 V3",
        ),
        ("Task order by created_at desc limit 2", "T3 T2"),
    ]);
}

#[test]
fn composite_keys_are_found_as_clients_ask_for_them() {
    let site = Site::new();
    let rows =
        site.query(r#"select value from Metadata where (parent_id is "T1"and key is "size")"#);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["value"], "big");
    let rows = site.query("Setting where group is PAGE and name is size");
    assert_eq!(rows.len(), 1);
    assert_eq!(site.query("Metadata where parent_type is Task").len(), 3);
}

#[test]
fn long_lists_and_chains_are_no_problem() {
    let site = Site::new();
    let ids = vec!["T1"; 50_000].join(",");
    assert_eq!(site.ids(&format!("Task where id in ({ids})")), "T1");
    let chain = vec!["id is T2"; 5_000].join(" or ");
    assert_eq!(site.ids(&format!("Task where {chain}")), "T2");
    let deep = format!("Task where {}id is T3{}", "(".repeat(60), ")".repeat(60));
    assert_eq!(site.ids(&deep), "T3");
    let path = vec!["children"; 23].join(".");
    assert_eq!(site.ids(&format!("Task where {path}.name is x")), "");
}

#[test]
fn pages_follow_each_other() {
    let site = Site::new();
    let page = |expression: &str| {
        let answer = site.try_query(expression).unwrap();
        let rows = answer["data"].as_array().unwrap().len();
        (rows, answer["metadata"]["next"]["offset"].clone())
    };
    assert_eq!(page("Task limit 1"), (1, 1.into()));
    assert_eq!(page("Task offset 1 limit 1"), (1, 2.into()));
    assert_eq!(page("Task limit 1 offset 2"), (1, serde_json::Value::Null));
    assert_eq!(page("Task limit 3"), (3, serde_json::Value::Null));
    assert_eq!(page("Task"), (3, serde_json::Value::Null));
    assert_eq!(page("Task offset 2"), (1, serde_json::Value::Null));
    assert_eq!(page("Task offset 9 limit 1"), (0, serde_json::Value::Null));
    assert_eq!(page("Task limit 0"), (0, serde_json::Value::Null));
    assert_eq!(site.ids("Task offset 1 limit 1"), "T2");
}
