//! Hashes versions before anything is sent, and finds out which of them are published already.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use super::Run;
use crate::checksum::FileDigest;
use crate::publish::error::PublishError;
use crate::publish::plan::FileOf;
use crate::publish::seal::{Sealed, seal};
use crate::publish::watch::NodeState;
use crate::transfer::{BatchError, SeenFile, TransferErrorKind, hash, look_at};

impl Run {
    /// Hashes versions, and asks where they stand on the server. Each has to come after what it uses.
    pub(super) async fn seal(&mut self, versions: &[usize]) -> Result<(), PublishError> {
        for version in versions {
            self.advance(*version, NodeState::Hashing);
        }
        let plan = Arc::clone(&self.plan);
        let files = versions.iter().flat_map(|v| plan.versions[*v].files());
        self.hash(&files.collect::<Vec<_>>()).await?;
        let sealed = self.sealed_now(versions)?;
        self.compare(sealed).await
    }

    /// Makes the ids of versions whose files are hashed.
    pub(super) fn sealed_now(
        &self,
        versions: &[usize],
    ) -> Result<Vec<(usize, Sealed)>, PublishError> {
        let salt = self.salt.as_deref();
        seal(&self.plan, versions, &self.digests(), &self.sealed, salt)
    }

    /// Returns the digests of all files that were hashed here.
    pub(super) fn digests(&self) -> HashMap<PathBuf, FileDigest> {
        let digest = |(path, seen): (&PathBuf, &SeenFile)| {
            let (md5, size) = (seen.md5()?, seen.size());
            Some((path.clone(), FileDigest { md5, size }))
        };
        self.seen.iter().filter_map(digest).collect()
    }

    /// Takes note of versions, and asks where they stand on the server.
    pub(super) async fn compare(
        &mut self,
        sealed: Vec<(usize, Sealed)>,
    ) -> Result<(), PublishError> {
        let versions = self.keep(sealed);
        let found = self.ask(&versions).await?;
        self.take(&versions, found);
        Ok(())
    }

    /// Takes note of versions, and returns their positions.
    pub(super) fn keep(&mut self, sealed: Vec<(usize, Sealed)>) -> Vec<usize> {
        let mut versions = Vec::with_capacity(sealed.len());
        for (version, sealed) in sealed {
            self.sealed[version] = Some(sealed);
            versions.push(version);
        }
        versions
    }

    /// Looks at files that nobody has looked at yet, which have to be as they were planned.
    pub(super) async fn look_at(&mut self, files: &[FileOf<'_>]) -> Result<(), PublishError> {
        let sizes: BTreeMap<PathBuf, u64> = files
            .iter()
            .filter(|of| !self.seen.contains_key(&of.file.path))
            .map(|of| (of.file.path.clone(), of.file.size))
            .collect();
        let paths = sizes.keys().cloned().collect();
        let seen = look_at(paths, &self.control).await.map_err(unreadable)?;
        for (seen, (path, size)) in seen.into_iter().zip(sizes) {
            if seen.size() != size {
                return Err(PublishError::Changed { path });
            }
            self.seen.insert(path, seen);
        }
        Ok(())
    }

    /// Hashes files that are not hashed yet, each once however often it is used.
    pub(super) async fn hash(&mut self, files: &[FileOf<'_>]) -> Result<(), PublishError> {
        self.look_at(files).await?;
        let open: BTreeMap<_, &SeenFile> = files
            .iter()
            .filter_map(|of| self.seen.get_key_value(&of.file.path))
            .filter(|(_, seen)| seen.md5().is_none())
            .collect();
        let open = open.into_values().cloned().collect();
        let hashing = hash(open, &self.options.transfer, &self.progress, &self.control);
        let hashed = Box::pin(hashing).await.map_err(unreadable)?;
        for seen in hashed {
            self.seen.insert(seen.path().to_owned(), seen);
        }
        Ok(())
    }
}

/// Sorts the failure of reading files.
fn unreadable(error: BatchError) -> PublishError {
    let path = error.failed.first().map(|(file, _)| file.path.clone());
    match (error.cause.kind(), path) {
        (TransferErrorKind::Cancelled, _) => PublishError::Cancelled,
        (TransferErrorKind::SourceChanged, Some(path)) => PublishError::Changed { path },
        (_, Some(path)) => {
            let reason = std::error::Error::source(&*error.cause)
                .map_or_else(|| error.cause.to_string(), ToString::to_string);
            PublishError::Unreadable { path, reason }
        }
        (_, None) => error.into(),
    }
}
