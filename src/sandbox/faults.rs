//! Faults on demand: what goes wrong between a client and a real server, made to happen when a test asks for it.
//!
//! A [`Fault`] says at which endpoint what goes wrong and how often. Most act on one request ([`layer`]); the ones below
//! HTTP, resets and limits of speed, act on its connection ([`connection`]). A server without faults pays one atomic load
//! a request.

mod answer;
pub mod connection;
pub mod layer;
mod parse;
mod set;

use std::num::NonZeroU64;
use std::time::Duration;

use axum::http::StatusCode;

pub(crate) use answer::announced_length;
pub use parse::FaultParseError;
use set::Arrival;
pub use set::{FaultId, FaultSet, FaultStatus};

/// What goes wrong, where and how often.
///
/// The text form, for command lines, is `<endpoint>:<kind>[=<value>][:<option>=<value>]...`, as in
/// `upload:status=503:count=2` or `api:lost_answer:action=create`; options are `action`, `part`, `count`, `skip`,
/// `probability` and, for a status, `retry_after` and, as the last one, `body`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The requests it is for.
    pub endpoint: Endpoint,
    /// Only API calls that have this action in their batch.
    pub action: Option<String>,
    /// Only uploads of the part with this number, from 1.
    pub part: Option<u32>,
    /// What goes wrong.
    pub kind: FaultKind,
    /// How many times; until faults are cleared when it is `None`.
    pub count: Option<u32>,
    /// How many matching requests pass before the first one fails.
    pub skip: u32,
    /// The share of matching requests that fail, from 0 to 1. The draws are the same after each clearing.
    pub probability: f64,
}

impl Fault {
    /// Makes a fault of every request to `endpoint`, until faults are cleared.
    pub fn new(endpoint: Endpoint, kind: FaultKind) -> Self {
        Self {
            endpoint,
            action: None,
            part: None,
            kind,
            count: None,
            skip: 0,
            probability: 1.0,
        }
    }

    /// Limits the fault to the first `count` requests that it meets.
    #[must_use]
    pub fn times(mut self, count: u32) -> Self {
        self.count = Some(count);
        self
    }

    /// Limits the fault to API calls that have `action` in their batch.
    #[must_use]
    pub fn action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }

    /// Limits the fault to uploads of the part with this number.
    #[must_use]
    pub fn part(mut self, number: u32) -> Self {
        self.part = Some(number);
        self
    }

    /// Lets `skip` matching requests pass first.
    #[must_use]
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Whether it is for connections of which no request is known yet.
    fn refuses_connections(&self) -> bool {
        let of_some = self.action.is_some() || self.part.is_some();
        self.endpoint == Endpoint::Any && !of_some && self.kind == FaultKind::Refuse
    }

    /// Whether it is for a request; one of an action once the API call has been read.
    fn matches(&self, request: &Arrival<'_>) -> bool {
        if self.kind.is_of_events() {
            return false;
        }
        let here = self.endpoint == Endpoint::Any || self.endpoint == request.endpoint;
        let this_part = self.part.is_none() || self.part == request.part;
        here && this_part
            && match (&self.action, request.actions) {
                (None, None) => true,
                (Some(action), Some(actions)) => actions.contains(action),
                _ => false,
            }
    }
}

/// A kind of request, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// Every request.
    Any,
    /// `POST /api`.
    Api,
    /// `PUT /upload/...`: a file or a part of one.
    Upload,
    /// `GET /component/get`.
    Download,
    /// `GET /component/thumbnail` and the default picture.
    Thumbnail,
    /// The handshake that comes before a connection to the event server.
    Handshake,
    /// A connection to the event server.
    Events,
    /// Anything else.
    Page,
}

impl Endpoint {
    /// Every endpoint with the name it has in texts.
    const NAMES: [(&'static str, Self); 8] = [
        ("any", Self::Any),
        ("api", Self::Api),
        ("upload", Self::Upload),
        ("download", Self::Download),
        ("thumbnail", Self::Thumbnail),
        ("handshake", Self::Handshake),
        ("events", Self::Events),
        ("page", Self::Page),
    ];

    /// Returns the endpoint that answers a path.
    pub fn of_path(path: &str) -> Self {
        match path {
            "/api" => Self::Api,
            "/component/get" => Self::Download,
            "/component/thumbnail" | "/img/thumbnail2.png" => Self::Thumbnail,
            "/socket.io/1" | "/socket.io/1/" => Self::Handshake,
            _ if path.starts_with("/upload/") => Self::Upload,
            _ if path.starts_with("/socket.io/") => Self::Events,
            _ => Self::Page,
        }
    }

    /// Returns the name it has in texts.
    pub fn name(self) -> &'static str {
        let named = Self::NAMES.iter().find(|(_, endpoint)| *endpoint == self);
        named.map_or("any", |(name, _)| name)
    }

    /// Finds the endpoint of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        let named = Self::NAMES.iter().find(|(known, _)| *known == name);
        named.map(|(_, endpoint)| *endpoint)
    }
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// The answer comes this much later.
    Latency(Duration),
    /// The connection carries this many bytes a second in each direction, from the head of the request on.
    Bandwidth(NonZeroU64),
    /// The answer comes byte by byte, each this long after the one before.
    SlowLoris(Duration),
    /// The answer has the `ETag` of other bytes.
    WrongEtag,
    /// The answer has no `ETag`.
    NoEtag,
    /// The connection is reset: for [`Endpoint::Any`] when it is made and its first request is none that faults spare, or at
    /// its next request when it is kept from an earlier one; else when the head of the request has come.
    Refuse,
    /// The connection is reset at a point of the body: the request's if it has one, else the answer's.
    Reset(BodyPoint),
    /// The request is read, not carried out, and answered with a status.
    Status {
        /// The status.
        code: StatusCode,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u64>,
        /// The text of the answer.
        body: Option<String>,
    },
    /// The request is read, not carried out, and answered with status 200 and the body of an error.
    ErrorBody,
    /// The connection closes when half of the answer's announced length has come.
    Truncate,
    /// The request is carried out, and the connection is reset instead of answering.
    LostAnswer,
    /// The request is read and refused like one by a signed URL that is no longer valid.
    Expired,
    /// The request waits until faults are cleared, and is carried out then; an API call even if its client has given up.
    Hold,
    /// Nothing is read or answered until faults are cleared, which resets the connection.
    BlackHole,
    /// All connections to the event server end at once, without a word; new ones are accepted.
    DropConnections,
    /// Each connection to the event server closes in the middle of the next packet that it is sent; new ones do not.
    CutPacket,
    /// The event server sends nothing, no heartbeats either; what happens meanwhile is lost.
    Silence,
}

/// A point of a body at which a connection is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyPoint {
    /// Before its first byte is read or sent.
    Before,
    /// When half of it has been read or sent.
    Middle,
    /// When all of it has been read or sent.
    After,
}

impl FaultKind {
    /// The name it has in texts.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::Bandwidth(_) => "bandwidth",
            Self::SlowLoris(_) => "slow_loris",
            Self::WrongEtag => "wrong_etag",
            Self::NoEtag => "no_etag",
            Self::Refuse => "refuse",
            Self::Reset(_) => "reset",
            Self::Status { .. } => "status",
            Self::ErrorBody => "error_body",
            Self::Truncate => "truncate",
            Self::LostAnswer => "lost_answer",
            Self::Expired => "expired",
            Self::Hold => "hold",
            Self::BlackHole => "black_hole",
            Self::DropConnections => "drop_connections",
            Self::CutPacket => "cut_packet",
            Self::Silence => "silence",
        }
    }

    /// Whether it is for the open connections to the event server, at once, and not for requests.
    const fn is_of_events(&self) -> bool {
        matches!(
            self,
            Self::DropConnections | Self::CutPacket | Self::Silence
        )
    }

    /// Whether it decides what comes of the request, so that no other such fault can act on it.
    const fn is_decisive(&self) -> bool {
        !matches!(
            self,
            Self::Latency(_)
                | Self::Bandwidth(_)
                | Self::SlowLoris(_)
                | Self::WrongEtag
                | Self::NoEtag
        )
    }
}
