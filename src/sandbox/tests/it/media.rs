//! The plain GET endpoints: files, thumbnails and pages.

use ftrack_sandbox::Sandbox;
use image::{DynamicImage, ImageFormat, RgbImage};

use crate::harness::{
    call, component_url, create_component, get, query, send, start, unique_id, upload, wait_for,
};
use serde_json::json;

const BYTES: &[u8] = b"0123456789";

fn with_file() -> (Sandbox, String) {
    let server = start();
    let id = create_component(&server, "plate", ".txt", BYTES.len());
    upload(&server, &id, BYTES);
    (server, id)
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::new(width, height))
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[test]
fn a_file_comes_with_its_name_and_type() {
    let (server, id) = with_file();
    let answer = get(&component_url(&server, "get", &id));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, BYTES);
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(answer.header("content-length"), Some("10"));
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"plate.txt\"")
    );
}

#[test]
fn a_file_whose_component_does_not_exist_yet_is_plain_bytes() {
    let server = start();
    let id = unique_id();
    upload(&server, &id, BYTES);
    let answer = get(&component_url(&server, "get", &id));
    assert_eq!(answer.body, BYTES);
    assert_eq!(
        answer.header("content-type"),
        Some("application/octet-stream")
    );
}

#[test]
fn parts_of_a_file_come_by_range() {
    let (server, id) = with_file();
    let url = component_url(&server, "get", &id);
    let range = |range| send("GET", &url, &[("Range", range)], b"");
    for (asked, bytes, told) in [
        ("bytes=0-3", "0123", "bytes 0-3/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=5-500", "56789", "bytes 5-9/10"),
    ] {
        let answer = range(asked);
        assert_eq!((answer.status, answer.text()), (206, bytes), "{asked}");
        assert_eq!(answer.header("content-range"), Some(told));
    }
    let beyond = range("bytes=10-");
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, Some("bytes */10"))
    );
}

#[test]
fn a_tag_tells_whether_a_file_has_changed() {
    let (server, id) = with_file();
    let url = component_url(&server, "get", &id);
    let tag = get(&url).header("etag").unwrap().to_owned();
    let resume = || {
        send(
            "GET",
            &url,
            &[("Range", "bytes=5-"), ("If-Range", &tag)],
            b"",
        )
    };
    let unless = |known: &str| send("GET", &url, &[("If-None-Match", known)], b"").status;
    for known in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"a\", {tag}"),
        "*".to_owned(),
    ] {
        assert_eq!(unless(&known), 304, "{known}");
    }
    assert_eq!(unless("\"a\", \"b\""), 200);
    assert_eq!(resume().status, 206);

    upload(&server, &id, b"abcdefghij");
    assert_ne!(get(&url).header("etag"), Some(tag.as_str()));
    // Half of the old file must not be continued with half of the new one.
    let answer = resume();
    assert_eq!((answer.status, answer.text()), (200, "abcdefghij"));
}

#[test]
fn a_removed_file_is_gone() {
    let (server, id) = with_file();
    assert_eq!(get(&component_url(&server, "remove", &id)).status, 200);
    for endpoint in ["get", "thumbnail", "remove"] {
        assert_eq!(
            get(&component_url(&server, endpoint, &id)).status,
            404,
            "{endpoint}"
        );
    }
}

#[test]
fn a_wrong_key_or_user_opens_nothing() {
    let (server, id) = with_file();
    let (url, user, key) = (server.url(), server.api_user(), server.api_key());
    for endpoint in ["get", "thumbnail", "remove"] {
        for query in [
            format!("id={id}&username={user}&apiKey=wrong"),
            format!("id={id}&username=nobody&apiKey={key}"),
            format!("id={id}&username={user}&apiKey="),
            format!("id={id}&username={user}"),
            format!("id={id}"),
            // Nobody learns from the answer which files exist.
            format!("id={}", unique_id()),
        ] {
            let answer = get(&format!("{url}/component/{endpoint}?{query}"));
            assert_eq!(answer.status, 401, "{endpoint} {query}");
            assert_eq!(answer.json()["exception"], "InvalidCredentialsError");
            assert!(!answer.text().contains(key));
        }
    }
    assert_eq!(get(&component_url(&server, "get", &id)).body, BYTES);
}

#[test]
fn a_wrong_key_calls_no_api() {
    let server = start();
    let url = format!("{}/api", server.url());
    let headers = [
        ("ftrack-user", server.api_user()),
        ("ftrack-api-key", "wrong"),
        ("ftrack-strict-api", "true"),
    ];
    let body = br#"[{"action":"query_server_information"}]"#;
    let strict = send("POST", &url, &headers, body);
    assert_eq!(strict.status, 401);
    let lenient = send("POST", &url, &headers[..2], body);
    assert_eq!((lenient.status, lenient.json()), (200, strict.json()));
    assert_eq!(strict.json()["exception"], "InvalidCredentialsError");
}

#[test]
fn ids_that_are_paths_find_nothing() {
    let server = start();
    for id in [
        "../sandbox.sqlite3",
        "..%2Fupload-secret",
        "%2Fetc%2Fpasswd",
        "a%00b",
        "",
    ] {
        for endpoint in ["get", "thumbnail", "remove"] {
            let answer = get(&component_url(&server, endpoint, id));
            assert!((400..500).contains(&answer.status), "{endpoint} {id:?}");
        }
    }
    assert!(server.data_dir().join("upload-secret").exists());
}

#[test]
fn a_still_has_a_thumbnail_of_the_size_asked_for() {
    let server = start();
    let id = create_component(&server, "plate", ".png", 0);
    upload(&server, &id, &png(640, 320));
    for (size, expect) in [
        ("&size=100", (100, 50)),
        ("&size=10", (10, 5)),
        ("", (300, 150)),
    ] {
        let answer = get(&format!(
            "{}{size}",
            component_url(&server, "thumbnail", &id)
        ));
        assert_eq!(answer.header("content-type"), Some("image/png"));
        let picture = image::load_from_memory(&answer.body).unwrap();
        assert_eq!((picture.width(), picture.height()), expect);
    }
    let huge = get(&format!(
        "{}&size=large",
        component_url(&server, "thumbnail", &id)
    ));
    assert_eq!(huge.status, 422);
}

#[test]
fn a_thumbnail_follows_its_file() {
    let server = start();
    let id = unique_id();
    let url = component_url(&server, "thumbnail", &id);
    upload(&server, &id, &png(8, 8));
    let before = get(&url);
    upload(&server, &id, &png(9, 9));
    assert_ne!(get(&url).body, before.body);
}

#[test]
fn what_is_no_picture_has_the_default_thumbnail() {
    let (server, id) = with_file();
    let default = get(&format!("{}/img/thumbnail2.png", server.url()));
    assert_eq!(
        (default.status, default.header("content-type")),
        (200, Some("image/png"))
    );
    assert_eq!(
        get(&component_url(&server, "thumbnail", &id)).body,
        default.body
    );
}

#[test]
fn the_front_page_names_the_server() {
    let server = start();
    let answer = get(&format!("{}/", server.url()));
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("sandbox"));
}

#[test]
fn the_files_of_deleted_components_go_with_them() {
    let (server, id) = with_file();
    let container = unique_id();
    let frame = unique_id();
    let create = |entity_type: &str, data| json!({"action": "create", "entity_type": entity_type, "entity_data": data});
    call(
        &server,
        &json!([
            create(
                "ContainerComponent",
                json!({"id": container, "name": "bundle"})
            ),
            create(
                "FileComponent",
                json!({"id": frame, "name": "1", "container_id": container})
            ),
        ]),
    );
    upload(&server, &frame, BYTES);
    let file = |id: &str| server.data_dir().join("files").join(&id[..2]).join(id);
    assert!(file(&id).exists() && file(&frame).exists());

    let delete = |entity_type: &str, key: &str| json!({"action": "delete", "entity_type": entity_type, "entity_key": [key]});
    let failing = json!([delete("FileComponent", &id), delete("Task", "nothing")]);
    assert_eq!(call(&server, &failing)["exception"], "NotFoundError");
    assert!(file(&id).exists(), "nothing was committed");
    call(
        &server,
        &json!([
            delete("FileComponent", &id),
            delete("ContainerComponent", &container)
        ]),
    );
    wait_for(|| (!file(&id).exists() && !file(&frame).exists()).then_some(()));
}

#[test]
fn thumbnail_addresses_open_without_a_key() {
    let server = start();
    let id = create_component(&server, "picture", ".png", 10);
    upload(&server, &id, &png(64, 32));
    let user = query(&server, "select id from User limit 1")[0]["id"].clone();
    call(
        &server,
        &json!([{
            "action": "update", "entity_type": "User", "entity_key": [user],
            "entity_data": {"thumbnail_id": id},
        }]),
    );
    let text = format!("select thumbnail_url from User where id is {user}");
    let address = query(&server, &text)[0]["thumbnail_url"]["url"].clone();
    let address = address.as_str().unwrap();
    let answer = get(address);
    assert_eq!(answer.status, 200);
    assert_eq!(image::load_from_memory(&answer.body).unwrap().width(), 64);
    assert_eq!(
        get(&address.replace("signature=", "signature=x")).status,
        403
    );
    assert_eq!(get(&address.replace("thumbnail?", "remove?")).status, 401);
}
