//! A client of ftrack without Python.
pub mod sequence;
pub mod checksum;
pub mod transfer;
