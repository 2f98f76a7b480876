//! The middleware that makes requests meet the faults that are set.
//!
//! It stands twice on the way of an API call: around everything, where faults that need no more than the path meet the
//! request before its body is read, and again where the actions of the batch are known.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::answer::{self, Cut, announced_length};
use super::connection::{Connection, Pace};
use super::set::Arrival;
use super::{BodyPoint, Endpoint, FaultKind, FaultSet};
use crate::app::AppState;
use crate::calls::{Actions, Call};

/// Lets a request meet the faults that are set for it.
pub async fn inject(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let (endpoint, part) = (Endpoint::of_path(path), part_number(path));
    let actions = request.extensions().get::<Actions>();
    let connection = request.extensions().get::<ConnectInfo<Connection>>();
    let Some(ConnectInfo(connection)) = connection else {
        return next.run(request).await;
    };
    let (met, clearings) = app.faults.meet(&Arrival {
        endpoint,
        actions: actions.map(|actions| &*actions.0),
        part,
        is_first: actions.is_none() && connection.begin_request(),
    });
    if met.is_empty() {
        return next.run(request).await;
    }
    let connection = connection.clone();
    if let Some(call) = request.extensions().get::<Call>() {
        call.spoiled_by(&met);
    }
    let spoiled = Spoiled {
        faults: &app.faults,
        clearings,
        endpoint,
        connection,
        body_limit: app.config.body_limit,
    };
    spoiled.answer(met, request, next).await
}

/// Lets a request go by untouched, also on a connection that an earlier one has slowed down.
pub async fn spare(request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(connection)) = request.extensions().get::<ConnectInfo<Connection>>() {
        connection.begin_request();
    }
    next.run(request).await
}

/// A request that meets faults.
struct Spoiled<'f> {
    faults: &'f Arc<FaultSet>,
    /// How often faults had been cleared when it met them.
    clearings: u64,
    endpoint: Endpoint,
    connection: Connection,
    /// The most bytes of an API call.
    body_limit: usize,
}

impl Spoiled<'_> {
    async fn answer(self, met: Vec<FaultKind>, request: Request, next: Next) -> Response {
        let mut latency = Duration::ZERO;
        let mut etag: Option<fn(Response) -> Response> = None;
        let mut decisive = None;
        for kind in met {
            match kind {
                FaultKind::Latency(time) => latency += time,
                FaultKind::Bandwidth(speed) => self.pace(Pace::bandwidth(speed, self.faults)),
                FaultKind::SlowLoris(pause) => self.pace(Pace::byte_by_byte(pause, self.faults)),
                FaultKind::WrongEtag => etag = Some(answer::with_wrong_etag),
                FaultKind::NoEtag => etag = Some(answer::without_etag),
                kind => decisive = Some(kind),
            }
        }
        let response = match decisive {
            Some(kind) => self.spoil(kind, request, next).await,
            None => next.run(request).await,
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        match etag {
            Some(change) => change(response),
            None => response,
        }
    }

    fn pace(&self, pace: Pace) {
        self.connection.set_pace(pace);
    }

    async fn spoil(&self, kind: FaultKind, request: Request, next: Next) -> Response {
        match kind {
            FaultKind::Refuse => self.reset(),
            FaultKind::Hold => self.hold(request, next).await,
            FaultKind::BlackHole => {
                self.faults.until_cleared(self.clearings).await;
                self.reset()
            }
            FaultKind::Reset(point) => self.reset_at(point, request, next).await,
            FaultKind::LostAnswer => {
                drop(next.run(request).await);
                self.reset()
            }
            FaultKind::Truncate => {
                let response = next.run(request).await;
                answer::cut(response, &self.connection, Cut::CloseInMiddle)
            }
            FaultKind::Status {
                code,
                retry_after,
                body,
            } => {
                read_body(request, u64::MAX).await;
                answer::with_status(code, retry_after, body)
            }
            FaultKind::ErrorBody => {
                read_body(request, u64::MAX).await;
                answer::error_under_200(self.endpoint)
            }
            FaultKind::Expired => {
                read_body(request, u64::MAX).await;
                answer::expired()
            }
            FaultKind::Latency(_)
            | FaultKind::Bandwidth(_)
            | FaultKind::SlowLoris(_)
            | FaultKind::WrongEtag
            | FaultKind::NoEtag
            | FaultKind::DropConnections
            | FaultKind::CutPacket
            | FaultKind::Silence => next.run(request).await,
        }
    }

    async fn reset_at(&self, point: BodyPoint, request: Request, next: Next) -> Response {
        let sends_body = matches!(*request.method(), Method::POST | Method::PUT);
        let length = announced_length(request.headers(), request.body()).unwrap_or(0);
        match (point, sends_body) {
            (BodyPoint::Before, _) => {}
            (BodyPoint::Middle, true) => read_body(request, length / 2).await,
            (BodyPoint::After, true) => read_body(request, u64::MAX).await,
            (BodyPoint::Middle, false) => {
                let response = next.run(request).await;
                return answer::cut(response, &self.connection, Cut::ResetInMiddle);
            }
            (BodyPoint::After, false) => {
                let response = next.run(request).await;
                return answer::cut(response, &self.connection, Cut::ResetAtEnd);
            }
        }
        self.reset()
    }

    /// Carries a request out when faults are cleared, even if its client has given up by then.
    async fn hold(&self, request: Request, next: Next) -> Response {
        // What has come goes with the connection. Uploads may be of any size: one is whole only as long as its client waits.
        let request = if self.endpoint == Endpoint::Api {
            read_ahead(request, self.body_limit).await
        } else {
            request
        };
        let (faults, clearings) = (Arc::clone(self.faults), self.clearings);
        let held = tokio::spawn(async move {
            faults.until_cleared(clearings).await;
            next.run(request).await
        });
        // It ends early only with the server, or by a panic, which has ended the connection so far as well.
        held.await.unwrap_or_else(|_| self.reset())
    }

    fn reset(&self) -> Response {
        self.connection.reset();
        answer::never()
    }
}

/// Returns the number of the part that is uploaded to `/upload/{component}/{upload}/{part}`.
fn part_number(path: &str) -> Option<u32> {
    let (_, part) = path.strip_prefix("/upload/")?.rsplit_once('/')?;
    part.parse().ok()
}

/// Reads the body of a request, or as much of it as is beyond a limit, and returns the request as it was.
async fn read_ahead(request: Request, limit: usize) -> Request {
    let (head, body) = request.into_parts();
    let mut rest = body.into_data_stream();
    let (mut read, mut bytes) = (Vec::new(), 0);
    while bytes <= limit
        && let Some(chunk) = rest.next().await
    {
        bytes += chunk.as_ref().map_or(0, Bytes::len);
        read.push(chunk);
    }
    let body = Body::from_stream(stream::iter(read).chain(rest));
    Request::from_parts(head, body)
}

/// Reads a body until at least `enough` bytes of it have come.
async fn read_body(request: Request<Body>, enough: u64) {
    let mut body = request.into_body().into_data_stream();
    let mut read = 0;
    while read < enough
        && let Some(Ok(chunk)) = body.next().await
    {
        read += chunk.len() as u64;
    }
}
