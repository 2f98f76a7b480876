//! Integration tests of the crate, one binary.
mod expression;
mod query;
mod query_properties;
mod socketio;
