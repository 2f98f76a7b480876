//! Integration tests of the crate, one binary.
mod encode;
mod harness;
mod lifecycle;
mod media;
mod store;
mod upload;
