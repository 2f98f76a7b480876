//! Expressions that clients and the documentation of ftrack are known to use.

use super::Site;

const EXPRESSIONS: &[&str] = &[
    r#"select name from Project where status is active and (name like "%x%" or full_name like '%thrones')"#,
    r#"select id, name from Task where assignments any (resource.username = "jenkins") and status.state.name not_in ("Done","Blocked") order by name desc limit 5 offset 10"#,
    r#"User where is_active is True and not (timelogs any (start >= "2015-06-01"))"#,
    r#"Note where author has (first_name is "Jane" and last_name is "Doe")"#,
    "Project where children any ()",
    "Task where not children any ()",
    "User where not timelogs any ()",
    "select versions.components.name from Asset where id is A",
    r#"select version.asset.versions from Component where id is "C1""#,
    "select asset.parent from AssetVersion where asset is_not None limit 10",
    "select status from Task where project_id is P limit 10",
    r#"select children, children.children, children.children.children, children.children.children.assignments, children.children.children.assignments.resource from Project where id is "P""#,
    r#"select versions.custom_attributes from Asset where id is "A""#,
    "select task_status from SchemaStatus where schema_id is x",
    "select _overrides.type_id, _overrides.workflow_schema.statuses.name, _schemas.statuses.task_status.color from ProjectSchema where id is x",
    r#"select link from AssetVersion where id is "V1""#,
    "Location where name is 'ftrack.server'",
    "select default, label, key, object_type.name, type.name from CustomAttributeConfiguration order by sort",
    r#"Status where name="Done""#,
    r#"Component where version.asset.parent.project_id is "P" and component_locations any (location_id is "x")"#,
    "User where is_active = True and (id = 'jane' or id = 'joe')",
    r#"Asset where name is "a" and type.short is "b" and parent.id is "S1""#,
    r#"Timelog where start is "2015-11-18T15:24:09" and duration is 10 and user_id is "jane" and context_id is "T1""#,
    "select email from User where id in (jane,joe)",
    r#"select value from Metadata where (parent_id is "X"and key is "k")"#,
    "AssetVersion where asset.id=A and task.id=T1 and is_latest_version is true",
    "select id, components, asset , asset.name from AssetVersion",
    "select asset.parent[Shot].parent[Sequence].name from AssetVersion",
    r#"Task where status.type.name is "Done" and parent is none and status_id != none"#,
    r#"Job where status is running and created_at < "2024-01-01T00:00:00Z""#,
    r#"Shot where custom_attributes any (key is "fstart" and value is "1001")"#,
    "Shot where custom_attributes any (key is fstart and value > 3)",
    "CustomAttributeValue where configuration.key is customNumber",
    r#"ContextCustomAttributeValue where entity_id in (S1, "S2") and configuration_id in (x)"#,
    r#"Task where custom_attribute_links any (configuration.key is "supervisor" and user.username is "x")"#,
    r#"AssetVersion where custom_attribute_links_from any (configuration.key is "x" and context.bid > 1)"#,
    r#"Task where ancestors any (id is "Q") and descendants.name like "x%""#,
    "Asset where id in (select asset_id from AssetVersion where id in (select version_id from ReviewSessionObject where review_session_id is x))",
    "select key, project_id, id, object_type_id, entity_type, is_hierarchical from CustomAttributeConfiguration",
    "select context.link, context.project_id from Timelog",
];

#[test]
fn expressions_of_known_clients_are_answered() {
    let site = Site::new();
    for expression in EXPRESSIONS {
        let answer = site.try_query(expression);
        assert!(answer.is_ok(), "{expression}: {answer:?}");
    }
}
