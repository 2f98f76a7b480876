//! Integration tests of the crate, one binary.
mod query;
mod query_properties;
