//! Integration tests of the crate, one binary.
#![cfg(test)]

mod encode;
mod harness;
mod lifecycle;
mod media;
mod store;
mod upload;
