//! Tickets: the handshake, which checks credentials, gives one, and the websocket, which has none, hands it in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use uuid::Uuid;

use crate::app::Caller;

/// The session id of socket.io. Whoever has it is let in, once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ticket(String);

impl Ticket {
    /// Returns the ticket as it is written in URLs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Ticket {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// The tickets that were given and not handed in.
#[derive(Debug)]
pub(super) struct Handshakes {
    validity: Duration,
    waiting: Mutex<HashMap<Ticket, (Caller, Instant)>>,
}

impl Handshakes {
    pub(super) fn new(validity: Duration) -> Self {
        Self {
            validity,
            waiting: Mutex::default(),
        }
    }

    /// Gives a ticket to `caller`.
    pub(super) fn give(&self, caller: Caller) -> Ticket {
        let ticket = Ticket(Uuid::new_v4().simple().to_string());
        let now = Instant::now();
        let mut waiting = self.waiting.lock();
        waiting.retain(|_, (_, given)| now.duration_since(*given) < self.validity);
        waiting.insert(ticket.clone(), (caller, now));
        ticket
    }

    /// Takes a ticket back, and returns whom it was given to; `None` when it is unknown, used or too old.
    pub(super) fn take(&self, ticket: &Ticket) -> Option<Caller> {
        let (caller, given) = self.waiting.lock().remove(ticket)?;
        (given.elapsed() < self.validity).then_some(caller)
    }

    /// Makes all tickets worthless.
    pub(super) fn clear(&self) {
        self.waiting.lock().clear();
    }
}
