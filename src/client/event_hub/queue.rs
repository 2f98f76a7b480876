//! Packets that wait, to be sent or to be taken; bounded, as either end may be slow.

use std::collections::VecDeque;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The most that waits, in bytes: minutes of heavy traffic.
const CAPACITY: usize = 64 << 20;
/// What a packet costs beside its text.
const PACKET: usize = 64;

/// Packets in their order, for any number of producers, and one consumer that waits for them.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Notify,
    emptied: Notify,
}

#[derive(Debug, Default)]
struct State {
    packets: VecDeque<String>,
    bytes: usize,
    closed: bool,
}

/// Why a packet was not put in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Nothing is taken in any more.
    Closed,
    /// Too much waits already.
    Full,
}

impl Queue {
    /// Puts a packet in.
    pub(super) fn push(&self, packet: String) -> Result<(), Refused> {
        self.offer(&mut Some(packet))
    }

    /// Puts a packet in as soon as there is room; fails only when the queue is closed.
    pub(super) async fn put(&self, packet: String) -> Result<(), Refused> {
        let mut packet = Some(packet);
        loop {
            // Made before looking, so that room made in between is not missed.
            let emptied = self.emptied.notified();
            match self.offer(&mut packet) {
                Err(Refused::Full) => emptied.await,
                outcome => return outcome,
            }
        }
    }

    /// Takes all packets, waiting for the first; `None` when the queue is closed and empty. Nothing is lost if the future is dropped.
    pub(super) async fn take(&self) -> Option<Vec<String>> {
        loop {
            let filled = self.filled.notified();
            if let Some(taken) = self.take_waiting() {
                return taken;
            }
            filled.await;
        }
    }

    /// Waits until somebody puts a packet in or closes the queue, since this was called the last time.
    pub(super) async fn changed(&self) {
        self.filled.notified().await;
    }

    /// Takes the first packet, if there is one.
    pub(super) fn pop(&self) -> Option<String> {
        let mut state = self.state.lock();
        let packet = state.packets.pop_front()?;
        let was_full = state.bytes >= CAPACITY;
        state.bytes -= packet.len() + PACKET;
        let has_room = state.bytes < CAPACITY;
        drop(state);
        if was_full && has_room {
            self.emptied.notify_waiters();
        }
        Some(packet)
    }

    /// Returns whether nothing is inside, nor will be.
    pub(super) fn is_drained(&self) -> bool {
        let state = self.state.lock();
        state.closed && state.packets.is_empty()
    }

    /// Takes no more packets in. Those inside can still be taken.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_one();
        self.emptied.notify_waiters();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    fn offer(&self, packet: &mut Option<String>) -> Result<(), Refused> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.bytes >= CAPACITY {
            return Err(Refused::Full);
        }
        if let Some(packet) = packet.take() {
            state.bytes += packet.len() + PACKET;
            state.packets.push_back(packet);
        }
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Returns the packets, or `None` if there are none yet.
    #[expect(clippy::option_option, reason = "none yet, or none any more")]
    fn take_waiting(&self) -> Option<Option<Vec<String>>> {
        let mut state = self.state.lock();
        if state.packets.is_empty() {
            return state.closed.then_some(None);
        }
        state.bytes = 0;
        let packets = std::mem::take(&mut state.packets);
        drop(state);
        self.emptied.notify_waiters();
        Some(Some(packets.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn packet() -> String {
        "x".repeat(CAPACITY)
    }

    #[tokio::test]
    async fn packets_are_taken_in_their_order_even_after_closing() {
        let queue = Queue::default();
        queue.push("a".to_owned()).unwrap();
        queue.put("b".to_owned()).await.unwrap();
        queue.close();
        assert_eq!(queue.push("c".to_owned()), Err(Refused::Closed));
        assert_eq!(queue.take().await.unwrap(), ["a", "b"]);
        assert_eq!(queue.take().await, None);
    }

    #[tokio::test]
    async fn a_full_queue_takes_more_once_it_is_emptied() {
        let queue = Arc::new(Queue::default());
        queue.push(packet()).unwrap();
        assert_eq!(queue.push(packet()), Err(Refused::Full));
        let waiting = Arc::clone(&queue);
        let put = tokio::spawn(async move { waiting.put("b".to_owned()).await });
        assert_eq!(queue.take().await.unwrap().len(), 1);
        put.await.unwrap().unwrap();
        assert_eq!(queue.take().await.unwrap(), ["b"]);
    }

    #[tokio::test]
    async fn packets_taken_one_by_one_make_room_as_well() {
        let queue = Queue::default();
        queue.push(packet()).unwrap();
        let (put, _) = tokio::join!(queue.put("b".to_owned()), async { queue.pop() });
        put.unwrap();
        queue.close();
        assert!(!queue.is_drained());
        queue.changed().await;
        assert_eq!(queue.pop().as_deref(), Some("b"));
        assert_eq!(queue.pop(), None);
        assert!(queue.is_drained());
    }

    #[tokio::test]
    async fn closing_wakes_who_waits() {
        let queue = Arc::new(Queue::default());
        queue.push(packet()).unwrap();
        let (put, closed) = tokio::join!(queue.put("b".to_owned()), async { queue.close() });
        assert_eq!((put, closed), (Err(Refused::Closed), ()));
    }
}
