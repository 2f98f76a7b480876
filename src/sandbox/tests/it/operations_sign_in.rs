//! Who may call: keys, assumed users and second factors.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::harness::{Answer, create, query, send, unique_id};
use crate::site::{Site, delete_operation, exception, update_operation};

fn call_as(site: &Site, user: &str, key: &str, more: &[(&str, &str)], operation: &Value) -> Answer {
    let mut headers = vec![("ftrack-user", user), ("ftrack-api-key", key)];
    headers.extend_from_slice(more);
    let url = format!("{}/api", site.server.url());
    let body = json!([operation]).to_string();
    send("POST", &url, &headers, body.as_bytes())
}

fn who(site: &Site, user: &str, key: &str) -> Value {
    let operation = json!({"action": "query_server_information", "values": ["user_information"]});
    call_as(site, user, key, &[], &operation).json()
}

/// Creates a user who may sign in, and returns the id.
fn active_user(site: &Site, name: &str) -> String {
    let id = unique_id();
    create(
        &site.server,
        "User",
        &json!({"id": id, "username": name, "is_active": true}),
    );
    id
}

fn reset(site: &Site, more: &Value) -> Value {
    let mut operation = more.clone();
    operation["action"] = json!("reset_remote");
    site.done(&operation)
}

#[test]
fn a_new_key_replaces_the_old_one() {
    let site = Site::empty();
    let jane = active_user(&site, "jane");
    let new_key = || {
        let answer = reset(
            &site,
            &json!({"reset_type": "api_key", "entity_type": "User", "entity_key": jane}),
        );
        answer["api_key"].as_str().unwrap().to_owned()
    };
    let (first, second) = (new_key(), new_key());
    assert_ne!(first, second);
    assert_eq!(
        exception(&who(&site, "jane", &first)),
        "InvalidCredentialsError"
    );
    let information = &who(&site, "jane", &second)[0]["user_information"];
    assert_eq!(information["username"], "jane");
    assert_eq!(information["id"], jane.as_str());
    assert_eq!(information["is_global_access_key"], false);
}

#[test]
fn only_what_can_be_reset_is_reset() {
    let site = Site::empty();
    let user = site.api_user_id();
    for operation in [
        json!({"reset_type": ["id"], "entity_type": "User", "entity_key": user}),
        json!({"reset_type": "email", "entity_type": "User", "entity_key": user}),
        json!({"reset_type": "api_key", "entity_type": "Task", "entity_key": user}),
        json!({"reset_type": "api_key", "entity_type": "User", "entity_key": unique_id()}),
        json!({"reset_type": "api_key", "entity_type": "ApiKey"}),
    ] {
        let mut operation = operation.clone();
        operation["action"] = json!("reset_remote");
        assert!(site.refused(&operation)["exception"].is_string());
    }
    reset(
        &site,
        &json!({"reset_type": "password", "entity_type": "User", "entity_key": user}),
    );
}

#[test]
fn a_global_key_signs_in_any_active_user() {
    let site = Site::empty();
    let jane = active_user(&site, "jane");
    let made = reset(
        &site,
        &json!({"reset_type": "api_key", "entity_type": "ApiKey", "entity_data": {"identifier": "pipeline"}}),
    );
    let key = made["api_key"].as_str().unwrap();
    for user in ["jane", site.server.api_user()] {
        let information = &who(&site, user, key)[0]["user_information"];
        assert_eq!(information["username"], user);
        assert_eq!(information["is_global_access_key"], true);
        assert_eq!(information["access_key_id"], made["id"]);
    }
    site.done(&update_operation(
        "User",
        &json!([jane]),
        &json!({"is_active": false}),
    ));
    assert_eq!(
        exception(&who(&site, "jane", key)),
        "InvalidCredentialsError"
    );
    assert_eq!(
        exception(&who(&site, "nobody", key)),
        "InvalidCredentialsError"
    );

    let renewed = reset(
        &site,
        &json!({"reset_type": "api_key", "entity_type": "ApiKey", "entity_key": made["id"]}),
    );
    let user = site.server.api_user();
    assert_eq!(exception(&who(&site, user, key)), "InvalidCredentialsError");
    assert!(who(&site, user, renewed["api_key"].as_str().unwrap()).is_array());
    site.done(&json!({"action": "delete", "entity_type": "ApiKey", "entity_key": [made["id"]]}));
    let renewed = renewed["api_key"].as_str().unwrap();
    assert_eq!(
        exception(&who(&site, user, renewed)),
        "InvalidCredentialsError"
    );
}

#[test]
fn a_personal_key_is_its_owners_only() {
    let site = Site::empty();
    active_user(&site, "jane");
    let error = who(&site, "jane", site.server.api_key());
    assert_eq!(exception(&error), "InvalidCredentialsError");
}

#[test]
fn secrets_are_not_among_the_entities() {
    let site = Site::empty();
    let key = site.server.api_key();
    let operation = json!({"action": "query", "expression": "select identifier, prefix, resource_id from ApiKey"});
    let keys = site.done(&operation).to_string();
    assert!(keys.contains(&key[..8]), "{keys}");
    assert!(!keys.contains(key), "{keys}");
}

#[test]
fn a_global_key_has_the_roles_it_was_granted() {
    let site = Site::with_project();
    let made = reset(
        &site,
        &json!({"reset_type": "api_key", "entity_type": "ApiKey", "entity_data": {"identifier": "pipeline"}}),
    );
    let key = made["api_key"].as_str().unwrap();
    let roles = || {
        let operation = json!({"action": "permissions"});
        let answer = call_as(&site, site.server.api_user(), key, &[], &operation).json();
        answer[0]["data"]["roles"].clone()
    };
    assert_eq!(roles(), json!([]));
    let role = crate::harness::query(
        &site.server,
        "select id from SecurityRole where name is API",
    );
    let role = json!({"api_key_id": made["id"], "role_id": role[0]["id"]});
    let act = |action: &str, members: &Value| {
        let mut operation = members.clone();
        operation["action"] = json!(action);
        operation
    };
    site.done(&act("grant_api_key_security_role", &role));
    assert_eq!(roles(), json!(["API"]));
    site.done(&act("revoke_api_key_security_role", &role));
    assert_eq!(roles(), json!([]));
    let project = json!({"api_key_id": made["id"], "project_id": site.project});
    site.done(&act("grant_api_key_project", &project));
    site.done(&act("revoke_api_key_project", &project));
    let nobody = json!({"api_key_id": unique_id(), "project_id": site.project});
    site.refused(&act("grant_api_key_project", &nobody));
}

#[test]
fn a_session_acts_as_the_assumed_user() {
    let site = Site::empty();
    let jane = active_user(&site, "jane");
    let (user, key) = (site.server.api_user(), site.server.api_key());
    let assume = |read_only: bool| {
        let operation = json!({"action": "assume_user", "user_id": jane, "read_only": read_only});
        let answer = call_as(&site, user, key, &[], &operation);
        let cookie = answer.header("set-cookie").unwrap();
        cookie.split(';').next().unwrap().to_owned()
    };
    let in_session = |cookie: &str, operation: &Value| {
        call_as(&site, user, key, &[("Cookie", cookie)], operation).json()
    };
    let information = json!({"action": "query_server_information", "values": ["user_information"]});
    let name =
        |cookie: &str| in_session(cookie, &information)[0]["user_information"]["username"].clone();
    let group = json!({"action": "create", "entity_type": "Scope", "entity_data": {"name": "a"}});

    let cookie = assume(true);
    assert_eq!(name(&cookie), "jane");
    assert_eq!(
        who(&site, user, key)[0]["user_information"]["username"],
        user
    );
    assert_eq!(exception(&in_session(&cookie, &group)), "PermissionError");
    let upload = json!({
        "action": "get_upload_metadata", "component_id": "a", "file_name": "a", "file_size": 1,
    });
    assert_eq!(exception(&in_session(&cookie, &upload)), "PermissionError");
    assert!(in_session(&cookie, &json!({"action": "un_assume_user"})).is_array());
    assert_eq!(name(&cookie), user);

    let cookie = assume(false);
    assert!(in_session(&cookie, &group).is_array());
    let again = json!({"action": "assume_user", "user_id": jane});
    assert_eq!(exception(&in_session(&cookie, &again)), "PermissionError");
}

#[test]
fn a_session_is_good_for_who_began_it_only() {
    let site = Site::empty();
    let jane = active_user(&site, "jane");
    let (user, key) = (site.server.api_user(), site.server.api_key());
    let operation = json!({"action": "assume_user", "user_id": jane});
    let answer = call_as(&site, user, key, &[], &operation);
    let cookie = answer
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap();
    let joe = active_user(&site, "joe");
    let new = reset(
        &site,
        &json!({"reset_type": "api_key", "entity_type": "User", "entity_key": joe}),
    );
    let information = json!({"action": "query_server_information", "values": ["user_information"]});
    let answer = call_as(
        &site,
        "joe",
        new["api_key"].as_str().unwrap(),
        &[("Cookie", cookie)],
        &information,
    );
    assert_eq!(answer.json()[0]["user_information"]["username"], "joe");
}

#[test]
fn a_custom_attribute_is_for_the_roles_that_it_names() {
    const FRAME_START: &str = "acd86546-4082-11e2-95b1-0019bb4983d8";
    let site = Site::with_project();
    let (shot, jane) = (site.shot("010"), active_user(&site, "jane"));
    let new = reset(
        &site,
        &json!({"reset_type": "api_key", "entity_type": "User", "entity_key": jane}),
    );
    let key = new["api_key"].as_str().unwrap();
    let ask = |operation: &Value| call_as(&site, "jane", key, &[], operation).json();
    let sees = |expression: &str| {
        let answer = ask(&json!({"action": "query", "expression": expression}));
        answer[0]["data"].as_array().unwrap().clone()
    };
    let value = json!([FRAME_START, shot]);
    let set = update_operation("ContextCustomAttributeValue", &value, &json!({"value": 7}));
    let unset = delete_operation("ContextCustomAttributeValue", &value);
    site.done(&set);
    let shown = || {
        let known = [
            "CustomAttributeConfiguration where key is fstart and object_type.name is Shot",
            "ContextCustomAttributeValue where key is fstart and value is 7",
            "Shot where custom_attributes any (value is 7)",
        ];
        let dense = sees("select custom_attributes from Shot");
        let values = dense[0]["custom_attributes"].as_array().unwrap();
        let dense = values.iter().filter(|value| value["key"] == "fstart");
        (
            known.map(|expression| sees(expression).len()),
            dense.count(),
        )
    };

    assert_eq!(shown(), ([0, 0, 0], 0));
    for operation in [&set, &unset] {
        assert_eq!(exception(&ask(operation)), "PermissionError");
    }
    let role = &query(&site.server, "SecurityRole where name is 'Project Manager'")[0]["id"];
    site.done(&json!({"action": "add_user_security_role", "user_id": jane, "role_id": role}));
    assert_eq!(shown(), ([1, 1, 1], 1));
    assert!(ask(&set).is_array());

    let nobody = json!({"write_security_roles": []});
    let configuration = json!([FRAME_START]);
    site.done(&update_operation(
        "CustomAttributeConfiguration",
        &configuration,
        &nobody,
    ));
    assert_eq!(shown(), ([1, 1, 1], 1));
    assert_eq!(exception(&ask(&set)), "PermissionError");
    site.done(&unset);
}

#[test]
fn a_browser_takes_the_key_to_a_program_on_its_machine() {
    let site = Site::empty();
    let (url, user, key) = (
        site.server.url(),
        site.server.api_user(),
        site.server.api_key(),
    );
    let visit = |target: &str, credentials: &str| {
        let page = format!("{url}/user/api_credentials?redirect_url={target}");
        let signed = format!("Basic {}", BASE64.encode(credentials));
        send("GET", &page, &[("Authorization", &signed)], b"")
    };
    let known = format!("{user}:{key}");
    for (target, place) in [
        ("http://localhost:1234", "http://localhost:1234/?"),
        ("http://127.0.0.1:80/a?b=c", "http://127.0.0.1:80/a?b=c&"),
    ] {
        let answer = visit(target, &known);
        let expected = format!("{place}api_user={user}&api_key={key}");
        assert_eq!(answer.status, 302, "{target}");
        assert_eq!(answer.header("location"), Some(expected.as_str()));
    }
    for credentials in [
        format!("{user}:wrong"),
        format!("nobody:{key}"),
        String::new(),
    ] {
        let answer = visit("http://localhost:1234", &credentials);
        assert_eq!(answer.status, 401, "{credentials}");
        assert!(
            answer
                .header("www-authenticate")
                .unwrap()
                .starts_with("Basic")
        );
        assert_eq!(answer.header("location"), None);
    }
    for elsewhere in [
        "http://example.com",
        "https://localhost",
        "http://localhost@example.com",
        "/",
    ] {
        assert_eq!(visit(elsewhere, &known).status, 422, "{elsewhere}");
    }
}

#[test]
fn an_app_becomes_the_second_factor_with_a_code_only() {
    let site = Site::empty();
    let error = site.refused(&json!({"action": "configure_totp"}));
    assert_eq!(exception(&error), "ValidationError");
    assert_eq!(error["content"], "Code must be provided to enable totp.");
    assert_eq!(error["error_code"], Value::Null);
    let new = site.done(&json!({"action": "generate_totp"}));
    assert!(new["secret"].as_str().unwrap().len() >= 16);
    let wrong = json!({"action": "configure_totp", "secret": "no secret", "code": "123456"});
    assert_eq!(exception(&site.refused(&wrong)), "ValidationError");
}

/// The code of an authenticator app (RFC 6238) that holds the secret `12345678901234567890`.
fn app_code() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let mut mac = Hmac::<Sha1>::new_from_slice(b"12345678901234567890").unwrap();
    mac.update(&(now.as_secs() / 30).to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0xf);
    let word: [u8; 4] = digest[offset..offset + 4].try_into().unwrap();
    format!(
        "{:06}",
        (u32::from_be_bytes(word) & 0x7fff_ffff) % 1_000_000
    )
}

#[test]
fn an_app_with_the_right_code_becomes_the_second_factor() {
    let site = Site::empty();
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let configure =
        |code: Value| json!({"action": "configure_totp", "secret": secret, "code": code});
    site.done(&configure(json!(app_code())));
    assert_eq!(site.count("User where is_totp_enabled is True"), 1);
    // A code that was read as a number has lost its leading zeros.
    site.done(&configure(json!(app_code().parse::<u32>().unwrap())));
    site.done(&json!({"action": "disable_2fa"}));
    assert_eq!(site.count("User where is_totp_enabled is True"), 0);
}

#[test]
fn second_factors_show_on_the_user() {
    let site = Site::empty();
    let id = site.api_user_id();
    let expression =
        format!("select is_otp_enabled, is_totp_enabled from User where id is \"{id}\"");
    let is_enabled = || query(&site.server, &expression)[0]["is_otp_enabled"].clone();
    site.done(&json!({"action": "configure_otp"}));
    assert_eq!(is_enabled(), true);
    site.done(&json!({"action": "disable_2fa"}));
    assert_eq!(is_enabled(), false);
}
