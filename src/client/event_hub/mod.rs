//! The connection to the event server, which speaks socket.io 0.9 over a websocket.
//!
//! A [`Connection`] carries packets and stays alive by itself: it answers heartbeats even while nobody takes packets, and notices within two heartbeats when the server has gone.
//! What packets mean is left to its user. All connections of a process share the threads of [`crate::runtime`].
//!
//! # Layout
//! - `handshake`, `websocket`: the way to a connection, over the HTTP connections of the process, so that proxies and certificates are those of HTTP
//! - `connection`, `queue`: packets in and out
//! - `pulse`: when silence means that the server has gone
//! - `backoff`: how long to wait before trying again

mod backoff;
mod connection;
mod handshake;
mod pulse;
mod queue;
mod websocket;

pub use backoff::Backoff;
pub use connection::{Connection, connect, connect_again};

use std::time::Duration;

/// Habits of a connection.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who answers heartbeats.
    pub heartbeats: Heartbeats,
    /// The shortest silence that ends a connection, however quick the heartbeats are.
    pub least_patience: Duration,
    /// How long packets may take to leave after [`Connection::close`].
    pub farewell: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            heartbeats: Heartbeats::Answered,
            least_patience: Duration::from_secs(5),
            farewell: Duration::from_secs(4),
        }
    }
}

/// Who answers the heartbeats of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeats {
    /// The connection; its user does not get to see them.
    Answered,
    /// The user of the connection, who receives them as packets.
    Delivered,
}
