//! The event hub of the server: connections in, events out.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::extract::ws::Utf8Bytes;
use ftrack_protocol::Event;
use ftrack_protocol::expression::{self, Expression, ParseError};
use ftrack_protocol::socketio;
use parking_lot::RwLock;
use serde_json::{Map, Value};
use tracing::error;

use super::handshakes::{Handshakes, Ticket};
use super::outbox::Outbox;
use super::record::{EventRecord, Origin};
use super::routes::{ConnectionId, Refused, Routes};
use crate::app::Caller;
use crate::config::EventOptions;
use crate::log::Log;

/// Takes events and gives them to the connections that want them.
#[derive(Debug)]
pub struct EventHub {
    pub(super) options: EventOptions,
    handshakes: Handshakes,
    routes: RwLock<Routes>,
    outboxes: RwLock<HashMap<ConnectionId, Arc<Outbox>>>,
    last_connection: AtomicU64,
    silent: AtomicBool,
    log: Log<EventRecord>,
}

/// An event on its way to those who want it.
#[derive(Default)]
struct Delivery {
    packet: Utf8Bytes,
    outboxes: Vec<Arc<Outbox>>,
}

/// Why the hub does not do what a client asks for; the texts are what the client gets to read.
#[derive(Debug, thiserror::Error)]
pub(super) enum HubError {
    #[error("the event names no subscriber")]
    NoSubscriber,
    #[error("subscriber {id} is subscribed already")]
    Duplicate { id: String },
    #[error("subscriber {id} is not subscribed")]
    Unknown { id: String },
    #[error("a connection has {} subscriptions at most", Routes::PER_CONNECTION)]
    TooMany,
    #[error("the subscription is not understood: {reason}")]
    Subscription { reason: ParseError },
    #[error("the target is not understood: {reason}")]
    Target { reason: ParseError },
    #[error("the event cannot be written")]
    Unwritable(#[from] serde_json::Error),
}

impl EventHub {
    /// Makes a hub without connections.
    pub fn new(options: EventOptions) -> Self {
        Self {
            handshakes: Handshakes::new(options.handshake_validity),
            options,
            routes: RwLock::default(),
            outboxes: RwLock::default(),
            last_connection: AtomicU64::new(0),
            silent: AtomicBool::new(false),
            log: Log::default(),
        }
    }

    /// Lets `caller` open one connection soon.
    pub fn admit(&self, caller: Caller) -> Ticket {
        self.handshakes.give(caller)
    }

    /// Returns whom `ticket` was given to; `None` when it is unknown, used or too old.
    pub fn redeem(&self, ticket: &Ticket) -> Option<Caller> {
        self.handshakes.take(ticket)
    }

    /// Returns how many connections are open.
    pub fn connections(&self) -> usize {
        self.outboxes.read().len()
    }

    /// Publishes an event of the server itself.
    pub fn publish(&self, event: &Event) {
        if let Err(error) = self.route(event, Origin::default()) {
            error!(topic = event.topic, %error, "an event of the server was lost");
        }
    }

    /// Returns what is remembered of the events of a topic, oldest first; of all events without one. A `*` at its end stands for anything.
    pub fn records(&self, topic: Option<&str>) -> Vec<EventRecord> {
        self.log
            .records(|record| topic.is_none_or(|topic| record.has_topic(topic)))
    }

    /// Forgets the events that went by.
    pub fn clear_records(&self) {
        self.log.clear();
    }

    /// Closes every connection without a word, as a fault in the network would; handshakes have to be made anew.
    pub fn drop_all(&self) {
        self.handshakes.clear();
        for outbox in self.outboxes.read().values() {
            outbox.close();
        }
    }

    /// Closes every connection in the middle of the next packet that it is sent.
    pub fn cut_all(&self) {
        for outbox in self.outboxes.read().values() {
            outbox.cut();
        }
    }

    /// Sends nothing more, no heartbeats either, or begins to send again. What happens meanwhile is lost.
    pub fn silence(&self, silent: bool) {
        self.silent.store(silent, Ordering::Relaxed);
    }

    pub(super) fn is_silent(&self) -> bool {
        self.silent.load(Ordering::Relaxed)
    }

    pub(super) fn connect(&self) -> (ConnectionId, Arc<Outbox>) {
        let id = ConnectionId(self.last_connection.fetch_add(1, Ordering::Relaxed));
        let outbox = Arc::<Outbox>::default();
        self.outboxes.write().insert(id, Arc::clone(&outbox));
        (id, outbox)
    }

    pub(super) fn disconnect(&self, connection: ConnectionId) {
        self.outboxes.write().remove(&connection);
        self.routes.write().disconnect(connection);
    }

    pub(super) fn subscribe(
        &self,
        connection: ConnectionId,
        id: &str,
        subscriber: Map<String, Value>,
        subscription: &str,
    ) -> Result<(), HubError> {
        let expression =
            expression::parse(subscription).map_err(|reason| HubError::Subscription { reason })?;
        let mut routes = self.routes.write();
        let outcome = routes.subscribe(connection, id, subscriber, expression);
        outcome.map_err(|refused| match refused {
            Refused::Duplicate => HubError::Duplicate { id: id.to_owned() },
            Refused::TooMany => HubError::TooMany,
        })
    }

    pub(super) fn unsubscribe(&self, connection: ConnectionId, id: &str) -> Result<(), HubError> {
        if self.routes.write().unsubscribe(connection, id) {
            Ok(())
        } else {
            Err(HubError::Unknown { id: id.to_owned() })
        }
    }

    /// Gives an event to every connection that wants it, the publisher's own included.
    pub(super) fn route(&self, event: &Event, origin: Origin<'_>) -> Result<(), HubError> {
        let delivery = self.address(event);
        let mut record = EventRecord::new(event, origin);
        match &delivery {
            Ok(delivery) => record.delivered(delivery.outboxes.len(), delivery.packet.len()),
            Err(error) => record.refused(error),
        }
        // Before anybody can have it: who has got an event finds it in the log.
        self.log.push(record);
        let Delivery { packet, outboxes } = delivery?;
        for outbox in outboxes {
            outbox.push(packet.clone());
        }
        Ok(())
    }

    /// Remembers an event that is for the server itself, and what came of it.
    pub(super) fn note(&self, event: &Event, origin: Origin<'_>, outcome: &Result<(), HubError>) {
        let mut record = EventRecord::new(event, origin);
        if let Err(error) = outcome {
            record.refused(error);
        }
        self.log.push(record);
    }

    fn address(&self, event: &Event) -> Result<Delivery, HubError> {
        let target = parse_target(&event.target).map_err(|reason| HubError::Target { reason })?;
        let connections = self.routes.read().interested(event, target.as_ref());
        if connections.is_empty() || self.is_silent() {
            return Ok(Delivery::default());
        }
        let packet = Utf8Bytes::from(socketio::encode_event(event, None)?);
        let outboxes = self.outboxes.read();
        let outboxes = connections
            .iter()
            .filter_map(|connection| outboxes.get(connection).cloned())
            .collect();
        Ok(Delivery { packet, outboxes })
    }
}

fn parse_target(target: &str) -> Result<Option<Expression>, ParseError> {
    if target.trim().is_empty() {
        return Ok(None);
    }
    expression::parse(target).map(Some)
}
