//! Plans from canned answers and made-up files: what is decided, and what speaks against it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::publish::description::{ComponentSpec, Source};
use crate::publish::files::{FileFacts, Files};
use crate::publish::lookup::tests::findings;
use crate::publish::media::{Format, MediaInfo};
use crate::publish::plan::{EncodeSource, SERVER_LOCATION};

const SHOT: &str = "shot";
const TASK: &str = "task";

fn file(path: &str, size: u64) -> (PathBuf, FileFacts) {
    let facts = FileFacts {
        size,
        ..FileFacts::default()
    };
    (path.into(), facts)
}

fn component(name: &str, path: &str) -> ComponentSpec {
    ComponentSpec {
        name: name.to_owned(),
        source: Source::Path(path.to_owned()),
        data: serde_json::Map::new(),
        metadata: BTreeMap::new(),
        locations: Vec::new(),
    }
}

fn version(asset: &str) -> VersionSpec {
    VersionSpec {
        target: Target::Asset {
            name: asset.to_owned(),
            asset_type: Some("Render".to_owned()),
            parent: None,
        },
        task: Some(Reference::Id(TASK.to_owned())),
        comment: String::new(),
        data: serde_json::Map::new(),
        metadata: BTreeMap::new(),
        custom_attributes: BTreeMap::new(),
        components: Vec::new(),
        reviewable: None,
        thumbnail: None,
        uses: Vec::new(),
    }
}

fn description(versions: Vec<VersionSpec>) -> Description {
    Description {
        versions,
        depends: Vec::new(),
    }
}

/// What a server answers that knows a shot with a task, and an asset `comp` with three versions.
fn planned(description: &Description, files: Vec<(PathBuf, FileFacts)>) -> Plan {
    let contexts = json!({"data": [{
        "__entity_type__": "Task", "id": TASK, "name": "lighting", "parent_id": SHOT,
        "link": [{"name": "film"}, {"name": "sh010"}, {"name": "lighting"}],
        "parent": {"__entity_type__": "Shot", "id": SHOT, "link": [{"id": "film", "name": "film"}, {"id": SHOT, "name": "sh010"}]},
    }]});
    let first = [
        json!({"data": {"roles": ["Artist"]}}),
        json!({"data": [
            {"__entity_type__": "AssetType", "id": "render", "name": "Render", "short": "render"},
            {"__entity_type__": "AssetType", "id": "cache", "name": "Cache", "short": "abc"},
        ]}),
        json!({"data": [{"__entity_type__": "Location", "id": SERVER_LOCATION, "name": "ftrack.server"}]}),
        contexts,
        json!({"data": [
            {"__entity_type__": "CustomAttributeConfiguration", "id": "take", "key": "take", "project_id": null},
            {"__entity_type__": "CustomAttributeConfiguration", "id": "lens", "key": "lens", "project_id": null},
            {"__entity_type__": "CustomAttributeConfiguration", "id": "film-lens", "key": "lens", "project_id": "film"},
            {"__entity_type__": "CustomAttributeConfiguration", "id": "other", "key": "other", "project_id": "series"},
        ]}),
    ];
    let assets = json!([{
        "__entity_type__": "Asset", "id": "comp", "name": "comp", "type_id": "render", "context_id": SHOT,
        "latest_version": {"__entity_type__": "AssetVersion", "id": "v3", "version": 3},
    }]);
    let twins = json!([{
        "__entity_type__": "AssetVersion", "id": "v2", "asset_id": "comp", "components": [
            {"__entity_type__": "FileComponent", "id": "c1", "size": 7.0},
            {"__entity_type__": "FileComponent", "id": "c2", "size": 500},
        ],
    }]);
    let files = Files::known(files);
    plan(
        description,
        &findings(description, &first, &assets, &twins, files),
    )
}

fn kinds(plan: &Plan) -> Vec<(ConflictKind, &str)> {
    plan.conflicts
        .iter()
        .map(|conflict| (conflict.kind, conflict.node.as_str()))
        .collect()
}

#[test]
fn custom_attributes_are_those_of_the_project_or_of_all() {
    let mut light = version("light");
    for key in ["take", "lens", "other", "none"] {
        light.custom_attributes.insert(key.to_owned(), json!(key));
    }
    let plan = planned(&description(vec![light]), vec![]);
    let found: Vec<_> = plan.versions[0].custom_attributes.iter().collect();
    assert_eq!(
        found,
        [
            (&"film-lens".to_owned(), &json!("lens")),
            (&"take".to_owned(), &json!("take"))
        ]
    );
    assert_eq!(kinds(&plan), [(ConflictKind::NotFound, "light"); 2]);
    let messages: Vec<_> = plan.conflicts.iter().map(|it| &it.message).collect();
    assert!(messages[0].contains("'none'") && messages[1].contains("'other'"));
}

#[test]
fn the_next_version_joins_the_asset_that_is_there() {
    let plan = planned(
        &description(vec![version("Comp"), version("comp"), version("light")]),
        vec![],
    );
    assert_eq!(kinds(&plan), []);
    let numbers: Vec<_> = plan
        .versions
        .iter()
        .map(|version| (version.asset.exists, version.number))
        .collect();
    assert_eq!(numbers, [(true, 4), (true, 5), (false, 1)]);
    assert_eq!(plan.versions[0].asset.id, "comp");
    assert_eq!(plan.versions[2].asset.parent_id, SHOT);
    assert_eq!(plan.versions[2].task_id.as_deref(), Some(TASK));
}

#[test]
fn only_a_version_with_components_of_the_same_sizes_may_be_the_same_publish() {
    let check = |asset: &str, sizes: &[u64], expected: bool| {
        let paths: Vec<_> = sizes.iter().map(|size| format!("/r/{size}")).collect();
        let mut spec = version(asset);
        spec.components = paths.iter().map(|path| component(path, path)).collect();
        let files = paths
            .iter()
            .zip(sizes)
            .map(|(path, size)| file(path, *size));
        let plan = planned(&description(vec![spec]), files.collect());
        assert_eq!(
            plan.versions[0].may_be_published, expected,
            "{asset} {sizes:?}"
        );
    };
    check("comp", &[7], true);
    check("comp", &[500, 7], true);
    check("comp", &[7, 8], false);
    check("light", &[7], false);
    // Without components there are no sizes to be compared.
    check("comp", &[], true);
    check("light", &[], false);
}

#[test]
fn a_new_asset_has_the_same_id_for_all_who_make_it() {
    let make = || {
        planned(&description(vec![version("light")]), vec![]).versions[0]
            .asset
            .id
            .clone()
    };
    assert_eq!(make(), make());
}

#[test]
fn frames_with_the_same_defect_are_one_conflict() {
    let mut spec = version("comp");
    spec.components = vec![component("main", "/r/a.%02d.exr [1-99]")];
    let files = vec![file("/r/a.50.exr", 10)];
    let plan = planned(&description(vec![spec]), files);
    assert_eq!(kinds(&plan), [(ConflictKind::File, "comp/main")]);
    assert_eq!(
        plan.conflicts[0].to_string(),
        "comp/main: frames 1-49, 51-99 of '/r/a.%02d.exr' do not exist"
    );
    assert_eq!(plan.conflicts[0].files.len(), 98);
}

#[test]
fn files_are_counted_and_missing_ones_named() {
    let mut spec = version("comp");
    spec.components = vec![
        component("main", "/r/a.%02d.exr [1-3]"),
        component("notes", "/r/notes.txt"),
    ];
    let files = vec![
        file("/r/a.01.exr", 10),
        file("/r/a.03.exr", 30),
        file("/r/notes.txt", 2),
    ];
    let plan = planned(&description(vec![spec]), files);
    assert_eq!(kinds(&plan), [(ConflictKind::File, "comp/main")]);
    assert_eq!(
        plan.conflicts[0].to_string(),
        "comp/main: file '/r/a.02.exr' does not exist"
    );
    assert_eq!(plan.conflicts[0].files, [PathBuf::from("/r/a.02.exr")]);
    assert_eq!(plan.bytes(), 42);
    let [main, notes] = plan.versions[0].components.as_slice() else {
        panic!("two components");
    };
    assert_eq!(
        (main.file_type.as_str(), notes.file_type.as_str()),
        (".exr", ".txt")
    );
    let steps: Vec<_> = plan
        .steps
        .iter()
        .map(|s| (s.name.as_str(), s.calls, s.files))
        .collect();
    assert_eq!(
        steps,
        [
            ("look up", 2, 0),
            ("hash", 0, 4),
            ("send to ftrack.server", 1, 4),
            ("register", 1, 0),
            ("read it back", 1, 0),
        ]
    );
}

#[test]
fn conflicts_name_their_node() {
    let mut unknown = version("light");
    unknown.target = Target::Asset {
        name: "light".to_owned(),
        asset_type: Some("Rendr".to_owned()),
        parent: None,
    };
    let mut twice = version("comp");
    twice.components = vec![component("main", "/a"), component("Main", "/a")];
    let mut other_type = version("comp");
    other_type.target = Target::Asset {
        name: "comp".to_owned(),
        asset_type: Some("abc".to_owned()),
        parent: None,
    };
    let plan = planned(
        &description(vec![unknown, twice, other_type]),
        vec![file("/a", 1)],
    );
    assert_eq!(
        kinds(&plan),
        [
            (ConflictKind::UnknownType, "light"),
            (ConflictKind::NameTaken, "comp/Main"),
            (ConflictKind::NameTaken, "comp#2"),
        ]
    );
    assert_eq!(
        plan.conflicts[0].message,
        "there is no asset type 'Rendr'; there are Cache, Render"
    );
    assert_eq!(plan.obstacles().len(), 3);
}

#[test]
fn a_task_is_no_parent_of_an_asset() {
    let mut spec = version("light");
    spec.target = Target::Asset {
        name: "light".to_owned(),
        asset_type: None,
        parent: Some(Reference::Id(TASK.to_owned())),
    };
    let plan = planned(&description(vec![spec]), vec![]);
    assert_eq!(kinds(&plan), [(ConflictKind::WrongParent, "light")]);
}

#[test]
fn a_playable_file_becomes_a_component_and_others_are_encoded() {
    let movie = |format| MediaInfo {
        format,
        width: 640,
        height: 480,
        movie: None,
    };
    let with_media = |path: &str, format| {
        let (path, facts) = file(path, 5);
        let facts = FileFacts {
            media: Some(movie(format)),
            ..facts
        };
        (path, facts)
    };
    let files = || {
        vec![
            with_media("/a.png", Format::Png),
            with_media("/a.exr", Format::Exr),
        ]
    };
    let mut playable = version("comp");
    playable.reviewable = Some("/a.png".into());
    let mut encoded = version("light");
    encoded.reviewable = Some("/a.exr".into());
    let mut held = encoded.clone();
    held.components = vec![component("main", "/a.exr")];
    let plan = planned(&description(vec![playable, encoded, held]), files());
    let [playable, encoded, held] = plan.versions.as_slice() else {
        panic!("three versions");
    };
    assert_eq!(playable.components[0].name, "ftrackreview-image");
    assert_eq!(
        playable.components[0].metadata["ftr_meta"],
        r#"{"format":"image","height":480,"width":640}"#
    );
    assert_eq!(playable.encode, None);
    assert!(matches!(&encoded.encode, Some(EncodeSource::File(file)) if file.size == 5));
    // The same bytes are not sent twice.
    assert_eq!(
        held.encode,
        Some(EncodeSource::Component("main".to_owned()))
    );
}

#[test]
fn a_cycle_and_a_user_without_roles_are_conflicts() {
    let mut one = version("comp");
    one.uses = vec![Used::Version(1)];
    let mut description = description(vec![one, version("light")]);
    description.depends = vec![(1, 0)];
    let plan = planned(&description, vec![]);
    assert_eq!(kinds(&plan), [(ConflictKind::Cycle, "comp")]);
    assert_eq!(
        plan.conflicts[0].message,
        "versions need each other: comp needs light needs comp"
    );
    // It is drawn all the same.
    assert!(crate::publish::svg(&plan).contains("comp"));
}

#[test]
fn a_plan_survives_json() {
    let mut spec = version("comp");
    spec.components = vec![component("main", "/r/a.%d.exr [1]")];
    let plan = planned(&description(vec![spec]), vec![file("/r/a.1.exr", 1)]);
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
}

#[test]
fn a_plan_is_a_table() {
    let mut spec = version("comp");
    spec.components = vec![component("main", "/r/a.%d.exr [1-2]")];
    spec.thumbnail = Some("/r/t.jpg".into());
    let files = vec![file("/r/a.1.exr", 1500), file("/r/a.2.exr", 1500)];
    let table = crate::publish::table(&planned(&description(vec![spec]), files));
    let expected = "\
VERSION                          PLACE            SIZE
comp         v004, next version  film/sh010       3.0 KB
  main       component           2 files, 3.0 KB
  thumbnail  thumbnail           0 B

STEP                   CALLS  FILES  SIZE
look up                2
hash                          3      3.0 KB
send to ftrack.server  1      3      3.0 KB
register               1
read it back           1

CONFLICTS
comp/thumbnail: file '/r/t.jpg' does not exist
";
    assert_eq!(table, expected);
}

#[test]
fn a_plan_is_a_diagram_without_markup_of_users() {
    let mut spec = version("comp\"<b>");
    spec.components = vec![component("main", "/missing")];
    let mut user = version("light");
    user.uses = vec![Used::Version(0)];
    let plan = planned(&description(vec![spec, user]), vec![]);
    let mermaid = crate::publish::mermaid(&plan);
    assert_eq!(
        mermaid,
        "flowchart LR\n\
         \x20   n0([\"comp#quot;#lt;b#gt;<br/>v001, new asset\"])\n\
         \x20   n1([\"light<br/>v001, new asset\"])\n\
         \x20   n2[\"comp#quot;#lt;b#gt;/main<br/>0 B\"]\n\
         \x20   n0 --> n1\n\
         \x20   n2 --> n0\n\
         \x20   classDef conflict stroke:#c0392b,stroke-width:3px\n\
         \x20   class n0,n2 conflict\n"
    );
    let svg = crate::publish::svg(&plan);
    assert!(svg.contains("comp&quot;&lt;b&gt;/main") && !svg.contains("<b>"));
}

/// Versions that use any of those before them, in a shuffled order.
fn random_publish() -> impl Strategy<Value = Description> {
    let uses = prop::collection::vec(
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        1..12,
    );
    uses.prop_map(|uses| {
        let versions = uses.iter().enumerate().map(|(position, used)| {
            let mut spec = version(&format!("asset{}", position % 4));
            spec.components = vec![component("main", "/r/a.txt")];
            let earlier = used.iter().filter(|_| position > 0);
            spec.uses = earlier
                .map(|used| Used::Version(used.index(position)))
                .collect();
            spec
        });
        description(versions.collect())
    })
}

proptest! {
    #[test]
    fn every_version_is_made_after_what_it_uses_and_numbered_in_that_order(description in random_publish()) {
        let plan = planned(&description, vec![file("/r/a.txt", 3)]);
        prop_assert!(plan.conflicts.is_empty());
        let mut place = vec![0; plan.versions.len()];
        for (at, version) in plan.order.iter().enumerate() {
            place[*version] = at;
        }
        for (position, version) in plan.versions.iter().enumerate() {
            prop_assert!(version.uses.iter().all(|used| place[*used] < place[position]));
        }
        let mut last = HashMap::new();
        for version in plan.order.iter().map(|position| &plan.versions[*position]) {
            let before = last.insert(version.asset.id.clone(), version.number);
            prop_assert!(before.is_none_or(|before| before + 1 == version.number));
        }
    }
}
