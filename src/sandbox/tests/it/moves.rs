//! Contexts, assets and versions that get another parent, and the projects they are in.

use serde_json::{Value, json};

use crate::harness::{call, create, unique_id};
use crate::site::{
    Site, create_operation, delete_operation, exception, project_data, update_operation,
};

/// A site with two projects.
struct Moving {
    site: Site,
    other: String,
}

impl Moving {
    fn new() -> Self {
        let site = Site::with_project();
        let other = unique_id();
        create(&site.server, "Project", &project_data(&other, "other"));
        Self { site, other }
    }

    fn note(&self, parent_type: &str, parent: &str) -> String {
        let id = unique_id();
        create(
            &self.site.server,
            "Note",
            &json!({"id": id, "content": "a note", "parent_id": parent, "parent_type": parent_type}),
        );
        id
    }

    #[track_caller]
    fn check_in(&self, project: &str, entities: &[(&str, &String)]) {
        for (entity_type, id) in entities {
            let there = format!("{entity_type} where id is {id} and project_id is {project}");
            assert_eq!(self.site.count(&there), 1, "{entity_type}");
        }
    }
}

fn update(entity_type: &str, id: &str, data: &Value) -> Value {
    update_operation(entity_type, &json!([id]), data)
}

#[test]
fn a_context_takes_everything_below_to_the_new_project() {
    let moving = Moving::new();
    let site = &moving.site;
    let sequence = site.context("Sequence", "s", &site.project);
    let shot = site.context("Shot", "010", &sequence);
    let (asset, version) = site.version(&shot);
    let notes = [
        moving.note("Shot", &shot),
        moving.note("AssetVersion", &version),
    ];
    site.done(&update(
        "Sequence",
        &sequence,
        &json!({"parent_id": moving.other}),
    ));
    moving.check_in(
        &moving.other,
        &[
            ("Sequence", &sequence),
            ("Shot", &shot),
            ("Asset", &asset),
            ("AssetVersion", &version),
            ("Note", &notes[0]),
            ("Note", &notes[1]),
        ],
    );
}

#[test]
fn an_asset_takes_its_versions_and_a_version_its_notes() {
    let moving = Moving::new();
    let site = &moving.site;
    let (asset, version) = site.version(&site.project);
    let note = moving.note("AssetVersion", &version);
    let of_version = [("AssetVersion", &version), ("Note", &note)];
    site.done(&update(
        "Asset",
        &asset,
        &json!({"context_id": moving.other}),
    ));
    moving.check_in(&moving.other, &[("Asset", &asset)]);
    moving.check_in(&moving.other, &of_version);
    let (stays, _) = site.version(&site.project);
    site.done(&update(
        "AssetVersion",
        &version,
        &json!({"asset_id": stays}),
    ));
    moving.check_in(&site.project, &of_version);
}

#[test]
fn the_project_is_that_of_the_parent_whatever_is_sent() {
    let moving = Moving::new();
    let site = &moving.site;
    let folder = site.context("Folder", "f", &site.project);
    let task = site.context("Task", "t", &folder);
    let (asset, version) = site.version(&folder);
    let all = [
        ("Folder", &folder),
        ("Task", &task),
        ("Asset", &asset),
        ("AssetVersion", &version),
    ];
    for (entity_type, id) in all {
        site.done(&update(
            entity_type,
            id,
            &json!({"project_id": moving.other}),
        ));
        moving.check_in(&site.project, &all);
    }
    site.done(&update(
        "Project",
        &site.project,
        &json!({"project_id": moving.other}),
    ));
    moving.check_in(&site.project, &[("Project", &site.project)]);
    site.done(&update(
        "Folder",
        &folder,
        &json!({"parent_id": moving.other, "project_id": moving.other}),
    ));
    moving.check_in(&moving.other, &all);
}

#[test]
fn nothing_can_be_moved_below_itself() {
    let moving = Moving::new();
    let site = &moving.site;
    let sequence = site.context("Sequence", "s", &site.project);
    let shot = site.context("Shot", "010", &sequence);
    for refused in [
        update("Sequence", &sequence, &json!({"parent_id": shot})),
        update("Project", &site.project, &json!({"parent_id": shot})),
        update(
            "Project",
            &site.project,
            &json!({"parent_id": moving.other}),
        ),
        update(
            "Project",
            &moving.other,
            &json!({"children": [
                {"__entity_type__": "Project", "id": site.project},
            ]}),
        ),
        create_operation("Project", &{
            let mut data = project_data(&unique_id(), "below");
            data["parent_id"] = json!(site.project);
            data
        }),
    ] {
        assert_eq!(exception(&site.refused(&refused)), "ValidationError");
    }
}

#[test]
fn what_comes_to_a_project_lies_within_its_dates() {
    let moving = Moving::new();
    let site = &moving.site;
    let sequence = site.context("Sequence", "s", &site.project);
    let task = site.context("Task", "t", &sequence);
    let dates = |date: &str| json!({"start_date": {"__type__": "datetime", "value": date}});
    site.done(&update("Task", &task, &dates("2026-02-01T00:00:00Z")));
    site.done(&update(
        "Project",
        &moving.other,
        &json!({"start_date": "2020-01-01", "end_date": "2020-12-31"}),
    ));
    let moved = update("Sequence", &sequence, &json!({"parent_id": moving.other}));
    assert_eq!(
        site.refused(&moved)["content"],
        "TypedContext dates must be within project start and end dates."
    );
    let answer = call(
        &site.server,
        &json!([moved, update("Task", &task, &dates("2020-02-01T00:00:00Z"))]),
    );
    assert!(answer.is_array(), "{answer}");
}

#[test]
fn what_comes_to_a_project_is_of_a_type_that_it_allows() {
    let moving = Moving::new();
    let site = &moving.site;
    let sequence = site.context("Sequence", "s", &site.project);
    site.context("Episode", "e", &sequence);
    let schema = unique_id();
    create(
        &site.server,
        "ProjectSchema",
        &json!({"id": schema, "name": "no episodes"}),
    );
    site.done(&create_operation(
        "ProjectSchemaObjectType",
        &json!({"project_schema_id": schema, "object_type_id": SEQUENCE}),
    ));
    site.done(&update(
        "Project",
        &moving.other,
        &json!({"project_schema_id": schema}),
    ));
    let moved = update("Sequence", &sequence, &json!({"parent_id": moving.other}));
    assert_eq!(
        site.refused(&moved)["content"],
        "The object type is not allowed by the schema of the project."
    );
}

const SEQUENCE: &str = "e5139355-61da-4c8f-9db4-3abc870166bc";

#[test]
fn versions_go_on_counting_after_any_change() {
    let site = Site::with_project();
    let (asset, version) = site.version(&site.project);
    let new = || create_operation("AssetVersion", &json!({"asset_id": asset}));
    let last_number = |operations: Value| {
        let answer = call(&site.server, &operations);
        let last = answer.as_array().and_then(|results| results.last());
        last.map_or(answer.clone(), |result| result["data"]["version"].clone())
    };
    let numbered = |number: i64| update("AssetVersion", &version, &json!({"version": number}));
    assert_eq!(last_number(json!([new(), numbered(20), new()])), 21);
    assert_eq!(last_number(json!([new(), numbered(100), new()])), 101);
    let extra = unique_id();
    let named = create_operation("AssetVersion", &json!({"id": extra, "asset_id": asset}));
    let gone = delete_operation("AssetVersion", &json!([extra]));
    assert_eq!(last_number(json!([named, gone, new()])), 102);
    site.done(&numbered(i64::MAX));
    assert_eq!(exception(&site.refused(&new())), "ValidationError");
}
