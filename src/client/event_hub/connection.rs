//! Packets in and out, for as long as the server is there.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ftrack_protocol::socketio::{Packet, PacketKind};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _, future};
use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use super::handshake::Server;
use super::pulse::Pulse;
use super::queue::{Queue, Refused};
use super::websocket::{self, Socket};
use super::{Backoff, Heartbeats, Options};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::runtime;
use crate::transport::event_client;

const ACTION: &str = "exchange events";

/// How long a packet that is sent may take to the system; one that takes longer goes there when it can.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

type Sink = SplitSink<Socket, Message>;

/// A connection to the event server. Dropping it ends it at once.
#[derive(Debug)]
pub struct Connection {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
    host: String,
    timeout: Duration,
    farewell: Duration,
    process: u32,
}

/// Connects to the event server of `config`; all of it takes no longer than the timeout in there.
pub async fn connect(config: &Config, options: &Options) -> Result<Connection> {
    let server = Server::new(config)?;
    let opening = async {
        let client = event_client(&config.network)?;
        let ticket = server.handshake(&client).await?;
        let socket = websocket::open(&server, &client, &ticket).await?;
        Ok::<_, Error>((socket, Pulse::new(ticket.silence, options.least_patience)))
    };
    let (socket, pulse) = timeout(config.timeout, opening)
        .await
        .map_err(|_| server.timed_out())??;
    let (sink, stream) = socket.split();
    let shared = Arc::new(Shared::new(sink, options.heartbeats));
    let task = runtime::handle()?.spawn(Arc::clone(&shared).run(stream, pulse));
    tracing::debug!(host = server.host(), "connected to the event server");
    Ok(Connection {
        shared,
        task: Mutex::new(Some(task)),
        host: server.host(),
        timeout: config.timeout,
        farewell: options.farewell,
        process: std::process::id(),
    })
}

/// Connects to the event server, trying until it succeeds; dropping the future ends the attempts.
pub async fn connect_again(config: &Config, options: &Options, mut backoff: Backoff) -> Connection {
    loop {
        tokio::time::sleep(backoff.next_delay()).await;
        match connect(config, options).await {
            Ok(connection) => return connection,
            Err(error) => tracing::debug!(%error, "still without events"),
        }
    }
}

impl Connection {
    /// Returns whether the server is there, as far as is known.
    pub fn is_connected(&self) -> bool {
        // A forked process has inherited the connection, but not the threads that serve it.
        !self.shared.outbox.is_closed() && self.process == std::process::id()
    }

    /// Sends a packet, waiting for room if many wait already. That it was sent does not mean that it arrives.
    ///
    /// Unless the server is slow to read, it has left this process on return, which may be killed then. Packets that were sent before have left before it.
    pub async fn send(&self, packet: String) -> Result<()> {
        if !self.is_connected() {
            return Err(self.ended());
        }
        match timeout(self.timeout, self.shared.outbox.put(packet)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(self.ended()),
            Err(_) => {
                return Err(Error::Timeout {
                    host: self.host.clone(),
                    action: ACTION.to_owned(),
                    after: self.timeout,
                });
            }
        }
        // What is left, or fails, is left to the task of the connection, which has been woken.
        let _ = timeout(FLUSH_PATIENCE, self.shared.send_waiting()).await;
        Ok(())
    }

    /// Returns the packets that have come, waiting for the first; `None` once the connection has ended and all were taken. Nothing is lost if the future is dropped.
    pub async fn receive(&self) -> Option<Vec<String>> {
        if self.process == std::process::id() {
            self.shared.inbox.take().await
        } else {
            None
        }
    }

    /// Returns how long ago anything was heard of the server.
    pub fn silence(&self) -> Duration {
        self.shared.heard.lock().elapsed()
    }

    /// Ends the connection after all packets have left, or when that takes too long.
    pub async fn close(&self) {
        self.shared.outbox.close();
        let Some(mut task) = self.task.lock().take() else {
            return;
        };
        if timeout(self.farewell, &mut task).await.is_err() {
            task.abort();
            self.shared.end("it was closed");
        }
    }

    fn ended(&self) -> Error {
        Error::Connection {
            host: self.host.clone(),
            action: ACTION.to_owned(),
            reason: self
                .shared
                .reason
                .lock()
                .clone()
                .unwrap_or_else(|| "the connection has ended".to_owned()),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // Closing the copy of the socket that a forked process has would take it from the poller, which the two share.
            std::mem::forget(Arc::clone(&self.shared));
            return;
        }
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
        self.shared.end("it was dropped");
    }
}

/// What the two ends of a connection share.
#[derive(Debug)]
struct Shared {
    inbox: Queue,
    outbox: Queue,
    /// Where packets leave; whoever holds it sends all that wait. `None` once the connection has ended.
    sink: tokio::sync::Mutex<Option<Sink>>,
    heartbeats: Heartbeats,
    heard: Mutex<Instant>,
    reason: Mutex<Option<String>>,
}

/// Why a connection has ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("it was closed")]
    Closed,
    #[error("the server closed the connection")]
    ByServer,
    #[error("the connection broke: {0}")]
    Broken(#[from] SocketError),
    #[error("the server was silent for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("received packets were not taken in time")]
    Flooded,
}

impl Shared {
    fn new(sink: Sink, heartbeats: Heartbeats) -> Self {
        Self {
            inbox: Queue::default(),
            outbox: Queue::default(),
            sink: tokio::sync::Mutex::new(Some(sink)),
            heartbeats,
            heard: Mutex::new(Instant::now()),
            reason: Mutex::new(None),
        }
    }

    /// Serves the connection until either side ends it.
    async fn run(self: Arc<Self>, stream: SplitStream<Socket>, pulse: Pulse) {
        let mut reading = pin!(self.read(stream, pulse));
        let mut ended = tokio::select! {
            ended = &mut reading => ended,
            ended = self.write() => ended,
        };
        if matches!(ended, Ended::Closed) {
            // Until the server has closed its end too: leaving earlier, with something unread, would make it lose what it has not read yet.
            reading.await;
            ended = Ended::Closed;
        }
        tracing::debug!(%ended, "the connection to the event server has ended");
        self.end(&ended.to_string());
    }

    fn end(&self, reason: &str) {
        self.reason.lock().get_or_insert_with(|| reason.to_owned());
        self.outbox.close();
        self.inbox.close();
        // Whoever sends at this moment finds out by itself.
        if let Ok(mut sink) = self.sink.try_lock() {
            sink.take();
        }
    }

    async fn read(&self, mut stream: SplitStream<Socket>, mut pulse: Pulse) -> Ended {
        loop {
            let patience = pulse.patience();
            let message = match timeout(patience, stream.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(error))) => return error.into(),
                Ok(None) => return Ended::ByServer,
                Err(_) => return Ended::Silent(patience),
            };
            *self.heard.lock() = Instant::now();
            if let Message::Text(text) = message
                && let Err(ended) = self.accept(text.as_str(), &mut pulse)
            {
                return ended;
            }
        }
    }

    /// Takes a packet in. What is no packet is handed on as well: whoever takes it may know better.
    fn accept(&self, text: &str, pulse: &mut Pulse) -> Result<(), Ended> {
        match Packet::decode(text).map(|packet| packet.kind) {
            Ok(PacketKind::Heartbeat) => {
                pulse.beat(Instant::now());
                if self.heartbeats == Heartbeats::Answered {
                    self.answer_heartbeat();
                    return Ok(());
                }
            }
            Ok(PacketKind::Disconnect) => return Err(Ended::ByServer),
            _ => {}
        }
        match self.inbox.push(text.to_owned()) {
            Ok(()) => Ok(()),
            Err(Refused::Full) => Err(Ended::Flooded),
            Err(Refused::Closed) => Err(Ended::Closed),
        }
    }

    fn answer_heartbeat(&self) {
        // A full queue shows the server that this end is alive, and a closed one needs no answer.
        let _ = self
            .outbox
            .push(Packet::new(PacketKind::Heartbeat, "").to_string());
    }

    /// Sends what is left to it, until no more is to be sent.
    async fn write(&self) -> Ended {
        match self.write_all().await {
            Ok(()) => Ended::Closed,
            Err(error) => error.into(),
        }
    }

    async fn write_all(&self) -> Result<(), SocketError> {
        while !self.outbox.is_drained() {
            self.outbox.changed().await;
            self.send_waiting().await?;
        }
        match &mut *self.sink.lock().await {
            Some(sink) => sink.close().await,
            None => Ok(()),
        }
    }

    /// Sends all packets that wait, and those that somebody else has begun to send. Nothing is lost if the future is dropped.
    async fn send_waiting(&self) -> Result<(), SocketError> {
        let mut sink = self.sink.lock().await;
        let Some(sink) = &mut *sink else {
            return Ok(());
        };
        loop {
            // Before a packet is taken, which could be lost otherwise.
            future::poll_fn(|context| sink.poll_ready_unpin(context)).await?;
            let Some(packet) = self.outbox.pop() else {
                return sink.flush().await;
            };
            sink.start_send_unpin(Message::text(packet))?;
        }
    }
}
