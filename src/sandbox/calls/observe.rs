//! The middleware that watches requests go by, for the log.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use parking_lot::Mutex;
use serde::Deserialize;

use super::{CallLog, CallRecord, LoggedActions};
use crate::app::AppState;
use crate::body::{self, BodyError};
use crate::error::ApiError;
use crate::faults::{Endpoint, FaultKind, announced_length};

/// The most characters of a method or path that are logged.
const LONGEST_TEXT: usize = 512;

/// The actions of an API call, which a request carries once its body has been read.
#[derive(Debug, Clone)]
pub struct Actions(pub Arc<[String]>);

/// How much of an answer is sent, where that is not what its head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing, not even the head.
    Never,
    /// The head and this many bytes of the body.
    Bytes(u64),
}

/// Watches a request and its answer, whatever becomes of them.
pub async fn observe(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let call = Call::begin(&app.calls, &request);
    let request = call.watch_request(request);
    let response = next.run(request).await;
    call.watch_response(response)
}

/// Reads the whole body of an API call, up to the limit, and notes its actions.
pub async fn read_call(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let limit = app.config.body_limit;
    let announced = announced_length(&head.headers, &body);
    let mut body = body.into_data_stream();
    let read = match announced {
        Some(length) if length > limit as u64 => Err(BodyError::TooLarge),
        _ => body::read(&mut body, limit).await,
    };
    let bytes = match read {
        Ok(bytes) => bytes,
        Err(error) => {
            // Beside the refusal: clients that send all before they read are to get it, and those that wait for it, too.
            tokio::spawn(async move { body::drain(&mut body).await });
            return refused(error, limit);
        }
    };
    let actions: Arc<[String]> = actions(&bytes).into();
    if let Some(call) = head.extensions.get::<Call>() {
        call.note(|record| record.actions = LoggedActions::of(&actions));
    }
    head.extensions.insert(Actions(actions));
    next.run(Request::from_parts(head, Body::from(bytes))).await
}

fn refused(error: BodyError, limit: usize) -> Response {
    let (status, content) = match error {
        BodyError::TooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("The body of an API call is limited to {limit} bytes."),
        ),
        BodyError::Broken => (
            StatusCode::BAD_REQUEST,
            "The body of the call cannot be read.".to_owned(),
        ),
    };
    (status, ApiError::validation(content)).into_response()
}

fn actions(body: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Operation<'a> {
        #[serde(borrow)]
        action: Cow<'a, str>,
    }
    let operations: Vec<Operation<'_>> = serde_json::from_slice(body).unwrap_or_default();
    operations
        .into_iter()
        .map(|operation| operation.action.into_owned())
        .collect()
}

/// A request under way; it is logged when its answer has been handed over, or when it is dropped.
#[derive(Clone)]
pub struct Call(Arc<Watched>);

struct Watched {
    log: Arc<CallLog>,
    started: Instant,
    /// Empty once it is logged.
    open: Mutex<Option<Open>>,
}

struct Open {
    record: CallRecord,
    request: BytesMut,
    response: BytesMut,
}

impl Call {
    fn begin(log: &Arc<CallLog>, request: &Request) -> Self {
        let declared = request.headers().get(header::CONTENT_LENGTH);
        let record = CallRecord {
            endpoint: Endpoint::of_path(request.uri().path()),
            method: beginning(request.method().as_str()),
            path: beginning(request.uri().path()),
            actions: LoggedActions::default(),
            declared_bytes: declared.and_then(|length| length.to_str().ok()?.parse().ok()),
            request_bytes: 0,
            response_bytes: 0,
            status: None,
            faults: Vec::new(),
            request_body: None,
            response_body: None,
            micros: 0,
        };
        let open = Open {
            record,
            request: BytesMut::new(),
            response: BytesMut::new(),
        };
        Self(Arc::new(Watched {
            log: Arc::clone(log),
            started: Instant::now(),
            open: Mutex::new(Some(open)),
        }))
    }

    /// Notes the faults that the request meets.
    pub fn spoiled_by(&self, met: &[FaultKind]) {
        self.note(|record| record.faults.extend(met.iter().map(FaultKind::name)));
    }

    fn note(&self, change: impl FnOnce(&mut CallRecord)) {
        if let Some(open) = &mut *self.0.open.lock() {
            change(&mut open.record);
        }
    }

    fn watch_request(&self, request: Request) -> Request {
        let (mut head, body) = request.into_parts();
        head.extensions.insert(self.clone());
        let stream = WatchedStream {
            body: body.into_data_stream(),
            call: self.clone(),
            direction: Direction::Request,
        };
        Request::from_parts(head, Body::from_stream(stream))
    }

    fn watch_response(self, response: Response) -> Response {
        let (mut head, body) = response.into_parts();
        let delivery = head.extensions.get::<Delivery>().copied();
        let announced = head.headers.get(header::CONTENT_LENGTH);
        let announced: Option<u64> =
            announced.and_then(|length| length.to_str().ok()?.parse().ok());
        let announced = announced.or_else(|| axum::body::HttpBody::size_hint(&body).exact());
        let expected = match delivery {
            Some(Delivery::Never) => Some(0),
            Some(Delivery::Bytes(bytes)) => Some(bytes),
            None => announced,
        };
        if delivery != Some(Delivery::Never) {
            self.note(|record| record.status = Some(head.status.as_u16()));
        }
        if expected == Some(0) {
            self.finish();
            return Response::from_parts(head, body);
        }
        if let Some(length) = announced {
            // A stream has no length of its own.
            head.headers.insert(header::CONTENT_LENGTH, length.into());
        }
        let stream = WatchedStream {
            body: body.into_data_stream(),
            call: self,
            direction: Direction::Response { left: expected },
        };
        Response::from_parts(head, Body::from_stream(stream))
    }

    fn saw(&self, direction: &mut Direction, chunk: &[u8]) {
        let mut guard = self.0.open.lock();
        if let Some(open) = &mut *guard {
            let (total, kept) = match direction {
                Direction::Request => (&mut open.record.request_bytes, &mut open.request),
                Direction::Response { .. } => (&mut open.record.response_bytes, &mut open.response),
            };
            *total += chunk.len() as u64;
            if open.record.endpoint == Endpoint::Api {
                let room = CallLog::BODY_LIMIT.saturating_sub(kept.len());
                kept.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
        }
        drop(guard);
        if let Direction::Response { left: Some(left) } = direction {
            *left = left.saturating_sub(chunk.len() as u64);
            if *left == 0 {
                // Before the client can have it all: who has read an answer finds it in the log.
                self.finish();
            }
        }
    }

    fn finish(&self) {
        self.0.finish();
    }
}

/// Returns as much of a text as the log keeps.
fn beginning(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl Watched {
    fn finish(&self) {
        let Some(Open {
            mut record,
            request,
            response,
        }) = self.open.lock().take()
        else {
            return;
        };
        if record.endpoint == Endpoint::Api {
            record.request_body = Some(request.freeze());
            record.response_body = Some(response.freeze());
        }
        record.micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.log.push(record);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.finish();
    }
}

enum Direction {
    Request,
    Response {
        /// How many bytes are still to come, where that is known.
        left: Option<u64>,
    },
}

/// A body whose bytes are counted as they go by.
struct WatchedStream {
    body: BodyDataStream,
    call: Call,
    direction: Direction,
}

impl Stream for WatchedStream {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let item = ready!(Pin::new(&mut this.body).poll_next(context));
        match (&item, &this.direction) {
            (Some(Ok(chunk)), _) => this.call.saw(&mut this.direction, chunk),
            (None, Direction::Response { .. }) => this.call.finish(),
            _ => {}
        }
        Poll::Ready(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_actions_of_a_batch() {
        let body = br#"[{"action":"create","entity_data":{"action":"x"}},{"expression":"","action":"que\u0072y"}]"#;
        assert_eq!(actions(body), ["create", "query"]);
        assert!(actions(b"{").is_empty());
    }
}
