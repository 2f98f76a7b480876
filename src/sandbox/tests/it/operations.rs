//! What clients ask for besides entities and files: search, roles, invites, widgets and the like.

use ftrack_sandbox::SandboxOptions;
use serde_json::{Value, json};
use std::time::Duration;

use crate::harness::{call, call_one, create, get, query, start, start_with, unique_id, upload};
use crate::site::{Site, exception};

const SHOT: &str = "bad911de-3bd6-47b9-8b46-3476e237cb36";
const FOLDER: &str = "3c133785-51cb-11e3-980a-20c9d0831e59";

fn search(site: &Site, members: &Value) -> Value {
    let mut operation = members.clone();
    operation["action"] = json!("search");
    call_one(&site.server, &operation)
}

fn names(result: &Value) -> Vec<&str> {
    let data = result["data"].as_array().unwrap();
    data.iter()
        .map(|entity| entity["name"].as_str().unwrap())
        .collect()
}

#[test]
fn a_search_finds_what_contains_all_terms() {
    let site = Site::with_project();
    let forest = site.context("Folder", "Forest", &site.project);
    site.context("Shot", "day_010", &forest);
    site.context("Shot", "night_010", &forest);
    site.shot("forest_fire");
    let expression = "select name from Shot order by name";
    let find = |terms: &Value| {
        let found = search(
            &site,
            &json!({"expression": expression, "entity_type": "Shot", "terms": terms}),
        );
        assert_eq!(found["action"], "search");
        names(&found).join(" ")
    };
    assert_eq!(find(&json!(["FOREST"])), "day_010 forest_fire night_010");
    assert_eq!(find(&json!(["forest", "night"])), "night_010");
    assert_eq!(find(&json!(["forest", "sea"])), "");
    assert_eq!(find(&json!([])), "day_010 forest_fire night_010");
    assert_eq!(find(&json!(["%"])), "");
    assert_eq!(find(&json!(["\" or name like \""])), "");
}

#[test]
fn a_search_takes_wildcards_and_backslashes_literally() {
    let site = Site::with_project();
    for name in ["a_b", "ab", r"back\", r"back\slash", r"odd\_"] {
        site.shot(name);
    }
    for (term, expected) in [
        ("_", vec!["a_b", r"odd\_"]),
        ("a_b", vec!["a_b"]),
        ("\\", vec![r"back\", r"back\slash", r"odd\_"]),
        (r"back\", vec![r"back\", r"back\slash"]),
        (r"\s", vec![r"back\slash"]),
        (r"\_", vec![r"odd\_"]),
        (r"\\", vec![]),
    ] {
        let members = json!({"expression": "select name from Shot order by name", "terms": [term]});
        assert_eq!(names(&search(&site, &members)), expected, "{term}");
    }
}

#[test]
fn a_search_stays_in_its_context_and_object_types() {
    let site = Site::with_project();
    let forest = site.context("Folder", "forest", &site.project);
    site.context("Shot", "a_shot", &forest);
    site.shot("b_shot");
    let expression = "select name from TypedContext order by name";
    let below = search(
        &site,
        &json!({"expression": expression, "terms": [], "context_id": forest}),
    );
    assert_eq!(names(&below), ["a_shot", "forest"]);
    let shots = search(
        &site,
        &json!({"expression": expression, "terms": [], "context_id": site.project, "object_type_ids": [SHOT]}),
    );
    assert_eq!(names(&shots), ["a_shot", "b_shot"]);
    let folders = search(
        &site,
        &json!({"expression": expression, "terms": ["s"], "object_type_ids": [FOLDER]}),
    );
    assert_eq!(names(&folders), ["forest"]);
}

#[test]
fn a_search_has_pages() {
    let site = Site::with_project();
    for name in ["a", "b", "c"] {
        site.shot(name);
    }
    let page = |offset: u32| {
        let expression = format!("select name from Shot order by name offset {offset} limit 2");
        search(&site, &json!({"expression": expression, "terms": []}))
    };
    assert_eq!(names(&page(0)), ["a", "b"]);
    assert_eq!(page(0)["metadata"]["next"]["offset"], 2);
    assert_eq!(names(&page(2)), ["c"]);
    assert_eq!(page(2)["metadata"]["next"]["offset"], Value::Null);
}

#[test]
fn a_search_without_expression_names_what_it_finds() {
    let site = Site::with_project();
    site.shot("a");
    let found = search(&site, &json!({"entity_type": "Shot", "terms": ["a"]}));
    assert_eq!(names(&found), ["a"]);
    for wrong in [
        json!({"terms": []}),
        json!({"entity_type": "Nothing", "terms": []}),
        json!({"expression": "select", "terms": []}),
    ] {
        let mut operation = wrong.clone();
        operation["action"] = json!("search");
        site.refused(&operation);
    }
}

#[test]
fn every_entity_type_can_be_searched() {
    let server = start();
    for schema in call_one(&server, &json!({"action": "query_schemas"}))
        .as_array()
        .unwrap()
    {
        let name = schema["id"].as_str().unwrap();
        let expression = format!("{name} limit 1");
        let operation = json!({"action": "search", "expression": expression, "terms": ["e"], "context_id": unique_id()});
        let answer = call(&server, &json!([operation]));
        assert!(answer.is_array(), "{name}: {answer}");
    }
}

#[test]
fn a_query_is_parsed_without_being_answered() {
    let site = Site::empty();
    let expression =
        "select  name, count(id) from Task where name is 'a' order by name desc limit 3";
    let parsed = site.done(&json!({"action": "parse_query", "expression": expression}));
    assert_eq!(parsed["entity_type"], "Task");
    assert_eq!(parsed["projections"], json!(["name", "count(id)"]));
    assert_eq!(parsed["limit"], 3);
    assert_eq!(parsed["criteria"], "name is \"a\"");
    let error = site.refused(&json!({"action": "parse_query", "expression": "select from where"}));
    assert_eq!(exception(&error), "ParseError");
}

#[test]
fn roles_are_added_changed_and_removed() {
    let site = Site::with_project();
    let user = unique_id();
    create(
        &site.server,
        "User",
        &json!({"id": user, "username": "jane"}),
    );
    let role = |name: &str| {
        let found = query(
            &site.server,
            &format!("select id from SecurityRole where name is \"{name}\""),
        );
        found[0]["id"].as_str().unwrap().to_owned()
    };
    let (manager, artist) = (role("Project Manager"), role("User"));
    let roles = || {
        let expression = format!(
            "select security_role.name, is_all_open_projects, user_security_role_projects.project_id \
             from UserSecurityRole where user_id is \"{user}\""
        );
        query(&site.server, &expression)
    };
    let act = |action: &str, more: Value| {
        let mut operation = json!({"action": action, "user_id": user});
        for (name, value) in more.as_object().unwrap() {
            operation[name] = value.clone();
        }
        operation
    };
    site.done(&act("add_user_security_role", json!({"role_id": manager})));
    assert_eq!(roles()[0]["is_all_open_projects"], true);

    let change = json!({"role_id": manager, "new_role_id": artist, "all_open_projects": false});
    site.done(&act("update_user_security_role", change));
    assert_eq!(roles()[0]["security_role"]["name"], "User");
    assert_eq!(roles()[0]["is_all_open_projects"], false);

    let project = json!({"role_id": artist, "project_id": site.project});
    site.done(&act("grant_user_security_role_project", project.clone()));
    site.done(&act("grant_user_security_role_project", project.clone()));
    let granted = &roles()[0]["user_security_role_projects"];
    assert_eq!(granted.as_array().unwrap().len(), 1);
    assert_eq!(granted[0]["project_id"], site.project.as_str());
    site.done(&act("revoke_user_security_role_project", project.clone()));
    let error = site.refused(&act("revoke_user_security_role_project", project));
    assert_eq!(exception(&error), "NotFoundError");

    site.done(&act(
        "remove_user_security_role",
        json!({"role_id": artist}),
    ));
    assert!(roles().is_empty());
    let error = site.refused(&act(
        "remove_user_security_role",
        json!({"role_id": artist}),
    ));
    assert_eq!(exception(&error), "NotFoundError");
    let error = site.refused(&act("add_user_security_role", json!({})));
    assert_eq!(error["content"], "role_id must be provided.");
}

#[test]
fn roles_for_users_and_for_keys_are_told_apart() {
    let site = Site::empty();
    assert_eq!(site.count("SecurityRole where type is \"PROJECT\""), 3);
    assert_eq!(site.count("SecurityRole where type is \"API\""), 1);
}

#[test]
fn permissions_name_the_roles_of_the_caller() {
    let site = Site::empty();
    let permissions = site.done(&json!({"action": "permissions"}));
    assert_eq!(permissions["roles"], json!(["Administrator"]));
    assert_eq!(permissions["is_administrator"], true);
}

#[test]
fn invites_are_kept_and_not_sent() {
    let site = Site::with_project();
    let (user, session, invitee) = (unique_id(), unique_id(), unique_id());
    let server = &site.server;
    create(
        server,
        "User",
        &json!({"id": user, "username": "jane", "email": "jane@studio.example"}),
    );
    create(
        server,
        "ReviewSession",
        &json!({
            "id": session, "name": "dailies", "project_id": site.project, "description": "",
            "start_date": "2024-01-01", "end_date": "2024-02-01",
        }),
    );
    create(
        server,
        "ReviewSessionInvitee",
        &json!({
            "id": invitee, "review_session_id": session, "name": "Joe", "email": "joe@client.example",
        }),
    );
    let batch = json!([
        {"action": "send_user_invite", "user_id": user},
        {"action": "send_review_session_invite", "review_session_invitee_id": invitee},
    ]);
    let answer = call(server, &batch);
    assert_eq!(answer[0]["sent"], true);
    assert_eq!(answer[1]["sent"], true);
    let headers = [
        ("ftrack-user", server.api_user()),
        ("ftrack-api-key", server.api_key()),
    ];
    let url = format!("{}/sandbox/outbox", server.url());
    let mails = crate::harness::send("GET", &url, &headers, b"").json();
    let mail = |index: usize, name: &str| mails["mails"][index][name].as_str().unwrap().to_owned();
    assert_eq!(mail(0, "kind"), "user_invite");
    assert_eq!(mail(0, "address"), "jane@studio.example");
    assert_eq!(mail(1, "kind"), "review_session_invite");
    assert_eq!(mail(1, "address"), "joe@client.example");
    assert_eq!(get(&url).status, 401);
    let kept = server.outbox().unwrap();
    let kinds: Vec<_> = kept.iter().map(|mail| mail.kind.as_str()).collect();
    assert_eq!(kinds, ["user_invite", "review_session_invite"]);
}

#[test]
fn an_invite_of_a_batch_that_fails_is_not_kept() {
    let site = Site::empty();
    let user = site.api_user_id();
    let answer = call(
        &site.server,
        &json!([
            {"action": "send_user_invite", "user_id": user},
            {"action": "send_user_invite", "user_id": unique_id()},
        ]),
    );
    assert_eq!(exception(&answer), "NotFoundError");
    let url = format!("{}/sandbox/outbox", site.server.url());
    let headers = [
        ("ftrack-user", site.server.api_user()),
        ("ftrack-api-key", site.server.api_key()),
    ];
    let mails = crate::harness::send("GET", &url, &headers, b"").json();
    assert_eq!(mails["mails"], json!([]));
}

#[test]
fn a_widget_names_its_entity() {
    let site = Site::with_project();
    let shot = site.shot("<b>010</b>");
    let task = unique_id();
    create(
        &site.server,
        "Task",
        &json!({"id": task, "name": "Paint & roto", "parent_id": shot}),
    );
    for (name, theme) in [
        ("info", json!("dark")),
        ("tasks", json!("light")),
        ("tasks_browser", Value::Null),
    ] {
        let operation = json!({
            "action": "get_widget_url", "name": name, "theme": theme, "entity_type": "Shot", "entity_key": shot,
        });
        let url = call_one(&site.server, &operation)["widget_url"].clone();
        let page = get(url.as_str().unwrap());
        assert_eq!(page.status, 200);
        assert!(
            page.header("content-type")
                .unwrap()
                .starts_with("text/html")
        );
        assert!(
            page.text().contains("&lt;b&gt;010&lt;/b&gt;"),
            "{}",
            page.text()
        );
        assert_eq!(page.text().contains("Paint &amp; roto"), name != "info");
    }
    let tasks = call_one(
        &site.server,
        &json!({"action": "get_widget_url", "name": "tasks"}),
    );
    assert_eq!(get(tasks["widget_url"].as_str().unwrap()).status, 200);
}

#[test]
fn players_have_widgets_of_reviews() {
    let site = Site::with_project();
    let shot = site.shot("010");
    for name in ["review_navigation", "review_action"] {
        let about_shot = json!({"action": "get_widget_url", "name": name, "entity_type": "Shot", "entity_key": shot});
        let url = call_one(&site.server, &about_shot)["widget_url"].clone();
        assert!(get(url.as_str().unwrap()).text().contains("010"));
        // What a player compares is known by an id that it adds itself.
        let about_nothing = json!({"action": "get_widget_url", "name": name, "theme": null});
        let url = call_one(&site.server, &about_nothing)["widget_url"].clone();
        let url = format!("{}&entityType=tempdata&entityId=x", url.as_str().unwrap());
        assert_eq!(get(&url).status, 200);
    }
}

#[test]
fn a_widget_is_refused_for_what_is_not_there() {
    let site = Site::with_project();
    for operation in [
        json!({"name": "no_such_widget"}),
        json!({"name": "info"}),
        json!({"name": "tasks", "theme": "pink"}),
        json!({"name": "info", "entity_type": "Shot", "entity_key": unique_id()}),
        json!({"name": "info", "entity_type": "Nothing", "entity_key": "x"}),
        json!({"name": "info", "entity_type": "Shot", "entity_key": ["a", "b"]}),
    ] {
        let mut operation = operation.clone();
        operation["action"] = json!("get_widget_url");
        site.refused(&operation);
    }
    let url = site.server.url();
    assert_eq!(get(&format!("{url}/widget/info?token=forged")).status, 403);
    assert_eq!(get(&format!("{url}/widget/info")).status, 400);
}

#[test]
fn the_url_of_a_widget_expires() {
    let server = start_with(SandboxOptions {
        widget_validity: Duration::ZERO,
        ..SandboxOptions::default()
    });
    let answer = call_one(
        &server,
        &json!({"action": "get_widget_url", "name": "tasks"}),
    );
    assert_eq!(get(answer["widget_url"].as_str().unwrap()).status, 403);
}

#[test]
fn a_signed_url_needs_no_key_and_reads_one_file() {
    let site = Site::empty();
    let server = &site.server;
    let id = crate::harness::create_component(server, "plate", ".txt", 6);
    upload(server, &id, b"pixels");
    let operation = json!({"action": "generate_signed_url", "component_id": id});
    let url = call_one(server, &operation)["signed_url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(get(&url).body, b"pixels");
    assert_eq!(get(&url.replace("/get?", "/remove?")).status, 401);
    assert_eq!(get(&url.replace(&id, &unique_id())).status, 403);
    assert_eq!(get(&format!("{url}0")).status, 403);
    site.refused(&json!({"action": "generate_signed_url", "component_id": unique_id()}));
    site.refused(&json!({"action": "generate_signed_url", "component_id": "../secret"}));
}

#[test]
fn storage_usage_counts_the_files_of_the_server() {
    let site = Site::empty();
    let id = crate::harness::create_component(&site.server, "plate", ".txt", 6);
    let usage = || site.done(&json!({"action": "storage_usage"}));
    assert_eq!(usage()["used"], 0);
    create(
        &site.server,
        "ComponentLocation",
        &json!({
            "id": unique_id(), "component_id": id, "resource_identifier": id,
            "location_id": crate::harness::SERVER_LOCATION,
        }),
    );
    assert_eq!(usage(), json!({"used": 6, "files": 1, "limit": null}));
}

#[test]
fn a_delayed_job_ends() {
    let site = Site::empty();
    let job = site.done(&json!({"action": "delayed_job", "job_type": "SYNC_USERS_LDAP"}));
    assert_eq!(job["__entity_type__"], "Job");
    let expression = format!(
        "select status, finished_at from Job where id is {}",
        job["id"]
    );
    let done = crate::harness::wait_for(|| {
        let job = query(&site.server, &expression)[0].clone();
        (job["status"] == "done").then_some(job)
    });
    assert!(done["finished_at"].is_object(), "{done}");
    let error = site.refused(&json!({"action": "delayed_job", "job_type": "NO_SUCH_JOB"}));
    assert_eq!(exception(&error), "ValidationError");
}

#[test]
fn a_context_is_converted_to_another_object_type() {
    let site = Site::with_project();
    let folder = site.context("Folder", "sq", &site.project);
    site.context("Shot", "010", &folder);
    let sequence = "e5139355-61da-4c8f-9db4-3abc870166bc";
    let operation = |object_type: &str| json!({"action": "convert_entity", "entity_type": "Folder", "entity_key": [folder], "object_type_id": object_type});
    let converted = site.done(&operation(sequence));
    assert_eq!(converted["__entity_type__"], "Sequence");
    assert_eq!(site.count("Sequence where children any (name is 010)"), 1);
    assert_eq!(site.count("Folder"), 0);
    assert_eq!(
        exception(&site.refused(&operation("no-such-type"))),
        "ValidationError"
    );
    assert_eq!(site.count("Sequence where name is sq"), 1);
}

#[test]
fn small_operations_answer() {
    let site = Site::empty();
    let rollups = call_one(&site.server, &json!({"action": "compute_rollups"}));
    assert_eq!(rollups["data"], json!([]));
    let authorize = json!({"action": "_authorize_operation", "data": {"action": "create", "data": {"entity_type": "Task"}}});
    assert_eq!(site.done(&authorize), true);
    let usage = json!({"action": "_track_usage", "data": {"type": "event"}});
    assert_eq!(site.done(&usage), true);
    let error = site.refused(&json!({"action": "no_such_action"}));
    assert_eq!(error["content"], "Invalid action u'no_such_action'");
}
