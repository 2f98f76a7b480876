//! What is kept of uploads beyond the life of this process, so that the same upload made again goes on where it ended.
//!
//! - [`Journal`] is what the engine tells and asks while bytes move.
//! - [`Intents`] is the database behind it: finds the transfer that an earlier process did not bring to its end, or notes a new one.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use super::Uploaded;
use super::parts::PartSize;
use crate::checksum::Digest;

mod error;
mod fingerprint;
mod intents;
mod lock;
mod record;
mod rows;
mod state_folder;
mod store;

pub use error::JournalError;
pub use intents::{Call, Intent, Intents, State, Unfinished};
pub use record::Record;
pub use state_folder::state_folder;

/// Remembers what was sent of which files.
///
/// Only [`Journal::recall`] is called on a thread that may block. The others are called between requests and must hand over to a thread of their own what takes long.
pub trait Journal: fmt::Debug + Send + Sync {
    /// Returns what was noted of the same file in the same state.
    fn recall(&self, file: &FileState<'_>) -> Recalled;

    /// Notes that the parts of a file are sent by these URLs; what was noted of earlier URLs is void.
    fn parts_opened(&self, file: &FileState<'_>, upload: &PartsUpload);

    /// Notes that a part has arrived.
    fn part_accepted(&self, file: &FileState<'_>, upload: &PartsUpload, part: &AcceptedPart);

    /// Notes that a file has arrived completely, and was verified.
    fn file_finished(&self, file: &FileState<'_>, uploaded: &Uploaded);
}

/// A file that becomes the content of a component, and the state it is in: whoever writes to it or replaces it changes that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileState<'a> {
    /// The component.
    pub component_id: &'a str,
    /// The file.
    pub path: &'a Path,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written to last, where the file system knows.
    pub modified: Option<SystemTime>,
    /// The numbers of its device and of its inode, where there are such.
    pub inode: Option<(u64, u64)>,
}

/// What a journal knows of a file.
#[derive(Debug)]
pub enum Recalled {
    /// It was never sent.
    Nothing,
    /// It has arrived and need not be sent again. Its MD5 is known unless it was sent in parts.
    Finished(Option<Digest>),
    /// Some of its parts have arrived.
    Parts(PartsUpload, Vec<AcceptedPart>),
}

/// A file that is sent in parts. The URLs allow to write it, so they are not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PartsUpload {
    /// The server's name for it.
    pub upload_id: String,
    /// The size of all parts but the last, in bytes.
    pub part_size: u64,
    /// The URL of each part, in their order.
    pub urls: Vec<String>,
}

impl PartsUpload {
    /// Returns whether a file of `size` bytes would be cut into the same parts now.
    pub(super) fn fits(&self, size: u64) -> bool {
        let part = PartSize::of(size);
        self.part_size == part.bytes() && self.urls.len() == part.count(size) as usize
    }
}

impl fmt::Debug for PartsUpload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PartsUpload")
            .field("upload_id", &self.upload_id)
            .field("part_size", &self.part_size)
            .field("parts", &self.urls.len())
            .finish_non_exhaustive()
    }
}

/// A part that has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedPart {
    /// Its number, from 1.
    pub number: u32,
    /// What the storage calls it, without quotes.
    pub etag: String,
    /// The MD5 of the bytes that were sent.
    pub md5: Digest,
}
