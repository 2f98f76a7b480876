//! One client on its websocket: reads its packets, answers them, and sends what waits in its outbox.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Error as SocketError;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use ftrack_protocol::Event;
use ftrack_protocol::socketio::{self, Acknowledgement, Packet, PacketId, PacketKind};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Map, Value, json};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::hub::{EventHub, HubError};
use super::outbox::Outbox;
use super::record::Origin;
use super::routes::ConnectionId;
use crate::app::{AppState, Caller};
use crate::faults::connection::Connection as Stream;

/// Serves one client until it leaves, falls silent or is too slow; `stream` is what its `socket` is on.
pub async fn serve(app: AppState, caller: Caller, socket: WebSocket, stream: Stream) {
    let (id, outbox) = app.events.connect();
    let connection = Connection {
        hub: &app.events,
        caller,
        id,
        outbox: &outbox,
        stream,
        unanswered: AtomicU32::new(0),
    };
    connection.send(Packet::new(PacketKind::Connect, "").to_string());
    let (sink, stream) = socket.split();
    let send_and_receive = async {
        let mut reading = pin!(connection.read(stream));
        tokio::select! {
            () = &mut reading => {}
            // A client that is gone may have sent something before; one that is to be cut off is there still.
            sent = connection.write(sink) => if sent.is_err() && !outbox.is_cut() {
                reading.await;
            }
        }
    };
    tokio::select! {
        () = send_and_receive => {}
        () = connection.watch() => {}
    }
}

struct Connection<'a> {
    hub: &'a EventHub,
    caller: Caller,
    id: ConnectionId,
    outbox: &'a Arc<Outbox>,
    stream: Stream,
    /// How many heartbeats have been sent since the client was heard.
    unanswered: AtomicU32,
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.hub.disconnect(self.id);
    }
}

/// Why a packet with an event is answered by a failure.
#[derive(Debug, thiserror::Error)]
enum EventError {
    #[error(transparent)]
    Packet(#[from] socketio::PacketError),
    #[error(transparent)]
    Hub(#[from] HubError),
}

impl Connection<'_> {
    /// Reads packets until the client leaves. What is no packet is passed over, as clients do it.
    async fn read(&self, mut stream: SplitStream<WebSocket>) {
        while let Some(Ok(message)) = stream.next().await {
            self.unanswered.store(0, Ordering::Relaxed);
            let Message::Text(text) = message else {
                continue;
            };
            let Ok(packet) = Packet::decode(&text) else {
                continue;
            };
            if packet.kind == PacketKind::Disconnect {
                return;
            }
            self.handle(&packet);
        }
    }

    /// Sends what comes into the outbox, many packets at a time when they come quickly.
    async fn write(&self, mut sink: SplitSink<WebSocket, Message>) -> Result<(), SocketError> {
        while let Some(packets) = self.outbox.take().await {
            if self.outbox.is_cut() {
                self.stream.close_in_next_write();
            }
            let all = async {
                for packet in packets {
                    sink.feed(Message::Text(packet)).await?;
                }
                sink.flush().await
            };
            tokio::select! {
                sent = all => sent?,
                () = self.outbox.closed() => return Ok(()),
            }
        }
        Ok(())
    }

    /// Sends heartbeats until the client has been silent for too many of them.
    ///
    /// Heartbeats are counted rather than time, so that a machine that stood still hangs up on nobody.
    async fn watch(&self) {
        let options = &self.hub.options;
        let mut beat = interval(options.heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beat.tick().await;
            if self.hub.is_silent() {
                // A client that is asked nothing owes no answer.
                self.unanswered.store(0, Ordering::Relaxed);
            }
            let unanswered = self.unanswered.fetch_add(1, Ordering::Relaxed);
            if options.heartbeat.saturating_mul(unanswered) > options.close_timeout {
                return;
            }
            self.send(Packet::new(PacketKind::Heartbeat, "").to_string());
        }
    }

    fn handle(&self, packet: &Packet<'_>) {
        let outcome = match packet.kind {
            PacketKind::Event => self.handle_event(packet.data),
            PacketKind::Message | PacketKind::Json => Ok(()),
            PacketKind::Disconnect
            | PacketKind::Connect
            | PacketKind::Heartbeat
            | PacketKind::Acknowledge
            | PacketKind::Error
            | PacketKind::Noop => return,
        };
        if let Some(id) = packet.id {
            self.acknowledge(id, outcome);
        }
    }

    fn handle_event(&self, data: &str) -> Result<(), EventError> {
        let mut event = socketio::decode_event(data)?;
        let origin = Origin {
            user: Some(&self.caller.username),
            bytes: data.len(),
        };
        let outcome = match event.topic.as_str() {
            "ftrack.meta.subscribe" => self.subscribe(&event),
            "ftrack.meta.unsubscribe" => self.unsubscribe(&event),
            _ => {
                self.complete(&mut event);
                return Ok(self.hub.route(&event, origin)?);
            }
        };
        self.hub.note(&event, origin, &outcome);
        Ok(outcome?)
    }

    fn subscribe(&self, event: &Event) -> Result<(), HubError> {
        let subscriber = subscriber(event).ok_or(HubError::NoSubscriber)?;
        let subscription = event.data["subscription"].as_str().unwrap_or_default();
        let metadata = subscriber.metadata.clone();
        self.hub
            .subscribe(self.id, subscriber.id, metadata, subscription)
    }

    fn unsubscribe(&self, event: &Event) -> Result<(), HubError> {
        let subscriber = subscriber(event).ok_or(HubError::NoSubscriber)?;
        self.hub.unsubscribe(self.id, subscriber.id)
    }

    /// Fills in what the server knows better than the publisher: an id, and the id of the user.
    fn complete(&self, event: &mut Event) {
        if event.id.is_empty() {
            event.id = Uuid::new_v4().simple().to_string();
        }
        if let Some(Value::Object(user)) = event.source.get_mut("user")
            && user.get("username").and_then(Value::as_str) == Some(&self.caller.username)
            && user.get("id").is_none_or(Value::is_null)
        {
            user.insert("id".to_owned(), json!(self.caller.user_id));
        }
    }

    fn acknowledge(&self, id: PacketId, outcome: Result<(), EventError>) {
        let answer = match outcome {
            Ok(()) => json!({"success": true}),
            Err(error) => json!({"success": false, "message": error.to_string()}),
        };
        let acknowledgement = Acknowledgement {
            number: id.number,
            arguments: if id.wants_data { vec![answer] } else { vec![] },
        };
        self.send(acknowledgement.encode());
    }

    fn send(&self, packet: String) {
        if !self.hub.is_silent() {
            self.outbox.push(Utf8Bytes::from(packet));
        }
    }
}

struct Subscriber<'a> {
    id: &'a str,
    metadata: &'a Map<String, Value>,
}

fn subscriber(event: &Event) -> Option<Subscriber<'_>> {
    let metadata = event.data.get("subscriber")?.as_object()?;
    let id = metadata.get("id")?.as_str()?;
    Some(Subscriber { id, metadata })
}
