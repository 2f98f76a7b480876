//! A storage on a real socket that keeps what it receives and answers as it is told, and an API that signs URLs for it.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ftrack_client::checksum::Digest;
use ftrack_client::error::Error;
use ftrack_client::transfer::{Api, ApiError, ByteBudget, RetryPolicy, TransferOptions};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What must never be seen in an error.
pub const SECRET: &str = "S3CR3T";

/// A request that arrived completely.
#[derive(Clone, Debug)]
pub struct Received {
    pub name: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What the storage does with a request instead of its usual answer.
#[derive(Clone, Debug)]
pub enum Reply {
    Status(u16, &'static str),
    /// Answers before it has read the content.
    EarlyStatus(u16),
    RedirectTo(String),
    /// Never answers.
    Hang,
    /// Sends the beginning of the content and breaks the connection.
    Break,
    /// Sends the beginning of the content and then nothing.
    Stall,
    /// Sends content that does not end.
    Endless,
    /// Changes a file on disk, then answers as usual.
    Append(PathBuf),
    /// Takes the content and names it so; an empty name is none.
    Name(&'static str),
}

#[derive(Default)]
pub struct Storage {
    pub received: Mutex<Vec<Received>>,
    pub contents: Mutex<HashMap<String, Bytes>>,
    replies: Mutex<HashMap<String, VecDeque<Reply>>>,
    arrived: tokio::sync::Notify,
}

/// A running storage and the API beside it.
pub struct Server {
    pub address: SocketAddr,
    pub storage: Arc<Storage>,
    pub calls: Mutex<Vec<Vec<Value>>>,
    /// A file that is changed while the URLs are signed.
    pub changed_by_call: Option<PathBuf>,
    /// How many uploads the API refuses to complete, before it does.
    pub refused_completions: Mutex<usize>,
    /// Whether the API answers completions with an empty list.
    pub answers_nothing: bool,
    client: reqwest::Client,
}

impl Server {
    pub async fn start() -> Self {
        let storage = Arc::new(Storage::default());
        let router = Router::new()
            .route("/put/{name}", put(receive))
            .route("/get/{name}", get(send));
        let router = router
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&storage));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            storage,
            calls: Mutex::default(),
            changed_by_call: None,
            refused_completions: Mutex::default(),
            answers_nothing: false,
            client: client(),
        }
    }

    pub fn url(&self, name: &str) -> String {
        format!("http://{}/get/{name}?apiKey={SECRET}", self.address)
    }

    /// Tells how the next requests for a name are answered.
    pub fn script(&self, name: &str, replies: impl IntoIterator<Item = Reply>) {
        self.storage
            .replies
            .lock()
            .insert(name.to_owned(), replies.into_iter().collect());
    }

    pub fn bodies(&self, name: &str) -> Vec<Bytes> {
        let received = self.storage.received.lock();
        received
            .iter()
            .filter(|request| request.name == name)
            .map(|request| request.body.clone())
            .collect()
    }

    /// Has the storage hold so many bytes of a component.
    pub fn hold(&self, name: &str, size: usize) {
        let content = vec![0; size].into();
        self.storage.contents.lock().insert(name.into(), content);
    }

    /// Waits until a request hangs.
    pub async fn hanging(&self) {
        self.storage.arrived.notified().await;
    }
}

impl Api for Server {
    fn call(&self, operations: Vec<Value>) -> BoxFuture<'_, Result<Vec<Value>, ApiError>> {
        if let Some(path) = &self.changed_by_call {
            append(path);
        }
        let url = |name: &str| format!("http://{}/put/{name}?signature={SECRET}", self.address);
        let sign_parts = |component: &str, parts: u64| {
            let number = self.calls.lock().len();
            let part = |part: u64| json!({"part_number": part, "signed_url": url(&format!("{component}.{part}"))});
            json!({
                "component_id": component,
                "upload_id": format!("upload-{number}"),
                "urls": (1..=parts).map(part).collect::<Vec<_>>(),
            })
        };
        let sign = |operation: &Value| {
            let component = operation["component_id"].as_str().unwrap();
            if operation["action"] == "complete_multipart_upload" {
                return json!({"component_id": component, "url": "unused"});
            }
            if let Some(parts) = operation["parts"].as_u64() {
                return sign_parts(component, parts);
            }
            json!({
                "component_id": operation["component_id"],
                "url": url(component),
                "headers": {
                    "Content-Disposition": format!("attachment; filename={}", operation["file_name"]),
                    "Content-Length": operation["file_size"],
                    "Content-MD5": operation["checksum"],
                    "Content-Type": "application/octet-stream",
                },
            })
        };
        let completes = |operation: &Value| operation["action"] == "complete_multipart_upload";
        let mut refused = self.refused_completions.lock();
        let answers = if *refused > 0 && operations.iter().any(completes) {
            *refused -= 1;
            let refusal = Error::Server {
                exception: String::from("NotFound"),
                content: String::from("No such upload."),
                error_code: None,
            };
            Err(ApiError::from(refusal))
        } else if self.answers_nothing && operations.iter().any(completes) {
            Ok(Vec::new())
        } else {
            Ok(operations.iter().map(sign).collect())
        };
        self.calls.lock().push(operations);
        async move { answers }.boxed()
    }

    fn remove<'a>(&'a self, component_id: &'a str) -> BoxFuture<'a, Result<(), ApiError>> {
        self.storage.contents.lock().remove(component_id);
        async { Ok(()) }.boxed()
    }

    fn content_url(&self, component_id: &str) -> Option<String> {
        Some(self.url(component_id))
    }

    fn http(&self) -> &reqwest::Client {
        &self.client
    }
}

/// Returns options with a budget of their own and retries that do not wait long.
pub fn options() -> TransferOptions {
    TransferOptions {
        budget: ByteBudget::new(64 << 20),
        retry: RetryPolicy {
            attempts: 4,
            first: Duration::from_millis(1),
            max: Duration::from_millis(2),
        },
        ..TransferOptions::default()
    }
}

pub fn client() -> reqwest::Client {
    // Fails when another test has done it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap()
}

/// Appends a byte to a file.
pub fn append(path: &std::path::Path) {
    use std::io::Write as _;
    std::fs::OpenOptions::new()
        .append(true)
        .open(path)
        .unwrap()
        .write_all(b"x")
        .unwrap();
}

async fn receive(
    State(storage): State<Arc<Storage>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if storage.answers_early(&name)
        && let Some(response) = storage.scripted(&name).await
    {
        return response;
    }
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    storage.received.lock().push(Received {
        name: name.clone(),
        headers: headers.clone(),
        body: body.clone(),
    });
    if let Some(response) = storage.scripted(&name).await {
        return response;
    }
    let md5 = Digest::of(&body);
    let matches = headers
        .get("content-md5")
        .is_none_or(|expected| *expected == STANDARD.encode(md5.0));
    if matches {
        [("etag", format!("\"{md5}\""))].into_response()
    } else {
        StatusCode::BAD_REQUEST.into_response()
    }
}

async fn send(
    State(storage): State<Arc<Storage>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    storage.received.lock().push(Received {
        name: name.clone(),
        headers,
        body: Bytes::new(),
    });
    match storage.scripted(&name).await {
        Some(response) => response,
        None => match storage.contents.lock().get(&name) {
            Some(content) => content.clone().into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
    }
}

impl Storage {
    fn answers_early(&self, name: &str) -> bool {
        let replies = self.replies.lock();
        matches!(
            replies.get(name).and_then(VecDeque::front),
            Some(Reply::EarlyStatus(_))
        )
    }

    async fn scripted(&self, name: &str) -> Option<Response> {
        let reply = self.replies.lock().get_mut(name)?.pop_front()?;
        match reply {
            Reply::Status(status, body) => {
                Some((StatusCode::from_u16(status).unwrap(), body).into_response())
            }
            Reply::EarlyStatus(status) => {
                Some(StatusCode::from_u16(status).unwrap().into_response())
            }
            Reply::RedirectTo(url) => {
                Some((StatusCode::FOUND, [("location", url)]).into_response())
            }
            Reply::Hang => {
                self.arrived.notify_one();
                std::future::pending().await
            }
            Reply::Break => {
                let pieces = [
                    Ok(Bytes::from_static(b"beginning")),
                    Err(std::io::Error::other("broken")),
                ];
                Some(Body::from_stream(futures_util::stream::iter(pieces)).into_response())
            }
            Reply::Stall => {
                let beginning = futures_util::stream::once(async {
                    Ok::<_, std::io::Error>(Bytes::from_static(b"beginning"))
                });
                Some(
                    Body::from_stream(beginning.chain(futures_util::stream::pending()))
                        .into_response(),
                )
            }
            Reply::Endless => {
                let zeros = || Ok::<_, std::io::Error>(Bytes::from_static(&[0; 4096]));
                let pieces = futures_util::stream::repeat_with(zeros);
                Some(Body::from_stream(pieces).into_response())
            }
            Reply::Append(path) => {
                append(&path);
                None
            }
            Reply::Name("") => Some(StatusCode::OK.into_response()),
            Reply::Name(name) => Some([("etag", name)].into_response()),
        }
    }
}
