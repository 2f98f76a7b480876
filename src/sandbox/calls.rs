//! The log of what clients sent, kept in memory: what tests assert on and the demo counts.
//!
//! Every API call is there with its bodies, every upload and download with its sizes; [`observe`] writes it.

pub mod observe;

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::faults::Endpoint;
pub use observe::{Actions, Call, Delivery};

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// The kind of request.
    pub endpoint: Endpoint,
    /// The HTTP method.
    pub method: String,
    /// The path without the query, which may hold a key or a signature.
    pub path: String,
    /// The actions of an API call in order; empty when its body could not be read, and for other requests.
    pub actions: Vec<String>,
    /// Length of the body that the request announced, in bytes.
    pub declared_bytes: Option<u64>,
    /// Size of the body that came, in bytes.
    pub request_bytes: u64,
    /// Size of the body that was answered, in bytes.
    pub response_bytes: u64,
    /// The HTTP status of the answer; `None` when there was none.
    pub status: Option<u16>,
    /// The names of the faults that spoiled the request.
    pub faults: Vec<&'static str>,
    /// The body of an API call, as far as it is kept.
    pub request_body: Option<Bytes>,
    /// The body of the answer to an API call, as far as it is kept.
    pub response_body: Option<Bytes>,
    /// Time from the head of the request to the last byte of the answer, in microseconds.
    pub micros: u64,
}

/// Which records to look at; the default is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Only requests of this kind.
    pub endpoint: Option<Endpoint>,
    /// Only API calls with this action in their batch.
    pub action: Option<String>,
}

impl CallFilter {
    fn matches(&self, record: &CallRecord) -> bool {
        let endpoint = self.endpoint.unwrap_or(Endpoint::Any);
        let here = endpoint == Endpoint::Any || endpoint == record.endpoint;
        let action = self.action.as_ref();
        here && action.is_none_or(|action| record.actions.contains(action))
    }
}

impl From<Endpoint> for CallFilter {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            endpoint: Some(endpoint),
            action: None,
        }
    }
}

/// The latest requests, oldest first.
#[derive(Debug, Default)]
pub struct CallLog {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    records: VecDeque<CallRecord>,
    /// How many of the oldest records have lost their bodies.
    bare: usize,
    /// Size of all bodies, in bytes.
    body_bytes: usize,
}

impl CallLog {
    /// The most records kept: a few MB of memory, and far more than a test or a demo looks at.
    const CAPACITY: usize = 10_000;

    /// How much of one body is kept, in bytes: all of most, and enough of the others to see what they are.
    const BODY_LIMIT: usize = 64 << 10;

    /// How much is kept of all bodies, in bytes; the oldest go first, their records stay.
    const BODIES_LIMIT: usize = 32 << 20;

    /// Returns the latest requests that pass the filter, oldest first.
    pub fn records(&self, filter: &CallFilter) -> Vec<CallRecord> {
        let kept = self.kept.lock();
        let records = kept.records.iter();
        records
            .filter(|record| filter.matches(record))
            .cloned()
            .collect()
    }

    /// Forgets all requests.
    pub fn clear(&self) {
        *self.kept.lock() = Kept::default();
    }

    fn push(&self, record: CallRecord) {
        let mut kept = self.kept.lock();
        kept.body_bytes += record.body_bytes();
        kept.records.push_back(record);
        kept.shrink();
    }
}

impl Kept {
    fn shrink(&mut self) {
        while self.body_bytes > CallLog::BODIES_LIMIT
            && let Some(record) = self.records.get_mut(self.bare)
        {
            self.body_bytes -= record.body_bytes();
            (record.request_body, record.response_body) = (None, None);
            self.bare += 1;
        }
        if self.records.len() > CallLog::CAPACITY
            && let Some(record) = self.records.pop_front()
        {
            self.body_bytes -= record.body_bytes();
            self.bare = self.bare.saturating_sub(1);
        }
    }
}

impl CallRecord {
    fn body_bytes(&self) -> usize {
        let size = |body: &Option<Bytes>| body.as_ref().map_or(0, Bytes::len);
        size(&self.request_body) + size(&self.response_body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(micros: u64, body: &'static [u8]) -> CallRecord {
        CallRecord {
            endpoint: Endpoint::Api,
            method: "POST".to_owned(),
            path: "/api".to_owned(),
            actions: vec!["query".to_owned()],
            declared_bytes: None,
            request_bytes: 0,
            response_bytes: 0,
            status: Some(200),
            faults: Vec::new(),
            request_body: Some(Bytes::from_static(body)),
            response_body: None,
            micros,
        }
    }

    #[test]
    fn the_oldest_calls_are_forgotten() {
        let log = CallLog::default();
        (0..=CallLog::CAPACITY as u64).for_each(|micros| log.push(record(micros, b"")));
        let records = log.records(&CallFilter::default());
        assert_eq!(records.len(), CallLog::CAPACITY);
        assert_eq!(records[0].micros, 1);
    }

    #[test]
    fn the_oldest_bodies_are_forgotten() {
        static BODY: [u8; CallLog::BODY_LIMIT] = [b' '; CallLog::BODY_LIMIT];
        let log = CallLog::default();
        let fitting = CallLog::BODIES_LIMIT / CallLog::BODY_LIMIT;
        (0..=fitting as u64).for_each(|micros| log.push(record(micros, &BODY)));
        let records = log.records(&CallFilter::default());
        let kept = records.iter().map(|record| record.request_body.is_some());
        assert_eq!(kept.filter(|kept| *kept).count(), fitting);
        assert!(records[0].request_body.is_none());
    }

    #[test]
    fn records_are_filtered() {
        let log = CallLog::default();
        log.push(record(1, b""));
        let count = |filter: CallFilter| log.records(&filter).len();
        assert_eq!(count(Endpoint::Any.into()), 1);
        assert_eq!(count(Endpoint::Upload.into()), 0);
        let action = |name: &str| CallFilter {
            endpoint: None,
            action: Some(name.to_owned()),
        };
        assert_eq!(count(action("query")), 1);
        assert_eq!(count(action("create")), 0);
        log.clear();
        assert_eq!(count(CallFilter::default()), 0);
    }
}
