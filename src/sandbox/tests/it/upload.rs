//! Uploads: what is kept, and what is refused with which status.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use ftrack_sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};

use crate::harness::{
    Answer, base64_md5, call, call_one, component_url, get, hex_md5, put, send, split, start,
    start_with, unique_id, upload, upload_metadata, wait_for,
};

const BYTES: &[u8] = b"every pixel of a plate";

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert!(
        answer.text().contains(&format!("<Code>{code}</Code>")),
        "{}",
        answer.text()
    );
}

fn stored(server: &Sandbox, id: &str) -> Option<Vec<u8>> {
    let answer = get(&component_url(server, "get", id));
    (answer.status == 200).then_some(answer.body)
}

#[test]
fn a_file_is_stored_and_its_md5_answered() {
    let server = start();
    let id = unique_id();
    let metadata = upload_metadata(&server, &id, BYTES);
    assert_eq!(metadata["component_id"], json!(id));
    assert_eq!(metadata["headers"]["Content-MD5"], json!(base64_md5(BYTES)));
    assert_eq!(
        metadata["headers"]["Content-Length"],
        json!(BYTES.len().to_string())
    );
    assert_eq!(
        metadata["headers"]["Content-Disposition"],
        json!("attachment; filename=\"plate.png\"")
    );

    let answer = put(&metadata, BYTES);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("etag"),
        Some(format!("\"{}\"", hex_md5(BYTES)).as_str())
    );
    assert_eq!(stored(&server, &id).as_deref(), Some(BYTES));
}

#[test]
fn large_and_empty_files_are_stored_whole() {
    let server = start();
    let large: Vec<u8> = (0..5_000_000_u32)
        .flat_map(u32::to_le_bytes)
        .take(9_999_999)
        .collect();
    for bytes in [large.as_slice(), b""] {
        let id = unique_id();
        upload(&server, &id, bytes);
        assert!(
            stored(&server, &id).as_deref() == Some(bytes),
            "{} bytes",
            bytes.len()
        );
    }
}

#[test]
fn a_second_upload_replaces_the_first() {
    let server = start();
    let id = unique_id();
    upload(&server, &id, b"first");
    upload(&server, &id, BYTES);
    assert_eq!(stored(&server, &id).as_deref(), Some(BYTES));
}

#[test]
fn bytes_with_another_md5_are_refused() {
    let server = start();
    let id = unique_id();
    let metadata = upload_metadata(&server, &id, BYTES);
    let mut damaged = BYTES.to_vec();
    damaged[3] ^= 1;
    refused(&put(&metadata, &damaged), 400, "BadDigest");

    // The URL remembers the checksum, whatever the headers say.
    let url = metadata["url"].as_str().unwrap();
    refused(
        &send(
            "PUT",
            url,
            &[("Content-MD5", &base64_md5(&damaged))],
            &damaged,
        ),
        400,
        "BadDigest",
    );
    refused(&send("PUT", url, &[], &damaged), 400, "BadDigest");
    refused(
        &send("PUT", url, &[("Content-MD5", "no digest")], BYTES),
        400,
        "InvalidDigest",
    );
    assert_eq!(stored(&server, &id), None);
}

#[test]
fn bodies_of_another_length_are_refused() {
    let server = start();
    let id = unique_id();
    let metadata = upload_metadata(&server, &id, BYTES);
    let url = metadata["url"].as_str().unwrap();
    refused(&send("PUT", url, &[], &BYTES[1..]), 400, "IncompleteBody");
    refused(
        &send("PUT", url, &[], &[BYTES, BYTES].concat()),
        400,
        "IncompleteBody",
    );
    assert_eq!(stored(&server, &id), None);
}

#[test]
fn an_upload_that_breaks_off_leaves_nothing() {
    let server = start();
    let id = unique_id();
    // More than is collected before it is written.
    let bytes = vec![7; 4 << 20];
    let metadata = upload_metadata(&server, &id, &bytes);
    let (address, path) = split(metadata["url"].as_str().unwrap());
    let mut connection = TcpStream::connect(address).unwrap();
    let length = bytes.len();
    write!(
        connection,
        "PUT {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n"
    )
    .unwrap();
    connection.write_all(&bytes[..length / 2]).unwrap();
    let incoming = server.data_dir().join("incoming");
    let entries = |folder: &Path| std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let under_way = || {
        entries(&incoming)
            .map(|folder| entries(&folder.path()).count())
            .sum::<usize>()
    };
    wait_for(|| (under_way() == 1).then_some(()));
    drop(connection);
    wait_for(|| (under_way() == 0).then_some(()));
    assert_eq!(stored(&server, &id), None);
}

#[test]
fn an_expired_url_is_refused() {
    let server = start_with(SandboxOptions {
        upload_validity: Duration::ZERO,
        ..SandboxOptions::default()
    });
    let id = unique_id();
    refused(
        &put(&upload_metadata(&server, &id, BYTES), BYTES),
        403,
        "AccessDenied",
    );
    assert_eq!(stored(&server, &id), None);
}

#[test]
fn a_changed_url_is_refused() {
    let server = start();
    let id = unique_id();
    let url = upload_metadata(&server, &id, BYTES)["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let (path, query) = url.split_once('?').unwrap();
    let (unsigned, _) = url.split_once("&signature").unwrap();
    let forgeries = [
        url.replace(&id, &unique_id()),
        format!("{path}/{}/1?{query}", unique_id()),
        url.replace(&format!("size={}", BYTES.len()), "size=4"),
        url.replace("expires=", "expires=9"),
        url.replace(&hex_md5(BYTES), &hex_md5(b"other")),
        format!("{unsigned}&signature={}", "0".repeat(64)),
        format!("{unsigned}&signature=%C3%A9"),
        unsigned.to_owned(),
        path.to_owned(),
    ];
    for forgery in forgeries {
        refused(&send("PUT", &forgery, &[], BYTES), 403, "AccessDenied");
    }
    assert_eq!(stored(&server, &id), None);
}

#[test]
fn ids_that_are_paths_are_refused() {
    let server = start();
    for id in [
        "../../outside",
        "..",
        "a/b",
        "/etc/passwd",
        "C:\\temp",
        "a\u{0}b",
        "",
    ] {
        let operation = json!({"action": "get_upload_metadata", "component_id": id, "file_name": "a", "file_size": 1});
        assert_eq!(
            call(&server, &json!([operation]))["exception"],
            "ValidationError",
            "{id:?}"
        );
    }
    let metadata = upload_metadata(&server, &unique_id(), BYTES);
    let query = metadata["url"]
        .as_str()
        .unwrap()
        .split_once('?')
        .unwrap()
        .1
        .to_owned();
    for path in ["../outside", "..%2F..%2Foutside", "%2e%2e", "a%00b"] {
        let answer = send(
            "PUT",
            &format!("{}/upload/{path}?{query}", server.url()),
            &[],
            BYTES,
        );
        assert!((400..500).contains(&answer.status), "{path}");
    }
    assert!(!server.data_dir().parent().unwrap().join("outside").exists());
}

#[test]
fn the_size_of_an_existing_component_serves_when_none_is_sent() {
    let server = start();
    let id = crate::harness::create_component(&server, "plate", ".png", BYTES.len());
    let operation =
        json!({"action": "get_upload_metadata", "component_id": id, "file_name": "plate.png"});
    assert_eq!(put(&call_one(&server, &operation), BYTES).status, 200);

    let operation = json!({"action": "get_upload_metadata", "component_id": unique_id(), "file_name": "plate.png"});
    assert_eq!(
        call(&server, &json!([operation]))["exception"],
        "ValidationError"
    );
}

#[test]
fn a_checksum_that_is_none_is_refused() {
    let server = start();
    let operation = json!({
        "action": "get_upload_metadata", "component_id": unique_id(), "file_name": "a", "file_size": 1, "checksum": "?",
    });
    assert_eq!(
        call(&server, &json!([operation]))["exception"],
        "ValidationError"
    );
}

/// Begins an upload in parts.
fn begin(server: &Sandbox, id: &str, size: usize, parts: usize) -> Value {
    let operation = json!({
        "action": "get_upload_metadata", "component_id": id, "file_name": "a.mov", "file_size": size, "checksum": null,
        "parts": parts,
    });
    call_one(server, &operation)
}

/// PUTs one part and returns what completion needs to know of it.
fn put_part(upload: &Value, number: usize, bytes: &[u8]) -> Value {
    let target = &upload["urls"][number - 1];
    assert_eq!(target["part_number"], json!(number));
    let answer = send("PUT", target["signed_url"].as_str().unwrap(), &[], bytes);
    assert_eq!(answer.status, 200, "{}", answer.text());
    json!({"part_number": number, "e_tag": answer.header("etag").unwrap().trim_matches('"')})
}

fn completion(id: &str, upload: &Value, parts: &Value) -> Value {
    json!({
        "action": "complete_multipart_upload", "component_id": id, "upload_id": upload["upload_id"], "parts": parts,
    })
}

fn complete(server: &Sandbox, id: &str, upload: &Value, parts: &Value) -> Value {
    call(server, &json!([completion(id, upload, parts)]))
}

#[test]
fn a_batch_that_fails_leaves_uploads_as_they_were() {
    let server = start();
    let id = unique_id();
    upload(&server, &id, b"before");
    let unknown = json!({"action": "delete", "entity_type": "User", "entity_key": ["nobody"]});
    let nonsense = json!({"action": "query", "expression": "nonsense"});
    // Parts that lie where they belong, and parts that have to be copied.
    for lengths in [[4, 4], [3, 5]] {
        let upload = begin(&server, &id, 8, 2);
        let (first, second) = BYTES[..8].split_at(lengths[0]);
        let parts = json!([put_part(&upload, 1, first), put_part(&upload, 2, second)]);
        let before = stored(&server, &id);
        for failing in [&unknown, &nonsense] {
            let complete = completion(&id, &upload, &parts);
            assert!(call(&server, &json!([complete, failing])).is_object());
            assert_eq!(stored(&server, &id), before);
        }
        assert!(complete(&server, &id, &upload, &parts).is_array());
        assert_eq!(stored(&server, &id).as_deref(), Some(&BYTES[..8]));
    }
}

#[test]
fn an_upload_is_completed_once_in_a_batch() {
    let server = start();
    let id = unique_id();
    let upload = begin(&server, &id, 3, 1);
    let complete = completion(&id, &upload, &json!([put_part(&upload, 1, b"all")]));
    let answer = call(&server, &json!([complete, complete]));
    assert_eq!(answer["exception"], "NotFoundError");
    assert!(call(&server, &json!([complete])).is_array());
}

#[test]
fn a_batch_that_fails_begins_no_upload() {
    let server = start();
    let uploads = || {
        let folder = std::fs::read_dir(server.data_dir().join("uploads"));
        folder.unwrap().count()
    };
    let begin = json!({
        "action": "get_upload_metadata", "component_id": unique_id(), "file_name": "a", "file_size": 3, "parts": 2,
    });
    for failing in [
        json!({"action": "delete", "entity_type": "User", "entity_key": ["nobody"]}),
        json!({"action": "query", "expression": "nonsense"}),
    ] {
        assert!(call(&server, &json!([begin, failing])).is_object());
        assert_eq!(uploads(), 0);
    }
    let write = json!({"action": "create", "entity_type": "Scope", "entity_data": {"name": "a"}});
    assert!(call(&server, &json!([begin, write])).is_array());
    assert!(call(&server, &json!([begin])).is_array());
    assert_eq!(uploads(), 2);
}

#[test]
fn parts_become_one_file_in_any_order() {
    let server = start();
    let id = unique_id();
    let upload = begin(&server, &id, 9, 3);
    let third = put_part(&upload, 3, b"!");
    let first = put_part(&upload, 1, b"half");
    let second = put_part(&upload, 2, b"lost");
    let second_again = put_part(&upload, 2, b"done");
    assert_ne!(second, second_again);
    assert_eq!(stored(&server, &id), None);

    let answer = complete(&server, &id, &upload, &json!([first, second_again, third]));
    assert_eq!(answer[0]["component_id"], json!(id));
    assert_eq!(
        stored(&server, &id).as_deref(),
        Some(b"halfdone!".as_slice())
    );
    // What is complete cannot be completed again.
    assert_eq!(
        complete(&server, &id, &upload, &json!([]))["exception"],
        "NotFoundError"
    );
}

#[test]
fn an_upload_is_completed_only_by_its_own_whole_parts() {
    let server = start();
    let id = unique_id();
    let upload = begin(&server, &id, 8, 2);
    let first = put_part(&upload, 1, b"half");
    let missing = json!({"part_number": 2, "e_tag": hex_md5(b"done")});
    let refusals = [
        json!([first]),
        json!([first, first]),
        json!([first, missing]),
        json!([]),
    ];
    for parts in &refusals {
        assert_eq!(
            complete(&server, &id, &upload, parts)["exception"],
            "ValidationError",
            "{parts}"
        );
    }

    let second = put_part(&upload, 2, b"don");
    let too_short = json!([first, second]);
    assert_eq!(
        complete(&server, &id, &upload, &too_short)["exception"],
        "ValidationError"
    );
    let wrong_tag = json!([first, missing]);
    assert_eq!(
        complete(&server, &id, &upload, &wrong_tag)["exception"],
        "ValidationError"
    );
    let other = unique_id();
    assert_eq!(
        complete(&server, &other, &upload, &too_short)["exception"],
        "NotFoundError"
    );
    assert_eq!(stored(&server, &id), None);

    let second = put_part(&upload, 2, b"done");
    complete(&server, &id, &upload, &json!([first, second]));
    assert_eq!(
        stored(&server, &id).as_deref(),
        Some(b"halfdone".as_slice())
    );
}

#[test]
fn a_part_larger_than_the_file_is_refused() {
    let server = start();
    let upload = begin(&server, &unique_id(), 4, 1);
    let url = upload["urls"][0]["signed_url"].as_str().unwrap();
    refused(&send("PUT", url, &[], b"too much"), 400, "IncompleteBody");
}

#[test]
fn the_number_of_parts_has_limits() {
    let server = start();
    for parts in [0, 10_001] {
        let operation = json!({
            "action": "get_upload_metadata", "component_id": unique_id(), "file_name": "a", "file_size": 1,
            "parts": parts,
        });
        assert_eq!(
            call(&server, &json!([operation]))["exception"],
            "ValidationError"
        );
    }
}

#[test]
fn an_upload_that_nobody_continues_is_forgotten() {
    let server = start_with(SandboxOptions {
        upload_validity: Duration::from_secs(1),
        ..SandboxOptions::default()
    });
    let begun = begin(&server, &unique_id(), 9, 3);
    put_part(&begun, 1, b"half");
    let uploads = server.data_dir().join("uploads");
    wait_for(|| (std::fs::read_dir(&uploads).unwrap().count() == 0).then_some(()));
}
