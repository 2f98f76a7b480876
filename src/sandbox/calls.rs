//! The log of what clients sent, kept in memory: what tests assert on and the demo counts.
//!
//! Every API call is there with its bodies, every upload and download with its sizes; [`observe`] writes it.

mod actions;
pub mod observe;

use bytes::Bytes;

use crate::faults::Endpoint;
use crate::log::{Log, Record};
pub use actions::LoggedActions;
pub use observe::{Actions, Call, Delivery};

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// The kind of request.
    pub endpoint: Endpoint,
    /// The HTTP method.
    pub method: String,
    /// The path without the query, which may hold a key or a signature; its beginning if it is longer than any of the server's.
    pub path: String,
    /// The actions of an API call in order; empty when its body could not be read, and for other requests.
    pub actions: LoggedActions,
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
    /// Tells whether a record is to be looked at.
    pub fn matches(&self, record: &CallRecord) -> bool {
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

/// The latest requests.
pub type CallLog = Log<CallRecord>;

impl Record for CallRecord {
    fn for_each_body(&mut self, mut show: impl FnMut(&mut Option<Bytes>)) {
        show(&mut self.request_body);
        show(&mut self.response_body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_filtered() {
        let record = CallRecord {
            endpoint: Endpoint::Api,
            method: "POST".to_owned(),
            path: "/api".to_owned(),
            actions: LoggedActions::of(&["query".to_owned()]),
            declared_bytes: None,
            request_bytes: 0,
            response_bytes: 0,
            status: Some(200),
            faults: Vec::new(),
            request_body: None,
            response_body: None,
            micros: 0,
        };
        let passes = |filter: CallFilter| filter.matches(&record);
        assert!(passes(CallFilter::default()));
        assert!(passes(Endpoint::Any.into()));
        assert!(!passes(Endpoint::Upload.into()));
        let action = |name: &str| CallFilter {
            endpoint: None,
            action: Some(name.to_owned()),
        };
        assert!(passes(action("query")));
        assert!(!passes(action("create")));
    }
}
