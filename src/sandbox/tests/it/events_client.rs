//! A client of the event server that sends and reads raw packets.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use ftrack_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use crate::harness::{Answer, send, split, unique_id};

/// How long a packet may take to come; far longer than it does.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes the handshake as the Python client does.
pub fn handshake(server: &Sandbox) -> Answer {
    let headers = [
        ("ftrack-user", server.api_user()),
        ("ftrack-api-key", server.api_key()),
    ];
    send(
        "GET",
        &format!("{}/socket.io/1/", server.url()),
        &headers,
        b"",
    )
}

/// The session id in the answer to a handshake.
pub fn session(answer: &Answer) -> String {
    answer.text().split(':').next().unwrap().to_owned()
}

/// A connection to the event server.
pub struct EventClient {
    socket: WebSocket<Uninterrupted>,
    packets: u64,
    waiting: VecDeque<Value>,
    pub id: String,
    username: String,
}

impl EventClient {
    /// Connects after a handshake.
    pub fn connect(server: &Sandbox) -> Self {
        let mut client = Self::open(server, &session(&handshake(server))).unwrap();
        assert_eq!(client.packet().as_deref(), Some("1::"));
        client
    }

    /// Opens the websocket of a session; the error is the HTTP status.
    pub fn open(server: &Sandbox, session: &str) -> Result<Self, u16> {
        let (address, _) = split(server.url());
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let url = format!("ws://{address}/socket.io/1/websocket/{session}");
        match client(url, Uninterrupted(stream)) {
            Ok((socket, _)) => Ok(Self {
                socket,
                packets: 0,
                waiting: VecDeque::new(),
                id: unique_id(),
                username: server.api_user().to_owned(),
            }),
            Err(tokio_tungstenite::tungstenite::HandshakeError::Failure(
                tokio_tungstenite::tungstenite::Error::Http(response),
            )) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a text.
    pub fn send(&mut self, packet: &str) {
        assert!(self.try_send(packet), "the connection has ended");
    }

    /// Sends a text, and returns whether the connection lasted as long as that.
    pub fn try_send(&mut self, packet: &str) -> bool {
        self.socket.send(Message::text(packet)).is_ok()
    }

    /// Returns the next packet that is no heartbeat; `None` when the connection has ended.
    pub fn packet(&mut self) -> Option<String> {
        loop {
            let packet = self.any_packet()?;
            if packet != "2::" {
                return Some(packet);
            }
        }
    }

    /// Returns the next packet; `None` when the connection has ended.
    pub fn any_packet(&mut self) -> Option<String> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Some(text.to_string()),
                Ok(_) => {}
                Err(tokio_tungstenite::tungstenite::Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    panic!("no packet has come for {PATIENCE:?}")
                }
                Err(_) => return None,
            }
        }
    }

    /// Sends an event and returns what the server acknowledges it with. Events that come meanwhile are kept.
    pub fn emit(&mut self, event: &Value) -> Value {
        self.packets += 1;
        let number = self.packets;
        let data = json!({"name": "ftrack.event", "args": [event]});
        self.send(&format!("5:{number}+::{data}"));
        let expected = format!("6:::{number}+");
        loop {
            let packet = self.packet().expect("an acknowledgement");
            if let Some(arguments) = packet.strip_prefix(&expected) {
                let arguments: Vec<Value> = serde_json::from_str(arguments).unwrap();
                return arguments.into_iter().next().unwrap();
            }
            self.keep(&packet);
        }
    }

    /// Subscribes a new subscriber and returns its id.
    pub fn subscribe(&mut self, subscription: &str) -> String {
        let id = unique_id();
        let answer = self.subscribe_as(&json!({"id": id}), subscription);
        assert_eq!(answer, json!({"success": true}));
        id
    }

    pub fn subscribe_as(&mut self, subscriber: &Value, subscription: &str) -> Value {
        let data = json!({"subscriber": subscriber, "subscription": subscription});
        self.emit(&self.event("ftrack.meta.subscribe", &data))
    }

    pub fn unsubscribe(&mut self, subscriber: &str) -> Value {
        let data = json!({"subscriber": {"id": subscriber}});
        self.emit(&self.event("ftrack.meta.unsubscribe", &data))
    }

    /// Publishes an event that is meant for everyone.
    pub fn publish(&mut self, topic: &str, data: &Value) {
        let answer = self.emit(&self.event(topic, data));
        assert_eq!(answer, json!({"success": true}));
    }

    /// An event as the Python client sends it.
    pub fn event(&self, topic: &str, data: &Value) -> Value {
        json!({
            "topic": topic, "data": data, "id": unique_id(), "sent": null, "target": "", "inReplyToEvent": null,
            "source": {"id": self.id, "user": {"username": self.username}, "host": "workstation"},
        })
    }

    /// Returns the next event.
    pub fn next_event(&mut self) -> Value {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return event;
            }
            let packet = self.packet().expect("an event");
            self.keep(&packet);
        }
    }

    /// Returns the events that have come before an event that is published now has come back.
    pub fn events_so_far(&mut self) -> Vec<Value> {
        let topic = format!("test.end.{}", unique_id());
        let subscriber = self.subscribe(&format!("topic={topic}"));
        self.publish(&topic, &json!({}));
        let mut events = Vec::new();
        loop {
            let event = self.next_event();
            if event["topic"] == topic.as_str() {
                self.unsubscribe(&subscriber);
                return events;
            }
            events.push(event);
        }
    }

    /// Waits until the server has closed the connection.
    pub fn wait_for_end(&mut self) {
        let started = Instant::now();
        while self.any_packet().is_some() {
            assert!(started.elapsed() < PATIENCE, "the connection stays open");
        }
    }

    fn keep(&mut self, packet: &str) {
        let data = packet.strip_prefix("5:::").expect(packet);
        let data: Value = serde_json::from_str(data).unwrap();
        assert_eq!(data["name"], "ftrack.event");
        assert_eq!(data["args"].as_array().unwrap().len(), 1);
        self.waiting.push_back(data["args"][0].clone());
    }
}

/// A stream whose reads go on after a signal, such as the one that tells of the end of a child: those with a timeout do
/// not by themselves.
struct Uninterrupted(TcpStream);

impl Read for Uninterrupted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => return outcome,
            }
        }
    }
}

impl Write for Uninterrupted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}
