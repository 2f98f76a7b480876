//! Values of custom attributes: their defaults, and what finds them.

use serde_json::{Value, json};

use crate::harness::{create, query, unique_id};
use crate::site::{Site, update_operation};

const TEXT: &str = "6268aef0-381c-11e0-acff-0019bb49847a";
const DATE: &str = "79968e9e-381c-11e0-acff-0019bb49847a";
const NUMBER: &str = "92009b00-381c-11e0-acff-0019bb49847a";
const DAILIES: &str = "77b9ab82-07c2-11e4-ba66-04011030cf01";
const BOOLEAN: &str = "ad1034d8-15e2-11e1-b21a-0019bb4983d8";
const ENUMERATOR: &str = "6ff9c812-ead3-11e2-846c-f23c91dfaa16";

/// Makes an attribute of projects as clients do, which send an empty default when there is none.
fn configure(site: &Site, key: &str, type_id: &str) -> String {
    let id = unique_id();
    create(
        &site.server,
        "CustomAttributeConfiguration",
        &json!({
            "id": id, "key": key, "label": key, "type_id": type_id, "entity_type": "show", "config": "{}",
            "default": "",
        }),
    );
    id
}

#[test]
fn an_attribute_without_a_default_has_no_value() {
    let site = Site::with_project();
    for (key, type_id, expected) in [
        ("due", DATE, json!(null)),
        ("frames", NUMBER, json!(null)),
        ("hero", BOOLEAN, json!(null)),
        ("comment", TEXT, json!("")),
        ("tags", ENUMERATOR, json!([])),
    ] {
        let id = configure(&site, key, type_id);
        let values = format!("select value from ContextCustomAttributeValue where key is {key}");
        assert_eq!(query(&site.server, &values)[0]["value"], expected, "{key}");
        site.done(&update_operation(
            "CustomAttributeConfiguration",
            &json!([id]),
            &json!({"default": "", "label": "again"}),
        ));
        assert_eq!(query(&site.server, &values)[0]["value"], expected, "{key}");
    }
}

/// A project with a value for each type of attribute, but none for `note` and `count`.
fn site_with_values() -> Site {
    let site = Site::with_project();
    let set = |key: &str, type_id: &str, value: Value| {
        let id = configure(&site, key, type_id);
        site.done(&update_operation(
            "ContextCustomAttributeValue",
            &json!([id, site.project]),
            &json!({"value": value}),
        ));
    };
    set("take", TEXT, json!("5"));
    set("frames", NUMBER, json!(7));
    set("hero", BOOLEAN, json!(true));
    set("due", DATE, json!("2024-01-01"));
    set("tags", ENUMERATOR, json!(["day", "Rain"]));
    set("note", TEXT, json!(null));
    set("count", NUMBER, json!(null));
    site
}

#[test]
fn is_and_in_find_the_same_values() {
    let site = site_with_values();
    let found = |condition: &str| {
        let expression = format!("select key from ContextCustomAttributeValue where {condition}");
        let mut keys: Vec<String> = query(&site.server, &expression)
            .iter()
            .map(|value| value["key"].as_str().unwrap().to_owned())
            .collect();
        keys.sort();
        keys.join(" ")
    };
    let all = ["5", "7", "True", "2024-01-01", "rain"];
    let expected = ["take", "frames", "hero", "due", "tags"];
    for (value, key) in all.into_iter().zip(expected) {
        for condition in [
            format!("value is \"{value}\""),
            format!("value in (\"{value}\", 99)"),
        ] {
            // In quotes, it is a text and no flag.
            let expected = if key == "hero" { "" } else { key };
            assert_eq!(found(&condition), expected, "{condition}");
        }
    }
    assert_eq!(found("value is True"), "hero");
    assert_eq!(found("value in (True)"), "hero");
    assert_eq!(found("value in (rain, 5, True)"), "hero tags take");
    assert_eq!(found("value not_in (rain, 5, True)"), "due fps frames");
    assert_eq!(found("not (value in (rain, 5, True))"), "due fps frames");
}

#[test]
fn no_value_fulfils_no_comparison() {
    let site = site_with_values();
    let count = |condition: &str| {
        site.count(&format!(
            "ContextCustomAttributeValue where key in (note, count) and {condition}"
        ))
    };
    for condition in [
        "value is abc",
        "value is_not abc",
        "value is_not 7",
        "not (value is abc)",
        "value in (abc, 7)",
        "value not_in (abc, 7)",
        "value > abc",
        "not (value > abc)",
        "value not_like abc",
    ] {
        assert_eq!(count(condition), 0, "{condition}");
    }
    assert_eq!(count("value is None"), 2);
    assert_eq!(count("value in (abc, None)"), 2);
}

#[test]
fn an_item_that_leaves_a_list_takes_its_custom_attributes_along() {
    let site = Site::with_project();
    let (list, configuration) = (unique_id(), unique_id());
    create(
        &site.server,
        "TypedContextList",
        &json!({"id": list, "name": "dailies", "project_id": site.project, "category_id": DAILIES}),
    );
    create(
        &site.server,
        "CustomAttributeConfiguration",
        &json!({
            "id": configuration, "key": "order", "label": "Order", "type_id": NUMBER, "entity_type": "listobject",
            "config": "{}",
        }),
    );
    let shots = [site.shot("010"), site.shot("020")];
    let set = |ids: &[&String]| {
        let items: Vec<Value> = ids
            .iter()
            .map(|id| json!({"__entity_type__": "Shot", "id": id}))
            .collect();
        site.done(&update_operation(
            "TypedContextList",
            &json!([list]),
            &json!({"items": items}),
        ));
        query(&site.server, "select id, entity_id from ListObject")
    };
    let items = set(&[&shots[0], &shots[1], &shots[0]]);
    assert_eq!(items.len(), 2);
    for item in &items {
        site.done(&update_operation(
            "ListObjectCustomAttributeValue",
            &json!([configuration, item["id"]]),
            &json!({"value": 1}),
        ));
    }
    let left = set(&[&shots[1]]);
    assert_eq!(left[0]["entity_id"], json!(shots[1]));
    assert_eq!(
        items
            .iter()
            .filter(|item| item["id"] == left[0]["id"])
            .count(),
        1,
        "what stays keeps its id"
    );
    assert_eq!(site.count("CustomAttributeValue"), 1);
}
