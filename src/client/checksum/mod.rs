//! MD5 of many files at once.
//!
//! ftrack checks an upload by its MD5. One MD5 stream cannot be made parallel, but the files of a sequence are independent: this module hashes
//! as many of them side by side as the vector unit of the CPU has lanes. MD5 protects against accidents, not against attackers.
//!
//! - `digest`: [`Digest`], the value;
//! - `lanes`: the kernels, vector and scalar, behind one type;
//! - `files`: reads files in bounded chunks and keeps every lane fed;
//! - `shared`: hashes what tasks bring while they move it.

mod digest;
mod files;
mod lanes;
mod shared;

pub use digest::Digest;
pub use files::{FileDigest, HashOptions, md5_files};
pub use lanes::{Kernel, md5_buffers};
pub use shared::{RunningDigest, SharedLanes};
