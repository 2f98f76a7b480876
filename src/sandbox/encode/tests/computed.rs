//! Attributes and relations that the server derives.

use serde_json::{Value, json};

use super::Site;

#[test]
fn links_lead_from_the_project_to_the_item() {
    let site = Site::new();
    assert_eq!(
        site.query("select link, _link from Task where id is T1")[0]["link"],
        json!([
            {"id": "P", "name": "demo", "type": "Project"},
            {"id": "Q", "name": "sq010", "type": "TypedContext"},
            {"id": "S1", "name": "sh010", "type": "TypedContext"},
            {"id": "T1", "name": "Animation", "type": "TypedContext"},
        ])
    );
    let link = site.query("select link from AssetVersion where id is V2")[0]["link"].clone();
    let types: Vec<&str> = link
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        ["Project", "TypedContext", "TypedContext", "AssetVersion"]
    );
    assert_eq!(link[3]["id"], "V2");
    let link = site.query("select link from Group")[0]["link"].clone();
    assert_eq!(
        link,
        json!([{"id": "crew", "name": "Crew", "type": "Group"}])
    );
    assert_eq!(
        site.query("select context.link from Timelog")[0]["context"]["link"][0]["id"],
        "P"
    );
}

#[test]
fn ancestors_and_descendants_are_typed_contexts() {
    let mut site = Site::new();
    site.options.denormalize = true;
    let ids = |entity: &Value, name: &str| -> Vec<String> {
        let related = entity[name].as_array().unwrap();
        related
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let rows =
        site.query("select ancestors.name, descendants from TypedContext where id in (T1, S1)");
    assert_eq!(ids(&rows[0], "ancestors"), ["Q"]);
    assert_eq!(ids(&rows[0], "descendants"), ["T1", "T2"]);
    assert_eq!(ids(&rows[1], "ancestors"), ["Q", "S1"]);
    assert_eq!(ids(&rows[1], "descendants"), [""; 0]);
    let rows = site.query("select descendants from Project");
    assert_eq!(
        ids(&rows[0], "descendants"),
        ["Q", "S1", "S2", "T1", "T2", "T3"]
    );
    let rows = site.query("select ancestors from Asset");
    assert_eq!(ids(&rows[0], "ancestors"), ["Q", "S1"]);

    assert_eq!(
        site.ids("Task where ancestors any (name is sh010)"),
        "T1 T2"
    );
    assert_eq!(site.ids("Task where ancestors.id is Q"), "T1 T2 T3");
    assert_eq!(site.ids("Task where ancestors.id is P"), "");
    assert_eq!(
        site.ids("TypedContext where descendants any (name like 'comp%')"),
        "Q S1"
    );
    assert_eq!(site.ids("Project where descendants.name is sh010"), "P");
    assert_eq!(site.ids("Asset where ancestors.name is sq010"), "A");
    assert_eq!(
        site.ids("Shot where not descendants any (name is compositing)"),
        "S2"
    );
}

#[test]
fn the_latest_version_is_the_highest() {
    let site = Site::new();
    let rows = site.query("select latest_version.version from Asset");
    assert_eq!(rows[0]["latest_version"]["version"], 3);
    assert_eq!(site.ids("Asset where latest_version.version is 3"), "A");
    assert_eq!(
        site.ids("Asset where latest_version has (version is 2)"),
        ""
    );
    assert_eq!(
        site.ids("AssetVersion where is_latest_version is True"),
        "V2"
    );
    let rows = site.query("select is_latest_version from AssetVersion");
    assert_eq!(rows[1]["is_latest_version"], true);
    assert_eq!(rows[2]["is_latest_version"], false);
}

#[test]
fn logged_time_is_summed() {
    let rows = Site::new()
        .query("select time_logged, bid_time_logged_difference from Task where time_logged > 0");
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["time_logged"], 3600.0);
    assert_eq!(rows[0]["bid_time_logged_difference"], 3600.0);
}

#[test]
fn addresses_lead_to_the_server_where_it_has_the_file() {
    let site = Site::new();
    let rows = site.query("select thumbnail_url from Shot");
    assert_eq!(
        rows[0]["thumbnail_url"],
        json!({"url": "http://localhost:8080/component/thumbnail?id=C1&size=300", "value": "C1"})
    );
    assert_eq!(
        rows[1]["thumbnail_url"],
        json!({"url": "http://localhost:8080/img/thumbnail2.png", "value": null})
    );
    let rows = site.query("select url from ComponentLocation");
    assert_eq!(
        rows[0]["url"]["url"],
        "http://localhost:8080/component/get?id=C1"
    );
    assert_eq!(rows[1]["url"]["url"], Value::Null);
}

#[test]
fn custom_attributes_are_dense_when_selected() {
    let site = Site::new();
    let rows = site.query("select custom_attributes from Shot");
    let values = |row: &Value| -> Vec<(String, Value)> {
        let values = row["custom_attributes"].as_array().unwrap();
        values
            .iter()
            .map(|value| {
                (
                    value["key"].as_str().unwrap().to_owned(),
                    value["value"].clone(),
                )
            })
            .collect()
    };
    let pair = |key: &str, value: Value| (key.to_owned(), value);
    assert_eq!(
        values(&rows[0]),
        [
            pair("fstart", json!(990)),
            pair("hero", json!(false)),
            pair("tags", Value::Null)
        ]
    );
    assert_eq!(
        values(&rows[1]),
        [
            pair("fstart", json!(1001)),
            pair("hero", json!(false)),
            pair("tags", json!(["night", "Rain"]))
        ]
    );
    assert_eq!(
        rows[0]["custom_attributes"][0],
        json!({"__entity_type__": "ContextCustomAttributeValue", "configuration_id": "cfg-fstart",
               "entity_id": "S1", "key": "fstart", "value": 990})
    );
    let rows = site
        .query("select asset.custom_attributes.configuration.key from AssetVersion where id is V1");
    assert_eq!(
        rows[0]["asset"]["custom_attributes"][0]["configuration"]["key"],
        "tags"
    );
}

#[test]
fn queries_of_the_values_of_one_kind_of_entity_are_dense() {
    let site = Site::new();
    let found = |expression: &str| -> Vec<String> {
        let rows = site.query(expression);
        let text = |row: &Value| format!("{} {} {}", row["entity_id"], row["key"], row["value"]);
        rows.iter().map(|row| text(row).replace('"', "")).collect()
    };
    assert_eq!(
        found(
            "select value, entity_id from ContextCustomAttributeValue \
             where entity_id in (S1, S2, T1) and configuration_id in (cfg-fstart, cfg-other, cfg-tags)"
        ),
        [
            "S1 fstart 990",
            "S2 fstart 1001",
            "S1 tags null",
            "S2 tags [night,Rain]",
            "T1 tags null"
        ]
    );
    let typed = "select value from ContextCustomAttributeValue where";
    for (condition, expected) in [
        ("key is fstart and value is 1001", vec!["S2 fstart 1001"]),
        (
            "configuration.key is fstart and value > 0 order by value desc limit 1",
            vec!["S2 fstart 1001"],
        ),
        (
            "key is fstart order by value limit 5 offset 1",
            vec!["S2 fstart 1001"],
        ),
        ("value is None and entity_id is S1", vec!["S1 tags null"]),
        ("value is RAIN", vec!["S2 tags [night,Rain]"]),
        ("key is other", vec![]),
    ] {
        assert_eq!(
            found(&format!("{typed} {condition}")),
            expected,
            "{condition}"
        );
    }
    assert_eq!(
        site.ids("Shot where id in (select entity_id from ContextCustomAttributeValue where value is 1001)"),
        "S2"
    );
    let counted = site.query(
        "select count(entity_id) from ContextCustomAttributeValue where entity_id is S1 group by entity_id",
    );
    assert_eq!(counted[0]["count_entity_id"], 3);
    assert_eq!(
        found("AssetVersionCustomAttributeValue where entity_id is V1"),
        ["V1 tags null"]
    );
    assert_eq!(found("UserCustomAttributeValue"), [""; 0]);
    assert_eq!(site.query("CustomAttributeValue").len(), 2);
}

#[test]
fn custom_attributes_compare_by_their_type() {
    let site = Site::new();
    for (condition, expected) in [
        ("key is fstart and value is 990", "S1"),
        ("key is fstart and value is '990'", "S1"),
        ("key is fstart and value > 1000", ""),
        ("key is fstart and value < 1000.5", "S1"),
        ("key is fstart and value is_not 990", ""),
        ("configuration.key is tags and value is rain", "S2"),
        ("key is tags and value is day", ""),
        ("key is tags and value like '%night%'", "S2"),
    ] {
        let expression = format!("Shot where custom_attributes any ({condition})");
        assert_eq!(site.ids(&expression), expected, "{expression}");
    }
    assert_eq!(
        site.ids("Shot where custom_attributes.configuration.key is fstart"),
        "S1"
    );
    let rows = site.query("CustomAttributeValue where configuration.key is fstart");
    assert_eq!(rows[0]["value"], 990);
    assert_eq!(rows[0]["__entity_type__"], "CustomAttributeValue");
    let rows = site.query("select default from CustomAttributeConfiguration where key is tags");
    assert_eq!(rows[0]["default"], json!(["a"]));
}
