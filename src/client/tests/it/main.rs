//! Integration tests of the crate, one binary.
#![cfg(test)]

mod checksum;
mod coalesce;
mod download;
mod merge;
mod schemas;
mod sequence;
mod upload;
mod upload_storage;
mod commit;
mod query;
mod server;
mod transport;
mod identity_map;
