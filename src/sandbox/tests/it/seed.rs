//! The data that servers start with.

use ftrack_sandbox::seed::Seed;
use serde_json::json;

use crate::harness::{call, query, start};
use crate::site::{Site, create_operation};

#[test]
fn a_bare_site_has_what_clients_know_by_heart() {
    let site = Site::empty();
    for expression in [
        "Location where name is 'ftrack.origin' and id is ce9b348f-8809-11e3-821c-20c9d081909b",
        "Location where name is 'ftrack.server' and id is 3a372bde-05bc-11e4-8908-20c9d081909b",
        "Location where name is 'ftrack.unmanaged'",
        "Location where name is 'ftrack.review'",
        "ObjectType where name is 'task' and id is 11c137c0-ee7e-4f9c-91c5-8c77cec22b2c",
        "ObjectType where name is 'Asset Build'",
        "Status where name is 'Done' or name is 'Completed'",
        "Status where state.name is 'Blocked' and name is Omitted",
        "Priority where name is 'None' and id is 9661b320-3a0c-11e2-81c1-0800200c9a66",
        "AssetType where short is upload and id is 8f4144e0-a8e6-11e2-9e96-0800200c9a66",
        "ListCategory where name is Dailies",
        "CustomAttributeConfiguration where key is fstart and object_type.name is Shot",
        "ProjectSchema where name is VFX and id is caddd816-acb5-11e1-8668-f23c91df1211",
        "User where is_active is True",
    ] {
        assert_eq!(site.count(expression), 1, "{expression}");
    }
    assert_eq!(site.count("Project"), 0);
}

#[test]
fn the_first_project_schema_answers_statuses_and_types() {
    let site = Site::empty();
    let found = query(
        &site.server,
        "select _task_workflow.statuses.name, _version_workflow.statuses.name, _task_type_schema.types.name, \
         _schemas.type_id, _schemas.statuses.task_status.name from ProjectSchema limit 1",
    );
    let schema = &found[0];
    for relation in [
        "/_task_workflow/statuses",
        "/_version_workflow/statuses",
        "/_task_type_schema/types",
        "/_schemas",
    ] {
        assert!(
            !schema
                .pointer(relation)
                .unwrap()
                .as_array()
                .unwrap()
                .is_empty(),
            "{relation}"
        );
    }
}

#[test]
fn the_studio_is_in_production() {
    let server = start();
    let count = |expression: &str| query(&server, expression).len();
    assert_eq!(count("Project where status is active"), 2);
    assert_eq!(count("Sequence"), 10);
    assert_eq!(count("Shot"), 60);
    assert_eq!(count("Shot where not children any ()"), 0);
    assert_eq!(count("AssetBuild"), 12);
    assert_eq!(count("User where assignments any ()"), 24);
    assert_eq!(count("User"), 31);
    assert!(count("Task where status.state.name is 'Done'") > 0);
    assert!(count("AssetVersion where is_latest_version is True") >= 20);
    assert_eq!(count("AssetVersion where not components any ()"), 0);
    assert_eq!(
        count("Component where not component_locations any (location.name is ftrack.unmanaged)"),
        0
    );
    assert!(count("Note where author is_not None and category.name is Internal") >= 20);
    assert!(count("Shot where custom_attributes any (key is fend and value > 1100)") > 0);
    assert_eq!(
        count("TypedContext where project_id is none or parent_id is none"),
        0
    );
}

#[test]
fn the_studio_is_the_same_on_every_server() {
    let ids = || query(&start(), "select id from Context order by id");
    assert_eq!(ids(), ids());
}

#[test]
fn work_goes_on_in_the_studio() {
    let server = start();
    let task = query(
        &server,
        "select id, parent.id from Task where name is Compositing limit 1",
    );
    let parent = &task[0]["parent"]["id"];
    let asset = "5d9fa2a8-0000-4000-8000-000000000001";
    let answer = call(
        &server,
        &json!([
            create_operation(
                "Asset",
                &json!({"id": asset, "name": "publish", "context_id": parent})
            ),
            create_operation(
                "AssetVersion",
                &json!({"asset_id": asset, "task_id": task[0]["id"]})
            ),
        ]),
    );
    assert_eq!(answer[1]["data"]["version"], 1, "{answer}");
}

#[test]
fn a_seed_is_known_by_its_name() {
    assert_eq!("empty".parse(), Ok(Seed::Empty));
    assert_eq!("studio".parse(), Ok(Seed::Studio));
    assert_eq!("feature".parse(), Ok(Seed::Feature(0)));
    assert_eq!("feature:7".parse(), Ok(Seed::Feature(7)));
    assert!("feature:seven".parse::<Seed>().is_err());
    let error = "castle".parse::<Seed>().unwrap_err();
    assert!(error.to_string().contains("\"castle\""), "{error}");
}
