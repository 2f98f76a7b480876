//! Integration tests of the crate, one binary.
mod sequence;
mod checksum;
