//! Integration tests of the crate, one binary.
#![cfg(test)]

mod checksum;
mod coalesce;
mod commit;
mod copy;
mod download;
mod download_parts;
mod event_hub;
mod identity_map;
mod journal;
mod lost_commit;
mod merge;
mod multipart;
mod pause;
mod preflight;
mod publish;
mod query;
mod ranged_content;
mod raw_calls;
mod reader;
mod schema_cache;
mod schemas;
mod sequence;
mod server;
mod transport;
mod upload;
mod upload_storage;
