//! Files that were looked at, and perhaps hashed, before they are moved.
//!
//! Who needs the MD5 of a file before it is sent, or while it is, has it hashed here and hands over what was found: then nobody reads the file for that again, and all who
//! read it make sure that it is still in the state in which it was seen first.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::source::SourceFile;
use super::tally::{Tally, all, blocking};
use super::{BatchError, Control, ItemRef, Progress, TransferError, TransferOptions, descriptors};
use crate::checksum::{Digest, FileDigest, md5_files};

/// A file in the state in which it was seen, and its MD5 if it was hashed then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenFile {
    pub(super) source: Arc<SourceFile>,
    pub(super) md5: Option<Digest>,
}

impl SeenFile {
    /// Looks at a file, which must be one that can be read. Blocks.
    pub fn look_at(path: &Path) -> Result<Self, TransferError> {
        Ok(Self {
            source: Arc::new(SourceFile::inspect(path)?),
            md5: None,
        })
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// Returns the size in bytes.
    pub fn size(&self) -> u64 {
        self.source.size
    }

    /// Returns the MD5, if the file was hashed.
    pub fn md5(&self) -> Option<Digest> {
        self.md5
    }

    /// Adds the MD5 that the file has in this state.
    #[must_use]
    pub fn hashed(self, md5: Digest) -> Self {
        Self {
            md5: Some(md5),
            ..self
        }
    }

    /// Fails if the file is no longer as it was seen. Blocks.
    pub fn check_unchanged(&self) -> Result<(), TransferError> {
        self.source.check_unchanged()
    }
}

/// Looks at files, and reports all that cannot be read, not only the first.
pub async fn look_at(paths: Vec<PathBuf>, control: &Control) -> Result<Vec<SeenFile>, BatchError> {
    let tally = tally(paths.iter().map(PathBuf::as_path));
    let looking = async {
        let look = move || paths.iter().map(|path| SeenFile::look_at(path)).collect();
        all(blocking(look).await?)
    };
    tally.settle(control, None, looking).await
}

/// Hashes files side by side, and fails if one of them is changed meanwhile.
pub async fn hash(
    files: Vec<SeenFile>,
    options: &TransferOptions,
    progress: &Progress,
    control: &Control,
) -> Result<Vec<SeenFile>, BatchError> {
    let tally = tally(files.iter().map(SeenFile::path));
    let progress = progress.clone();
    let hashing = async {
        let sources = files.iter().map(|file| Arc::clone(&file.source)).collect();
        let advanced = move |index: usize, bytes| progress.hashed(index, bytes);
        let digests = all(md5_of(sources, options, control, advanced).await?)?;
        let hashed = files.into_iter().zip(digests);
        let hashed = hashed.map(|(file, md5)| file.hashed(md5));
        let hashed: Vec<_> = hashed.collect();
        blocking(move || {
            let checked = hashed.into_iter().map(|file| {
                file.check_unchanged()?;
                Ok(file)
            });
            all(checked.collect())
        })
        .await?
    };
    tally.settle(control, options.total, hashing).await
}

/// Returns the MD5 of each file that still has the size in which it was inspected. `advanced` is told of bytes that were hashed, with the position of their file.
pub(super) async fn md5_of(
    sources: Vec<Arc<SourceFile>>,
    options: &TransferOptions,
    control: &Control,
    advanced: impl Fn(usize, u64) + Send + Sync + 'static,
) -> Result<Vec<Result<Digest, TransferError>>, TransferError> {
    let TransferOptions { budget, hash, .. } = options;
    // A chunk is held for each file that is open.
    let chunks = descriptors::share().saturating_mul(hash.chunk);
    let hash = hash.within(chunks.min(budget.size() / 2));
    let reserved = budget.reserve(hash.memory(sources.len())).await;
    let (cancel, _stop) = control.guarded();
    blocking(move || {
        let _reserved = reserved;
        let paths: Vec<_> = sources.iter().map(|source| source.path.clone()).collect();
        let results = md5_files(&paths, &hash, &cancel, &advanced).into_iter();
        let checked = results.zip(&sources).map(|(result, source)| match result {
            Ok(FileDigest { md5, size }) if size == source.size => Ok(md5),
            Ok(_) => Err(source.changed()),
            Err(error) => Err(TransferError::reading(&source.path, error)),
        });
        checked.collect()
    })
    .await
}

fn tally<'a>(paths: impl Iterator<Item = &'a Path>) -> Tally {
    let references = paths.enumerate().map(|(index, path)| ItemRef {
        index,
        component_id: None,
        path: path.to_owned(),
    });
    Tally::new(references.collect())
}
