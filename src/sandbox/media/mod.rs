//! Files and pictures: the server's own storage, signed uploads, thumbnails and the encoding of media for browsers.

pub mod blocks;
mod digits;
pub mod encode;
pub mod encode_rows;
pub mod ffmpeg;
pub mod file_id;
pub mod file_type;
pub mod files;
pub mod parts;
pub mod pending;
pub mod queue;
pub mod range;
pub mod signing;
pub mod still;
pub mod test_pattern;
pub mod thumbnail;
