//! Integration tests of the crate, one binary.
#![cfg(test)]

mod api;
mod create;
mod delete;
mod encode;
mod harness;
mod lifecycle;
mod media;
mod operations;
mod operations_http;
mod operations_sign_in;
mod seed;
mod site;
mod store;
mod update;
mod upload;
