//! Integration tests of the crate, one binary.
mod sequence;
mod checksum;
mod upload;
mod upload_storage;
mod download;
mod coalesce;
mod merge;
mod schemas;
