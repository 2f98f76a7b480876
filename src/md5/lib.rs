//! MD5 of many streams at once.
//!
//! One MD5 cannot be made parallel: every step needs the one before. But the files of a sequence, and the bodies that a server receives, are independent streams,
//! and a vector unit computes sixteen of them in the time of one. MD5 protects against accidents, not against attackers.
//!
//! ```
//! let mut streams = [ftrack_md5::Md5::new(), ftrack_md5::Md5::new()];
//! let [first, second] = &mut streams;
//! ftrack_md5::update_many(&mut [(first, b"abc"), (second, b"")]);
//! assert_eq!(streams[0].digest()[..4], [0x90, 0x01, 0x50, 0x98]);
//! ```

#[allow(
    unsafe_code,
    reason = "vector instructions; each use says why it is sound, and `make sanitize` runs the tests under AddressSanitizer"
)]
mod kernel;
mod placement;
mod shared;
mod stream;

pub use kernel::Kernel;
pub use placement::{MOST_START, best_start};
pub use shared::{SharedLanes, SharedMd5};
pub use stream::{Md5, update_many, update_many_by};

/// Returns the MD5 of some bytes.
pub fn digest(bytes: &[u8]) -> [u8; 16] {
    let mut stream = Md5::new();
    stream.update(bytes);
    stream.digest()
}
