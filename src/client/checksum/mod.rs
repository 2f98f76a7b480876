//! MD5 of many files at once.
//!
//! ftrack checks an upload by its MD5. One MD5 stream cannot be made parallel, but the files of a sequence are independent: they are hashed side by side, as many as the
//! vector unit of the CPU has lanes ([`ftrack_md5`]).
//!
//! - `digest`: [`Digest`], the value;
//! - `files`: reads files in bounded chunks and keeps every lane fed;
//! - `shared`: hashes what tasks bring while they move it.

mod digest;
mod files;
mod shared;

pub use digest::Digest;
pub use files::{FileDigest, HashOptions, md5_files};
pub use shared::{RunningDigest, SharedLanes};
