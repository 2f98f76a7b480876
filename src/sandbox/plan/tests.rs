//! The SQL of queries, and that it uses the indexes.

use std::fmt::Write as _;

use ftrack_protocol::query::parse;
use rusqlite::{Connection, params_from_iter};

use super::{aggregate, rows};
use crate::{schema::Catalog, store::create_schema};

/// Returns the SQL of a query and its parameters.
fn sql(expression: &str) -> String {
    let query = parse(expression).unwrap();
    let sql = rows(Catalog::get(), &query, "*", &[]).unwrap();
    let mut text = sql.text().to_owned();
    for (index, parameter) in sql.parameters().iter().enumerate() {
        let _ = write!(text, "\n?{} {parameter:?}", index + 1);
    }
    text
}

/// Returns how SQLite goes about a query.
fn steps(expression: &str) -> String {
    let connection = Connection::open_in_memory().unwrap();
    rusqlite::vtab::array::load_module(&connection).unwrap();
    create_schema(&connection).unwrap();
    let query = parse(expression).unwrap();
    let sql = rows(Catalog::get(), &query, "1", &[]).unwrap();
    let mut statement = connection
        .prepare(&format!("explain query plan {}", sql.text()))
        .unwrap();
    let steps = statement
        .query_map(params_from_iter(sql.parameters()), |row| {
            row.get::<_, String>(3)
        })
        .unwrap();
    let steps: Vec<String> = steps.map(Result::unwrap).collect();
    steps.join("\n")
}

#[test]
fn scalars() {
    insta::assert_snapshot!(sql("Task"), @r#"
    select * from "context" t0 where +t0."object_type_id" = ?1 and 1 order by t0."id"
    ?1 Value(Text("11c137c0-ee7e-4f9c-91c5-8c77cec22b2c"))
    "#);
    insta::assert_snapshot!(sql("Task where id is a"), @r#"
    select * from "context" t0 where +t0."object_type_id" = ?1 and t0."id" = ?2 order by t0."id"
    ?1 Value(Text("11c137c0-ee7e-4f9c-91c5-8c77cec22b2c"))
    ?2 Value(Text("a"))
    "#);
    insta::assert_snapshot!(sql("Setting where group is 'a' and name != 'b'"), @r#"
    select * from "setting" t0 where (t0."group" = ?1 and t0."name" <> ?2) order by t0."name", t0."group"
    ?1 Value(Text("a"))
    ?2 Value(Text("b"))
    "#);
    insta::assert_snapshot!(sql(r"Task where name like '10\%' or bid > 1.5"), @r#"
    select * from "context" t0 where +t0."object_type_id" = ?1 and (t0."name" like ?2 escape '\' or t0."bid" > ?3) order by t0."id"
    ?1 Value(Text("11c137c0-ee7e-4f9c-91c5-8c77cec22b2c"))
    ?2 Value(Text("10\\%"))
    ?3 Value(Real(1.5))
    "#);
    insta::assert_snapshot!(sql("User where is_active is True and not (email is None)"), @r#"
    select * from "resource" t0 where +t0."resource_type" = ?1 and (t0."is_active" = ?2 and not (t0."email" is null)) order by t0."id"
    ?1 Value(Text("user"))
    ?2 Value(Integer(1))
    "#);
    insta::assert_snapshot!(sql("Task where created_at after '2015-06-01' and type in (a, None)"), @r#"
    select * from "context" t0 where +t0."object_type_id" = ?1 and (t0."created_at" > ?2 and (t0."type_id" in rarray(?3) or t0."type_id" is null)) order by t0."id"
    ?1 Value(Text("11c137c0-ee7e-4f9c-91c5-8c77cec22b2c"))
    ?2 Value(Text("2015-06-01T00:00:00"))
    ?3 List([Text("a")])
    "#);
    insta::assert_snapshot!(sql("Metadata where parent_type is Shot"), @r#"
    select * from "metadata" t0 where t0."parent_type" = ?1 order by t0."parent_id", t0."key"
    ?1 Value(Text("task"))
    "#);
}

#[test]
fn relations() {
    insta::assert_snapshot!(sql("Task where status.state.name is Done"), @r#"
    select * from "context" t0 where +t0."object_type_id" = ?1 and (t0."status_id" is not null and t0."status_id" in (select t1."id" from "status" t1 where (t1."state_id" is not null and t1."state_id" in (select t2."id" from "state" t2 where t2."name" = ?2)))) order by t0."id"
    ?1 Value(Text("11c137c0-ee7e-4f9c-91c5-8c77cec22b2c"))
    ?2 Value(Text("Done"))
    "#);
    insta::assert_snapshot!(sql("Task where parent[Shot].name is a"), @r#"
    select * from "context" t0 where +t0."object_type_id" = ?1 and (t0."parent_id" is not null and t0."parent_id" in (select t1."id" from "context" t1 where +t1."object_type_id" = ?2 and t1."name" = ?3)) order by t0."id"
    ?1 Value(Text("11c137c0-ee7e-4f9c-91c5-8c77cec22b2c"))
    ?2 Value(Text("bad911de-3bd6-47b9-8b46-3476e237cb36"))
    ?3 Value(Text("a"))
    "#);
    insta::assert_snapshot!(sql("Task where assignments any (resource.username is jane)"), @r#"
    select * from "context" t0 where +t0."object_type_id" = ?1 and (t0."id" in (select t1."context_id" from "appointment" t1 where t1."context_id" is not null and t1."type" = ?2 and (t1."resource_id" is not null and t1."resource_id" in (select t2."id" from "resource" t2 where t2."username" = ?3)))) order by t0."id"
    ?1 Value(Text("11c137c0-ee7e-4f9c-91c5-8c77cec22b2c"))
    ?2 Value(Text("assignment"))
    ?3 Value(Text("jane"))
    "#);
    insta::assert_snapshot!(sql("Project where not children any ()"), @r#"
    select * from "context" t0 where +t0."context_type" = ?1 and not (exists (select 1 from "context" t1 where t1."parent_id" = t0."id" and 1)) order by t0."id"
    ?1 Value(Text("show"))
    "#);
    insta::assert_snapshot!(sql("Shot where scopes.name is a"), @r#"
    select * from "context" t0 where +t0."object_type_id" = ?1 and (t0."id" in (select t1."context_id" from "context_scope" t1 join "scope" t2 on t2."id" = t1."scope_id" where t2."name" = ?2)) order by t0."id"
    ?1 Value(Text("bad911de-3bd6-47b9-8b46-3476e237cb36"))
    ?2 Value(Text("a"))
    "#);
    insta::assert_snapshot!(sql("Task where ancestors any (name is a)"), @r#"
    select * from "context" t0 where +t0."object_type_id" = ?1 and (t0."id" in (with recursive hit(id) as (select t1."id" from "context" t1 where +t1."context_type" = ?2 and t1."name" = ?3), below(id) as (select c.id from hit join context c on c.parent_id = hit.id union select c.id from below join context c on c.parent_id = below.id) select id from below)) order by t0."id"
    ?1 Value(Text("11c137c0-ee7e-4f9c-91c5-8c77cec22b2c"))
    ?2 Value(Text("task"))
    ?3 Value(Text("a"))
    "#);
    insta::assert_snapshot!(sql("Asset where latest_version.version > 3"), @r#"
    select * from "asset" t0 where (t0."id" in (with hit(id) as (select t1."id" from "asset_version" t1 where t1."version" > ?1) select v.asset_id from hit join asset_version v on v.id = hit.id where not exists (select 1 from asset_version n where n.asset_id = v.asset_id and n.version > v.version))) order by t0."id"
    ?1 Value(Integer(3))
    "#);
    insta::assert_snapshot!(sql("Shot where custom_attributes any (key is fps and value is 24)"), @r#"
    select * from "context" t0 where +t0."object_type_id" = ?1 and (t0."id" in (select t1."entity_id" from "custom_attribute_value" t1 where +t1."entity_kind" = ?2 and ((t1."configuration_id" in (select t2."id" from "custom_attribute_configuration" t2 where +t2."configuration_kind" = ?3 and t2."key" = ?4)) and (case typeof(t1."value") when 'null' then null when 'text' then (t1."value" in rarray(?5) or t1."value" like '[%' and json_valid(t1."value") and exists (select 1 from json_each(t1."value") t3 where t3.value collate nocase in rarray(?6))) else (t1."value" in rarray(?7)) end)))) order by t0."id"
    ?1 Value(Text("bad911de-3bd6-47b9-8b46-3476e237cb36"))
    ?2 Value(Text("context"))
    ?3 Value(Text("value"))
    ?4 Value(Text("fps"))
    ?5 List([Text("24")])
    ?6 List([Text("24")])
    ?7 List([Integer(24)])
    "#);
    insta::assert_snapshot!(sql("Asset where context_id in (select id from Shot where name is a limit 1)"), @r#"
    select * from "asset" t0 where (t0."context_id" in (select t1."id" from "context" t1 where +t1."object_type_id" = ?1 and t1."name" = ?2 order by t1."id" limit ?3)) order by t0."id"
    ?1 Value(Text("bad911de-3bd6-47b9-8b46-3476e237cb36"))
    ?2 Value(Text("a"))
    ?3 Value(Integer(1))
    "#);
}

#[test]
fn order_and_page() {
    insta::assert_snapshot!(sql("Task order by status.name desc, bid limit 500 offset 1000"), @r#"
    select * from "context" t0 where +t0."object_type_id" = ?1 and 1 order by (select t1."name" from "status" t1 where t1."id" = t0."status_id") collate nocase desc, t0."bid", t0."id" limit ?2 offset ?3
    ?1 Value(Text("11c137c0-ee7e-4f9c-91c5-8c77cec22b2c"))
    ?2 Value(Integer(501))
    ?3 Value(Integer(1000))
    "#);
    insta::assert_snapshot!(sql("AssetVersion where is_latest_version is True offset 5"), @r#"
    select * from "asset_version" t0 where (coalesce(t0.is_published, 0) and not exists (select 1 from asset_version n where n.asset_id = t0.asset_id and n.is_published and n.version > t0.version)) = ?1 order by t0."id" limit ?2 offset ?3
    ?1 Value(Integer(1))
    ?2 Value(Integer(-1))
    ?3 Value(Integer(5))
    "#);
    insta::assert_snapshot!(sql("Metadata order by value"), @r#"select * from "metadata" t0 where 1 order by t0."value", t0."parent_id", t0."key""#);
}

#[test]
fn groups() {
    let query = parse(
        "select count(id), sum(bid) from Task where bid > 0 group by status.name, type_id limit 2",
    )
    .unwrap();
    let aggregate = aggregate(Catalog::get(), &query, &[]).unwrap();
    insta::assert_snapshot!(aggregate.sql.text(), @r#"select count(t0."id"), sum(t0."bid"), (select t1."name" from "status" t1 where t1."id" = t0."status_id") collate nocase, t0."type_id" from "context" t0 where +t0."object_type_id" = ?1 and t0."bid" > ?2 group by 3, 4 order by 3, 4 limit ?3"#);
    insta::assert_debug_snapshot!(aggregate.columns, @r#"
    [
        (
            "count_id",
            Integer,
        ),
        (
            "sum_bid",
            Float,
        ),
        (
            "status_name",
            Text,
        ),
        (
            "type_id",
            Text,
        ),
    ]
    "#);
}

#[test]
fn conditions_are_searched_by_index() {
    for expression in [
        "Task where id is a",
        "Task where id in (a, b)",
        "Task where parent_id is a",
        "Task where parent.id is a",
        "Task where project_id is a",
        "Task where status.id is a",
        "AssetVersion where asset.parent.id is a",
        "Task where assignments any (resource_id is a)",
        "Task where assignments any (resource.username is jane)",
        "Component where version.asset.parent.project_id is a and component_locations any (location_id is b)",
        "Task where ancestors any (id is a)",
        "Metadata where parent_id is a and key is b",
        "Shot where scopes.id is a",
        "ContextCustomAttributeValue where entity_id in (a, b) and configuration_id in (c, d)",
        "ContextCustomAttributeValue where entity_id is a and key is b",
        "UserCustomAttributeValue where configuration_id is a and entity_id is b",
    ] {
        let steps = steps(expression);
        assert!(
            !steps.contains("SCAN t") && !steps.contains("SCAN o"),
            "{expression}\n{steps}"
        );
    }
}
