//! Moves files between disks and ftrack.

mod cancel;

pub use cancel::Cancel;
