//! Hashes versions in groups, and finds out which of them are published already.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Run;
use crate::checksum::{FileDigest, md5_files};
use crate::publish::error::PublishError;
use crate::publish::seal::{Sealed, seal};
use crate::publish::standing::{Standing, standings};
use crate::publish::watch::NodeState;
use crate::transfer::TransferOptions;

/// The first group of versions ends with the one that brings it to this size, so that sending starts soon.
const FIRST_GROUP_BYTES: u64 = 256 * 1024 * 1024;

/// Each group may be so many times larger than the one before: fewer groups need fewer calls.
const GROUP_GROWTH: u64 = 4;

/// Versions whose ids are known, by position, and where each stands on the server.
pub(super) type SealedGroup = Vec<(usize, Sealed, Standing)>;

impl Run {
    /// Cuts the versions into groups of growing size, each after what it needs.
    pub(super) fn groups(&self) -> Vec<Vec<usize>> {
        let sizes = self.plan.order.iter().map(|version| {
            let bytes = self.plan.versions[*version].bytes();
            (*version, bytes)
        });
        groups(sizes)
    }

    /// Hashes the versions of a group that are not hashed yet.
    pub(super) async fn seal(&self, group: &[usize]) -> Result<SealedGroup, PublishError> {
        let open: Vec<_> = group
            .iter()
            .copied()
            .filter(|version| self.sealed[*version].is_none())
            .collect();
        for version in &open {
            self.advance(*version, NodeState::Hashing);
        }
        let digests = self.hash(&open).await?;
        let sealed = seal(&self.plan, &open, &digests, &self.sealed, &self.salt)?;
        self.compare(sealed).await
    }

    /// Asks where sealed versions stand on the server.
    pub(super) async fn compare(
        &self,
        sealed: Vec<(usize, Sealed)>,
    ) -> Result<SealedGroup, PublishError> {
        let asked: Vec<_> = sealed
            .iter()
            .map(|(version, sealed)| (&self.plan.versions[*version], sealed))
            .collect();
        let standings = standings(&*self.api, &asked).await?;
        let together = sealed.into_iter().zip(standings);
        Ok(together
            .map(|((version, sealed), standing)| (version, sealed, standing))
            .collect())
    }

    /// Takes note of a group.
    pub(super) fn keep(&mut self, group: SealedGroup) {
        for (version, sealed, standing) in group {
            self.sealed[version] = Some(sealed);
            self.standings[version] = standing;
        }
    }

    /// Hashes the files of versions, each file once however often it is used.
    async fn hash(&self, versions: &[usize]) -> Result<HashMap<PathBuf, FileDigest>, PublishError> {
        let sizes: BTreeMap<PathBuf, u64> = versions
            .iter()
            .flat_map(|version| self.plan.versions[*version].files())
            .map(|of| (of.file.path.clone(), of.file.size))
            .collect();
        let paths: Vec<_> = sizes.into_keys().collect();
        let stamps = paths.iter().map(|path| (path.clone(), modified(path)));
        self.modified.lock().extend(stamps);
        let TransferOptions { budget, hash, .. } = &self.options.transfer;
        let options = hash.within(budget.size() / 2);
        let reserved = budget.reserve(options.memory(paths.len())).await;
        let (cancel, _stop) = self.control.guarded();
        let hashing = tokio::task::spawn_blocking(move || {
            let _reserved = reserved;
            let digests = md5_files(&paths, &options, &cancel, &|_, _| {});
            (paths, digests)
        });
        let (paths, digests) = hashing.await.map_err(|_| PublishError::WorkerLost)?;
        if self.control.is_cancelled() {
            return Err(PublishError::Cancelled);
        }
        let named = paths.into_iter().zip(digests);
        named
            .map(|(path, digest)| match digest {
                Ok(digest) => Ok((path, digest)),
                Err(error) => Err(PublishError::Unreadable {
                    path,
                    reason: error.to_string(),
                }),
            })
            .collect()
    }
}

/// Returns when somebody last wrote to a file.
pub(super) fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

fn groups(sizes: impl IntoIterator<Item = (usize, u64)>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let (mut group, mut bytes, mut limit) = (Vec::new(), 0_u64, FIRST_GROUP_BYTES);
    for (version, size) in sizes {
        group.push(version);
        bytes = bytes.saturating_add(size);
        if bytes >= limit {
            groups.push(std::mem::take(&mut group));
            (bytes, limit) = (0, limit.saturating_mul(GROUP_GROWTH));
        }
    }
    if !group.is_empty() {
        groups.push(group);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_grow() {
        let limit = FIRST_GROUP_BYTES;
        let sizes = [1, limit, limit, 3 * limit, u64::MAX, 1];
        assert_eq!(
            groups(sizes.into_iter().enumerate()),
            [vec![0, 1], vec![2, 3], vec![4], vec![5]]
        );
        assert!(groups([]).is_empty());
    }
}
