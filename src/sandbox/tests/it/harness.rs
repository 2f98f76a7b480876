//! A running server and a plain HTTP client for it: what goes over the wire is written here, byte for byte.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ftrack_sandbox::media::files::hex;
use ftrack_sandbox::{Sandbox, SandboxOptions};
use serde_json::{Value, json};

/// The location of the server's own files.
pub const SERVER_LOCATION: &str = "3a372bde-05bc-11e4-8908-20c9d081909b";

/// A temporary server on a free port.
pub fn start() -> Sandbox {
    start_with(SandboxOptions::default())
}

/// A server on a free port.
pub fn start_with(options: SandboxOptions) -> Sandbox {
    Sandbox::start(options).unwrap()
}

/// An HTTP answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Sends one request on a connection of its own.
pub fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let (address, path) = split(url);
    let mut connection = TcpStream::connect(address).unwrap();
    let path = if path.is_empty() { "/" } else { path };
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    if !headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-length"))
    {
        write!(head, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    connection
        .write_all(format!("{head}\r\n").as_bytes())
        .unwrap();
    connection.write_all(body).unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a whole head");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head,
        body: answer[end + 4..].to_vec(),
    }
}

/// Sends a GET request.
pub fn get(url: &str) -> Answer {
    send("GET", url, &[], b"")
}

/// The URL of a plain endpoint with the server's credentials.
pub fn component_url(server: &Sandbox, endpoint: &str, id: &str) -> String {
    let (url, user, key) = (server.url(), server.api_user(), server.api_key());
    format!("{url}/component/{endpoint}?id={id}&username={user}&apiKey={key}")
}

/// Sends a batch and returns the answer, which is an object when the batch failed.
pub fn call(server: &Sandbox, operations: &Value) -> Value {
    let headers = [
        ("Content-Type", "application/json"),
        ("ftrack-user", server.api_user()),
        ("ftrack-api-key", server.api_key()),
    ];
    send(
        "POST",
        &format!("{}/api", server.url()),
        &headers,
        operations.to_string().as_bytes(),
    )
    .json()
}

/// Sends one operation that succeeds and returns its result.
pub fn call_one(server: &Sandbox, operation: &Value) -> Value {
    let answer = call(server, &json!([operation]));
    assert!(answer.is_array(), "{answer}");
    answer[0].clone()
}

/// Creates a file component and returns its id.
pub fn create_component(server: &Sandbox, name: &str, file_type: &str, size: usize) -> String {
    let id = unique_id();
    create(
        server,
        "FileComponent",
        &json!({"id": id, "name": name, "file_type": file_type, "size": size}),
    );
    id
}

/// Creates an entity from data that has its id.
pub fn create(server: &Sandbox, entity_type: &str, data: &Value) {
    let mut entity_data = data.clone();
    entity_data["__entity_type__"] = json!(entity_type);
    let operation = json!({
        "action": "create", "entity_type": entity_type, "entity_key": [data["id"]], "entity_data": entity_data,
    });
    call_one(server, &operation);
}

/// Returns the entities that an expression selects.
pub fn query(server: &Sandbox, expression: &str) -> Vec<Value> {
    let answer = call_one(
        server,
        &json!({"action": "query", "expression": expression}),
    );
    answer["data"].as_array().unwrap().clone()
}

/// Asks for the URL to upload a file by.
pub fn upload_metadata(server: &Sandbox, id: &str, bytes: &[u8]) -> Value {
    let operation = json!({
        "action": "get_upload_metadata", "component_id": id, "file_name": "plate.png", "file_size": bytes.len(),
        "checksum": base64_md5(bytes),
    });
    call_one(server, &operation)
}

/// PUTs bytes as the official client does: with exactly the headers that the server asked for.
pub fn put(metadata: &Value, bytes: &[u8]) -> Answer {
    let headers = metadata["headers"].as_object().unwrap();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    send("PUT", metadata["url"].as_str().unwrap(), &headers, bytes)
}

/// Uploads a file for a component, whether it exists or not.
pub fn upload(server: &Sandbox, id: &str, bytes: &[u8]) {
    let answer = put(&upload_metadata(server, id, bytes), bytes);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

pub fn unique_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

pub fn base64_md5(bytes: &[u8]) -> String {
    BASE64.encode(ftrack_md5::digest(bytes))
}

pub fn hex_md5(bytes: &[u8]) -> String {
    hex(&ftrack_md5::digest(bytes))
}

/// Asks again and again until there is an answer; fails after a minute.
pub fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::yield_now();
    }
    panic!("nothing happened within a minute");
}

/// Splits a URL into its address and the rest.
pub fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap();
    rest.split_at(rest.find('/').unwrap_or(rest.len()))
}
