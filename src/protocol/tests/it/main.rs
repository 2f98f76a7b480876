//! Integration tests of the crate, one binary.
mod expression;
mod fuzz;
mod query;
mod query_properties;
mod socketio;
