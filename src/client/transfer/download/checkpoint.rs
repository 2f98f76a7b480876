//! Which parts of a file a download has received, for its next attempt, and for the next run if this one is killed.
//!
//! The log stands beside the unfinished file: a line that names the version of the content, then one for each part with its MD5. After a power cut a part may be
//! in the log and not on the disk, so whoever goes on hashes the parts first.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::super::version::Version;
use crate::checksum::Digest;

/// More of a log is not read: what a damaged disk or somebody else left there may have any size.
const LONGEST_LOG: u64 = 1024 * 1024;

/// The log of an unfinished file, if there is one; removed when dropped, as the file is then complete or given up.
pub(super) struct Log(PathBuf);

impl Log {
    pub(super) fn beside(unfinished: &Path) -> Self {
        Self(unfinished.with_extension("log.part"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Removes it, so that everything is fetched.
    pub(super) fn discard(&self) {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(file = %self.0.display(), %error, "the log of a download could not be removed");
            }
            _ => {}
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.discard();
    }
}

/// What one attempt at a file knows of the parts that were received, and notes of others.
pub(super) struct Checkpoint {
    log: File,
    received: HashMap<Range<u64>, Digest>,
}

impl Checkpoint {
    /// Reads what was received of this version, or begins anew if that was another. Blocks.
    pub(super) fn open(path: &Path, version: &Version) -> io::Result<Self> {
        let title = title(version);
        let received = read(path, &title);
        let log = if received.is_some() {
            // The last line may have been cut off.
            begin(OpenOptions::new().append(true).open(path)?, "\n")
        } else {
            // What is there may be anything, also a link.
            drop(fs::remove_file(path));
            begin(
                OpenOptions::new()
                    .append(true)
                    .create_new(true)
                    .open(path)?,
                &title,
            )
        };
        Ok(Self {
            log: log?,
            received: received.unwrap_or_default(),
        })
    }

    /// Returns the MD5 of a part that was received before.
    pub(super) fn received(&self, part: &Range<u64>) -> Option<Digest> {
        self.received.get(part).copied()
    }

    /// Notes that a part was written. Blocks.
    pub(super) fn note(&self, part: &Range<u64>, md5: Digest) -> io::Result<()> {
        // In one write, so that lines of parts that end together do not mix.
        let line = format!("{}-{} {md5}\n", part.start, part.end);
        (&self.log).write_all(line.as_bytes())
    }
}

fn title(version: &Version) -> String {
    let (size, tag) = (version.size.unwrap_or_default(), version.tag.as_deref());
    format!("{size} {}\n", tag.unwrap_or_default())
}

fn begin(mut log: File, text: &str) -> io::Result<File> {
    log.write_all(text.as_bytes())?;
    Ok(log)
}

/// Returns the parts in the log, or `None` if it is not that of this version.
fn read(path: &Path, title: &str) -> Option<HashMap<Range<u64>, Digest>> {
    let metadata = fs::symlink_metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > LONGEST_LOG {
        return None;
    }
    let log = fs::read_to_string(path).ok()?;
    Some(log.strip_prefix(title)?.lines().filter_map(part).collect())
}

fn part(line: &str) -> Option<(Range<u64>, Digest)> {
    let (range, md5) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    Some((
        start.parse().ok()?..end.parse().ok()?,
        Digest::from_hex(md5)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(tag: &str) -> Version {
        Version {
            tag: Some(tag.to_owned()),
            size: Some(20),
            md5: None,
        }
    }

    #[test]
    fn a_log_is_read_by_the_next_run_and_only_for_the_same_version() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::beside(&folder.path().join(".a.part"));
        let (first, second, md5) = (0..10, 10..20, Digest([7; 16]));
        let open = |tag| Checkpoint::open(log.path(), &version(tag)).unwrap();
        let killed = |tag, part| {
            let checkpoint = open(tag);
            checkpoint.note(part, md5).unwrap();
            (&checkpoint.log).write_all(b"10-2").unwrap();
        };
        killed("\"1\"", &first);
        killed("\"1\"", &second);
        let known = open("\"1\"");
        assert_eq!(
            (known.received(&first), known.received(&second)),
            (Some(md5), Some(md5))
        );
        assert_eq!(open("\"2\"").received(&first), None);
        drop(log);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
