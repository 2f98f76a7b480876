//! Who wants which events.
//!
//! Nearly all subscriptions name one topic and nearly all targets one subscriber, so that looking these up leaves few
//! expressions to evaluate, however many clients are connected.

use std::collections::{HashMap, HashSet};

use ftrack_protocol::Event;
use ftrack_protocol::expression::Expression;
use serde_json::{Map, Value};

/// The number of a connection, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ConnectionId(pub(super) u64);

/// The subscriptions of all connections.
#[derive(Debug, Default)]
pub(super) struct Routes {
    subscriptions: HashMap<SubscriptionId, Subscription>,
    by_connection: HashMap<ConnectionId, HashMap<String, SubscriptionId>>,
    by_subscriber: HashMap<String, HashSet<SubscriptionId>>,
    by_topic: HashMap<String, HashSet<SubscriptionId>>,
    of_any_topic: HashSet<SubscriptionId>,
    last_id: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct SubscriptionId(u64);

#[derive(Debug)]
struct Subscription {
    connection: ConnectionId,
    /// What the subscriber says of itself; targets are tested against it.
    subscriber: Map<String, Value>,
    expression: Expression,
}

/// A subscription that is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The subscriber is subscribed already.
    Duplicate,
    /// The connection has all the subscriptions it may have.
    TooMany,
}

impl Routes {
    /// The most subscriptions of one connection: no plug-in host needs as many.
    pub(super) const PER_CONNECTION: usize = 10_000;

    /// Subscribes the subscriber `id` of `connection` to the events that pass `expression`.
    pub(super) fn subscribe(
        &mut self,
        connection: ConnectionId,
        id: &str,
        subscriber: Map<String, Value>,
        expression: Expression,
    ) -> Result<(), Refused> {
        let own = self.by_connection.entry(connection).or_default();
        if own.contains_key(id) {
            return Err(Refused::Duplicate);
        }
        if own.len() >= Self::PER_CONNECTION {
            return Err(Refused::TooMany);
        }
        self.last_id += 1;
        let subscription = SubscriptionId(self.last_id);
        own.insert(id.to_owned(), subscription);
        let subscribers = self.by_subscriber.entry(id.to_owned()).or_default();
        subscribers.insert(subscription);
        match expression.required_value(TOPIC) {
            Some(topic) => self.by_topic.entry(topic.to_owned()).or_default(),
            None => &mut self.of_any_topic,
        }
        .insert(subscription);
        let value = Subscription {
            connection,
            subscriber,
            expression,
        };
        self.subscriptions.insert(subscription, value);
        Ok(())
    }

    /// Removes the subscriber `id` of `connection`, and returns whether there was one.
    pub(super) fn unsubscribe(&mut self, connection: ConnectionId, id: &str) -> bool {
        let own = self.by_connection.get_mut(&connection);
        let subscription = own.and_then(|own| own.remove(id));
        if let Some(subscription) = subscription {
            self.remove(id, subscription);
        }
        subscription.is_some()
    }

    /// Removes all subscribers of `connection`.
    pub(super) fn disconnect(&mut self, connection: ConnectionId) {
        let own = self.by_connection.remove(&connection);
        for (id, subscription) in own.into_iter().flatten() {
            self.remove(&id, subscription);
        }
    }

    /// Returns the connections that want `event`, each once; `target` is the expression in the event.
    pub(super) fn interested(
        &self,
        event: &Event,
        target: Option<&Expression>,
    ) -> HashSet<ConnectionId> {
        let mut connections = HashSet::new();
        for id in self.candidates(event, target) {
            let Some(subscription) = self.subscriptions.get(id) else {
                continue;
            };
            if !connections.contains(&subscription.connection) && subscription.wants(event, target)
            {
                connections.insert(subscription.connection);
            }
        }
        connections
    }

    fn candidates<'a>(
        &'a self,
        event: &Event,
        target: Option<&Expression>,
    ) -> impl Iterator<Item = &'a SubscriptionId> {
        let targeted = target.and_then(|target| target.required_value(SUBSCRIBER));
        let (likely, others) = match targeted {
            Some(subscriber) => (self.by_subscriber.get(subscriber), None),
            None => (self.by_topic.get(&event.topic), Some(&self.of_any_topic)),
        };
        likely.into_iter().chain(others).flatten()
    }

    fn remove(&mut self, id: &str, subscription: SubscriptionId) {
        let Some(removed) = self.subscriptions.remove(&subscription) else {
            return;
        };
        remove_from(&mut self.by_subscriber, id, subscription);
        match removed.expression.required_value(TOPIC) {
            Some(topic) => remove_from(&mut self.by_topic, topic, subscription),
            None => {
                self.of_any_topic.remove(&subscription);
            }
        }
    }
}

/// The key of an event's topic in subscriptions.
const TOPIC: &[&str] = &["topic"];

/// The key of a subscriber's id in targets.
const SUBSCRIBER: &[&str] = &["id"];

impl Subscription {
    fn wants(&self, event: &Event, target: Option<&Expression>) -> bool {
        let Ok(is_targeted) = target.map_or(Ok(true), |target| target.matches(&self.subscriber));
        let Ok(is_wanted) = self.expression.matches(event);
        is_targeted && is_wanted
    }
}

fn remove_from(
    index: &mut HashMap<String, HashSet<SubscriptionId>>,
    key: &str,
    subscription: SubscriptionId,
) {
    if let Some(subscriptions) = index.get_mut(key) {
        subscriptions.remove(&subscription);
        if subscriptions.is_empty() {
            index.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
