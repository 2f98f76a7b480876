//! A client of ftrack without Python.
pub mod sequence;
