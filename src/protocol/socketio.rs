//! The packets of socket.io 0.9: texts of the form `code:id:endpoint:data`.
//!
//! ftrack's event server speaks this version of the protocol only. An [`Event`] travels as
//! `5:::{"name":"ftrack.event","args":[...]}`; one that is sent with an id is acknowledged by `6:::<id>+[...]`.

use std::borrow::Cow;
use std::fmt::{Display, Formatter};

use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::event::Event;

/// The name that all events of ftrack are sent under.
pub const EVENT_NAME: &str = "ftrack.event";

/// A packet; printing it gives the text to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is.
    pub kind: PacketKind,
    /// What the other end acknowledges it by, if it is to.
    pub id: Option<PacketId>,
    /// The part of the server that it is for, which ftrack leaves empty; holds no colon.
    pub endpoint: &'a str,
    /// The rest, in a form that depends on the kind.
    pub data: &'a str,
}

/// What a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PacketKind {
    /// The sender leaves.
    Disconnect,
    /// The server has accepted the connection.
    Connect,
    /// The sender is alive.
    Heartbeat,
    /// A text.
    Message,
    /// A JSON value.
    Json,
    /// An event.
    Event,
    /// A packet with an id has arrived.
    Acknowledge,
    /// Something went wrong.
    Error,
    /// Nothing.
    Noop,
}

/// What a packet is acknowledged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PacketId {
    /// The number, unique among the packets of its sender.
    pub number: u64,
    /// Whether the sender waits for what its event led to, and not just for the arrival.
    pub wants_data: bool,
}

/// The data of an acknowledgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Acknowledgement {
    /// The number of the packet that has arrived.
    pub number: u64,
    /// What its event led to; ftrack answers one object with `success` and, after a failure, `message`.
    pub arguments: Vec<Value>,
}

/// A text that is not a packet, or not one of the expected kind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// It does not begin with the code of a kind of packet.
    #[error("a packet with an unknown code")]
    Code,
    /// The id is not a number.
    #[error("a packet whose id is not a number")]
    Id,
    /// The data is not the JSON that packets of its kind hold.
    #[error("a packet with unreadable data")]
    Data(#[from] serde_json::Error),
    /// The data names something other than an event of ftrack, or holds none.
    #[error("a packet without an event of ftrack")]
    NoEvent,
}

impl<'a> Packet<'a> {
    /// Makes a packet without id and endpoint.
    pub const fn new(kind: PacketKind, data: &'a str) -> Self {
        Self {
            kind,
            id: None,
            endpoint: "",
            data,
        }
    }

    /// Reads a packet. Parts at its end may be missing, as clients differ in how many colons they send.
    pub fn decode(text: &'a str) -> Result<Self, PacketError> {
        let mut parts = text.splitn(4, ':');
        let mut next = || parts.next().unwrap_or_default();
        let kind = PacketKind::from_code(next()).ok_or(PacketError::Code)?;
        let id = PacketId::decode(next())?;
        Ok(Self {
            kind,
            id,
            endpoint: next(),
            data: next(),
        })
    }
}

impl Display for Packet<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:", self.kind.code())?;
        if let Some(id) = self.id {
            let plus = if id.wants_data { "+" } else { "" };
            write!(formatter, "{}{plus}", id.number)?;
        }
        write!(formatter, ":{}", self.endpoint)?;
        if self.data.is_empty() {
            Ok(())
        } else {
            write!(formatter, ":{}", self.data)
        }
    }
}

impl PacketKind {
    /// Every kind, in the order of the codes.
    pub const ALL: [Self; 9] = [
        Self::Disconnect,
        Self::Connect,
        Self::Heartbeat,
        Self::Message,
        Self::Json,
        Self::Event,
        Self::Acknowledge,
        Self::Error,
        Self::Noop,
    ];

    /// Returns the digit that packets of this kind begin with.
    pub const fn code(self) -> u8 {
        self as u8
    }

    fn from_code(code: &str) -> Option<Self> {
        let [digit @ b'0'..=b'9'] = code.as_bytes() else {
            return None;
        };
        Self::ALL.get(usize::from(digit - b'0')).copied()
    }
}

impl PacketId {
    fn decode(text: &str) -> Result<Option<Self>, PacketError> {
        if text.is_empty() {
            return Ok(None);
        }
        let digits = text.strip_suffix('+');
        Ok(Some(Self {
            number: digits
                .unwrap_or(text)
                .parse()
                .map_err(|_| PacketError::Id)?,
            wants_data: digits.is_some(),
        }))
    }
}

impl Acknowledgement {
    /// Reads the data of an acknowledgement: a number, and after a `+` what its event led to.
    pub fn decode(data: &str) -> Result<Self, PacketError> {
        let (number, arguments) = match data.split_once('+') {
            Some((number, arguments)) => (number, serde_json::from_str(arguments)?),
            None => (data, Vec::new()),
        };
        Ok(Self {
            number: number.parse().map_err(|_| PacketError::Id)?,
            arguments,
        })
    }

    /// Returns the text of the packet.
    pub fn encode(&self) -> String {
        let Self { number, arguments } = self;
        if arguments.is_empty() {
            return format!("6:::{number}");
        }
        format!("6:::{number}+{}", Value::from(arguments.as_slice()))
    }
}

/// Returns the text of the packet that carries `event`; with an id, the other end is asked to acknowledge it.
pub fn encode_event(event: &Event, id: Option<PacketId>) -> Result<String, serde_json::Error> {
    let data = serde_json::to_string(&Emission {
        name: EVENT_NAME,
        args: [event],
    })?;
    let packet = Packet {
        id,
        ..Packet::new(PacketKind::Event, &data)
    };
    Ok(packet.to_string())
}

/// Reads the event from the data of a packet; only the first argument counts.
pub fn decode_event(data: &str) -> Result<Event, PacketError> {
    let emission: Received<'_> = serde_json::from_str(data)?;
    match emission.args.first() {
        Some(event) if emission.name == EVENT_NAME => Ok(serde_json::from_str(event.get())?),
        _ => Err(PacketError::NoEvent),
    }
}

#[derive(Serialize)]
struct Emission<'a> {
    name: &'a str,
    args: [&'a Event; 1],
}

#[derive(Deserialize)]
struct Received<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    args: Vec<&'a RawValue>,
}
