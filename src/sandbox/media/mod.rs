//! Files and pictures: the server's own storage, signed uploads, thumbnails and the encoding of media for browsers.

pub mod file_id;
pub mod files;
pub mod signing;
