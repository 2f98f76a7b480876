//! What waits to be sent to one client.

use axum::extract::ws::Utf8Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Packets on their way to a client. Putting one in never waits: a client that reads too slowly is given up.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    packets: Vec<Utf8Bytes>,
    bytes: usize,
    closed: bool,
    /// Whether the next packet is to arrive only in part.
    cut: bool,
}

impl Outbox {
    /// The most that waits, in bytes: seconds of heavy traffic, and little beside a server's other memory, as the
    /// packets of one event are shared by all who get it.
    pub(super) const CAPACITY: usize = 16 << 20;

    /// What a packet costs beside its text.
    const PACKET: usize = 64;

    /// Puts a packet in; closes the outbox when it is full.
    pub(super) fn push(&self, packet: Utf8Bytes) {
        let mut state = self.state.lock();
        if state.closed {
            return;
        }
        state.bytes += packet.len() + Self::PACKET;
        if state.bytes > Self::CAPACITY {
            state.close();
        } else {
            state.packets.push(packet);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Takes all packets out, waiting for the first; `None` when the outbox is closed.
    pub(super) async fn take(&self) -> Option<Vec<Utf8Bytes>> {
        loop {
            {
                let mut state = self.state.lock();
                if state.closed {
                    return None;
                }
                if !state.packets.is_empty() {
                    state.bytes = 0;
                    return Some(std::mem::take(&mut state.packets));
                }
            }
            self.changed.notified().await;
        }
    }

    /// Waits until the outbox is closed.
    ///
    /// Meant for whoever has taken packets out and is still sending them, when nobody waits in [`take`](Self::take).
    pub(super) async fn closed(&self) {
        while !self.state.lock().closed {
            self.changed.notified().await;
        }
    }

    /// Lets the next packet arrive only in part.
    pub(super) fn cut(&self) {
        self.state.lock().cut = true;
    }

    /// Returns whether what is taken out now is to arrive only in part.
    pub(super) fn is_cut(&self) -> bool {
        self.state.lock().cut
    }

    /// Closes the outbox; what is in it is lost.
    pub(super) fn close(&self) {
        self.state.lock().close();
        self.changed.notify_one();
    }
}

impl State {
    fn close(&mut self) {
        self.closed = true;
        self.packets = Vec::new();
    }
}
