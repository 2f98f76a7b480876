//! A server on a real socket that answers what a test tells it to, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use ftrack_client::config::Config;
use ftrack_client::session::{Session, SessionOptions};
use tokio::net::TcpListener;

use crate::schemas;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub headers: HeaderMap,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// One answer to give.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
}

impl From<&str> for Reply {
    fn from(body: &str) -> Self {
        (200, body).into()
    }
}

impl From<(u16, &str)> for Reply {
    fn from((status, body): (u16, &str)) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.to_owned(),
        }
    }
}

#[derive(Default)]
struct Script {
    replies: Mutex<VecDeque<Reply>>,
    requests: Mutex<Vec<Request>>,
}

pub struct Server {
    pub url: String,
    script: Arc<Script>,
}

impl Server {
    /// Starts a server that gives these answers in turn, and no answer at all after the last.
    pub async fn start(replies: impl IntoIterator<Item = impl Into<Reply>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let script = Arc::new(Script::default());
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            script: script.clone(),
        };
        for reply in replies {
            server.push(reply);
        }
        let app = Router::new().route("/api", post(reply)).with_state(script);
        tokio::spawn(async { axum::serve(listener, app).await });
        server
    }

    /// Adds an answer.
    pub fn push(&self, reply: impl Into<Reply>) {
        self.script.replies.lock().unwrap().push_back(reply.into());
    }

    pub fn requests(&self) -> Vec<Request> {
        self.script.requests.lock().unwrap().clone()
    }

    /// Waits until so many requests have come.
    pub async fn wait_for_requests(&self, count: usize) {
        let arrived = async {
            while self.requests().len() < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), arrived)
            .await
            .unwrap();
    }

    /// Returns the body of the last request.
    pub fn last_body(&self) -> String {
        self.requests().last().unwrap().body.clone()
    }

    pub fn config(&self) -> Config {
        Config::new(&self.url, "jane", "s3cr3t-key")
    }

    /// Starts a server, and a session with the shared schemas on it.
    pub async fn with_session() -> (Self, Session) {
        let server = Self::start([r#"[{"version":"dev","schema_hash":"x"}]"#]).await;
        server.push(format!("[{}]", schemas::JSON).as_str());
        let options = SessionOptions {
            schema_cache: None,
            auto_populate: true,
        };
        let session = Session::connect(server.config(), options).await.unwrap();
        (server, session)
    }
}

async fn reply(
    State(script): State<Arc<Script>>,
    headers: HeaderMap,
    body: String,
) -> Response<Body> {
    script
        .requests
        .lock()
        .unwrap()
        .push(Request { headers, body });
    let next = script.replies.lock().unwrap().pop_front();
    let Some(reply) = next else {
        return std::future::pending().await;
    };
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap()
}
