//! What the event server remembers of the events that went by: what tests assert on.

use std::fmt::Display;

use bytes::Bytes;
use ftrack_protocol::Event;

use crate::log::{Log, Record};

/// One event and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRecord {
    /// The topic of the event.
    pub topic: String,
    /// The name of the user whose connection it came from; none for events of the server itself.
    pub user: Option<String>,
    /// Size of the event as it came, in bytes.
    pub published_bytes: u64,
    /// How many connections it was given to.
    pub deliveries: u64,
    /// Size of all packets in which it was given to them, in bytes.
    pub delivered_bytes: u64,
    /// Why the server did not accept it, as it told the publisher.
    pub refused: Option<String>,
    /// The event as JSON; none when it is large, or old.
    pub event: Option<Bytes>,
}

/// Where an event comes from; the default is the server itself.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Origin<'a> {
    /// The name of the user whose connection it came from.
    pub(super) user: Option<&'a str>,
    /// Size of the event as it came.
    pub(super) bytes: usize,
}

impl EventRecord {
    /// Begins the record of an event that is given to nobody.
    pub(super) fn new(event: &Event, origin: Origin<'_>) -> Self {
        let json = serde_json::to_vec(event).ok();
        Self {
            topic: event.topic.clone(),
            user: origin.user.map(str::to_owned),
            published_bytes: origin.bytes as u64,
            deliveries: 0,
            delivered_bytes: 0,
            refused: None,
            event: json
                .filter(|json| json.len() <= Log::<Self>::BODY_LIMIT)
                .map(Bytes::from),
        }
    }

    /// Notes to how many connections the event is given, in packets of this size.
    pub(super) fn delivered(&mut self, connections: usize, packet: usize) {
        self.deliveries = connections as u64;
        self.delivered_bytes = (connections * packet) as u64;
    }

    /// Notes why the event is not accepted.
    pub(super) fn refused(&mut self, error: &impl Display) {
        self.refused = Some(error.to_string());
    }

    /// Tells whether the event has this topic; a `*` at the end of it stands for anything.
    pub(super) fn has_topic(&self, topic: &str) -> bool {
        match topic.strip_suffix('*') {
            Some(start) => self.topic.starts_with(start),
            None => self.topic == topic,
        }
    }
}

impl Record for EventRecord {
    fn for_each_body(&mut self, mut show: impl FnMut(&mut Option<Bytes>)) {
        show(&mut self.event);
    }
}
