//! Links of custom attributes, appointments, lists, timers and settings.

use serde_json::{Value, json};

use crate::harness::{create, query, unique_id};
use crate::site::{Site, create_operation, delete_operation, exception, update_operation};

/// A site with a shot, a user and a way to link them.
struct Linked {
    site: Site,
    shot: String,
    user: String,
    configuration: String,
}

impl Linked {
    fn new(more: &Value) -> Self {
        let site = Site::with_project();
        let (user, configuration) = (unique_id(), unique_id());
        let shot = site.shot("010");
        create(
            &site.server,
            "User",
            &json!({"id": user, "username": "jane"}),
        );
        let mut data = json!({
            "id": configuration, "key": "supervisor", "label": "Supervisor", "entity_type": "task",
            "entity_type_to": "user", "config": "{}",
        });
        for (name, value) in more.as_object().unwrap() {
            data[name] = value.clone();
        }
        create(&site.server, "CustomAttributeLinkConfiguration", &data);
        Self {
            site,
            shot,
            user,
            configuration,
        }
    }

    fn link(&self, entity_type: &str, from: &str, to: &str) -> Value {
        create_operation(
            entity_type,
            &json!({
                "id": unique_id(), "configuration_id": self.configuration, "from_id": from, "to_id": to,
            }),
        )
    }
}

#[test]
fn a_link_is_what_it_leads_to() {
    let linked = Linked::new(&json!({}));
    let (site, shot, user) = (&linked.site, &linked.shot, &linked.user);
    let made = site.done(&linked.link("CustomAttributeLink", shot, user));
    assert_eq!(made["__entity_type__"], "CustomAttributeLink");
    let links = query(
        &site.server,
        "select to_id, user.username from UserCustomAttributeLink",
    );
    assert_eq!(links[0]["user"]["username"], "jane");
    for expression in [
        "Shot where custom_attribute_links any (configuration.key is supervisor and user.username is jane)",
        "User where custom_attribute_links_from any (configuration.key is supervisor and context.name is 010)",
        "ContextCustomAttributeLinkFrom where context.name is 010",
    ] {
        assert_eq!(site.count(expression), 1, "{expression}");
    }
    site.done(&delete_operation(
        "UserCustomAttributeLink",
        &json!([made["id"]]),
    ));
    assert_eq!(site.count("CustomAttributeLink"), 0);
}

#[test]
fn a_link_leads_where_its_configuration_says() {
    let linked = Linked::new(&json!({}));
    let (site, shot, user) = (&linked.site, &linked.shot, &linked.user);
    for (operation, name) in [
        (
            linked.link("CustomAttributeLink", user, shot),
            "ValidationError",
        ),
        (
            linked.link("CustomAttributeLink", shot, shot),
            "ValidationError",
        ),
        (
            linked.link("ContextCustomAttributeLink", shot, user),
            "ValidationError",
        ),
        (
            linked.link("CustomAttributeLink", shot, &unique_id()),
            "IntegrityError",
        ),
    ] {
        assert_eq!(exception(&site.refused(&operation)), name, "{operation}");
    }
    site.done(&linked.link("UserCustomAttributeLink", shot, user));
    let twice = linked.link("UserCustomAttributeLink", shot, user);
    assert_eq!(exception(&site.refused(&twice)), "DuplicateEntryError");
}

#[test]
fn versions_are_linked_under_either_of_their_names() {
    for name in ["asset_version", "assetversion"] {
        let linked = Linked::new(&json!({"entity_type_to": name}));
        let (_, version) = linked.site.version(&linked.shot);
        let made = linked.link("CustomAttributeLink", &linked.shot, &version);
        linked.site.done(&made);
    }
}

#[test]
fn a_link_of_an_object_type_leads_from_it_only() {
    let shot_type = "bad911de-3bd6-47b9-8b46-3476e237cb36";
    let linked = Linked::new(&json!({"object_type_id": shot_type}));
    let folder = linked.site.context("Folder", "a", &linked.site.project);
    let from_folder = linked.link("CustomAttributeLink", &folder, &linked.user);
    assert_eq!(
        exception(&linked.site.refused(&from_folder)),
        "ValidationError"
    );
    linked
        .site
        .done(&linked.link("CustomAttributeLink", &linked.shot, &linked.user));
}

#[test]
fn a_one_to_one_link_is_the_only_one() {
    let linked = Linked::new(&json!({"one_to_one": true}));
    let (site, shot) = (&linked.site, &linked.shot);
    let made = site.done(&linked.link("CustomAttributeLink", shot, &linked.user));
    let other = site.api_user_id();
    let second = linked.link("CustomAttributeLink", shot, &other);
    assert_eq!(exception(&site.refused(&second)), "DuplicateEntryError");
    let change = json!({"to_id": other});
    site.done(&update_operation(
        "UserCustomAttributeLink",
        &json!([made["id"]]),
        &change,
    ));
    assert_eq!(
        site.count(&format!(
            "UserCustomAttributeLink where user.id is \"{other}\""
        )),
        1
    );
}

#[test]
fn links_go_with_either_end() {
    let linked = Linked::new(&json!({}));
    let site = &linked.site;
    site.done(&linked.link("CustomAttributeLink", &linked.shot, &linked.user));
    site.done(&delete_operation("User", &json!([linked.user])));
    assert_eq!(site.count("CustomAttributeLink"), 0);
}

#[test]
fn appointments_are_assignments_or_allocations() {
    let site = Site::with_project();
    let (shot, user) = (site.shot("010"), site.api_user_id());
    let appoint = |kind: &str| {
        let data = json!({"type": kind, "context_id": shot, "resource_id": user});
        create_operation("Appointment", &data)
    };
    site.done(&appoint("assignment"));
    site.done(&appoint("allocation"));
    assert_eq!(
        exception(&site.refused(&appoint("lunch"))),
        "ValidationError"
    );
    let found = query(
        &site.server,
        "select assignments.resource_id, allocations, appointments from Shot",
    );
    let count = |name: &str| found[0][name].as_array().unwrap().len();
    assert_eq!(
        (
            count("assignments"),
            count("allocations"),
            count("appointments")
        ),
        (1, 1, 2)
    );
}

#[test]
fn a_list_takes_items_of_its_type() {
    let site = Site::with_project();
    let shot = site.shot("010");
    let (_, version) = site.version(&shot);
    let list = unique_id();
    let data = json!({
        "id": list, "name": "dailies", "project_id": site.project,
        "category_id": "77b9ab82-07c2-11e4-ba66-04011030cf01",
    });
    create(&site.server, "AssetVersionList", &data);
    let item = |entity: &str| {
        let data = json!({"list_id": list, "entity_id": entity, "entity_type": "assetversion"});
        create_operation("ListObject", &data)
    };
    site.done(&item(&version));
    assert_eq!(exception(&site.refused(&item(&shot))), "ValidationError");
    let items = json!({"items": [{"__entity_type__": "Shot", "id": shot}]});
    site.refused(&update_operation(
        "AssetVersionList",
        &json!([list]),
        &items,
    ));
    assert_eq!(
        site.count(&format!("AssetVersion where lists any (id is \"{list}\")")),
        1
    );
    let without_category = json!({"name": "a", "project_id": site.project});
    site.refused(&create_operation("AssetVersionList", &without_category));
}

#[test]
fn a_user_has_one_timer() {
    let site = Site::with_project();
    let timer = create_operation("Timer", &json!({"name": "a"}));
    let made = site.done(&timer);
    assert_eq!(made["start"]["__type__"], "datetime");
    assert_eq!(exception(&site.refused(&timer)), "DuplicateEntryError");
    site.done(&delete_operation("Timer", &json!([made["id"]])));
    site.done(&timer);
}

#[test]
fn settings_are_replaced_by_name_and_group() {
    let site = Site::empty();
    for value in ["1", "2"] {
        let data = json!({"name": "fps", "group": "STUDIO", "value": value});
        site.done(&create_operation("Setting", &data));
    }
    let found = query(
        &site.server,
        "select value from Setting where group is STUDIO",
    );
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["value"], "2");
    let change = json!({"value": "3"});
    site.done(&update_operation(
        "Setting",
        &json!(["fps", "STUDIO"]),
        &change,
    ));
    assert_eq!(site.count("Setting where name is fps and value is 3"), 1);
}
