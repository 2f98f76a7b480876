//! A storage on a real socket that hands out ranges of one content, which may be replaced at any moment.

use std::ops::Range;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use tokio::net::TcpListener;

use crate::upload_storage::client;

/// What the storage does with a request for a range, by its number.
type Hook = Box<dyn FnMut(usize, &mut Content) -> Fault + Send>;

/// What goes wrong with an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The connection breaks in the middle of the body.
    Break,
    /// One byte is another.
    Damage,
}

/// The content and how its version is told.
#[derive(Clone)]
pub struct Content {
    pub bytes: Bytes,
    pub tag: Option<String>,
}

/// A running storage.
pub struct RangedContent {
    pub url: String,
    pub client: reqwest::Client,
    state: Arc<Mutex<Shared>>,
}

struct Shared {
    content: Content,
    asked: Vec<Option<Range<usize>>>,
    hook: Hook,
}

impl RangedContent {
    pub async fn start(bytes: impl Into<Bytes>, tag: Option<&str>) -> Self {
        let content = Content {
            bytes: bytes.into(),
            tag: tag.map(str::to_owned),
        };
        let state = Arc::new(Mutex::new(Shared {
            content,
            asked: Vec::new(),
            hook: Box::new(|_, _| Fault::None),
        }));
        let router = Router::new()
            .route("/content", get(send))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/content", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            client: client(),
            state,
        }
    }

    /// Calls `hook` with the number of each request, from 0, before it is answered.
    pub fn on_request(&self, hook: impl FnMut(usize, &mut Content) -> Fault + Send + 'static) {
        self.state.lock().hook = Box::new(hook);
    }

    /// Returns the ranges that were asked for so far; `None` stands for everything.
    pub fn asked(&self) -> Vec<Option<Range<usize>>> {
        self.state.lock().asked.clone()
    }
}

async fn send(State(state): State<Arc<Mutex<Shared>>>, headers: HeaderMap) -> Response {
    let mut state = state.lock();
    let range = range(&headers);
    let number = state.asked.len();
    state.asked.push(range.clone());
    let Shared { content, hook, .. } = &mut *state;
    let fault = hook(number, content);
    let tag = content.tag.clone().unwrap_or_default();
    let is_other = headers
        .get(header::IF_RANGE)
        .is_some_and(|known| *known != *tag);
    let size = content.bytes.len();
    let (status, part, place) = match range.filter(|_| !is_other) {
        None => (StatusCode::OK, 0..size, None),
        Some(range) if range.start >= size => (
            StatusCode::RANGE_NOT_SATISFIABLE,
            0..0,
            Some(format!("bytes */{size}")),
        ),
        Some(range) => {
            let end = range.end.min(size);
            let place = format!("bytes {}-{}/{size}", range.start, end - 1);
            (StatusCode::PARTIAL_CONTENT, range.start..end, Some(place))
        }
    };
    let length = part.len();
    let mut response = (status, body(content.bytes.slice(part), fault)).into_response();
    let mut add = |name, value: Option<String>| {
        if let Some(value) = value {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
    };
    add(header::CONTENT_LENGTH, Some(length.to_string()));
    add(header::CONTENT_RANGE, place);
    add(header::ETAG, content.tag.clone());
    response
}

fn body(bytes: Bytes, fault: Fault) -> Body {
    match fault {
        Fault::None => Body::from(bytes),
        Fault::Damage => {
            let mut bytes = bytes.to_vec();
            bytes[0] ^= 1;
            Body::from(bytes)
        }
        Fault::Break => {
            let half = bytes.slice(..bytes.len() / 2);
            let broken = async {
                // Until then the half is on its way.
                tokio::task::yield_now().await;
                Err(std::io::Error::other("broken"))
            };
            Body::from_stream(stream::iter([Ok(half)]).chain(stream::once(broken)))
        }
    }
}

fn range(headers: &HeaderMap) -> Option<Range<usize>> {
    let text = headers.get(header::RANGE)?.to_str().unwrap();
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    Some(first.parse().unwrap()..last.parse::<usize>().unwrap() + 1)
}
