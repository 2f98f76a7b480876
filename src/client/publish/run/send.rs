//! Sends the files of versions that are not published yet.

use std::collections::HashSet;

use parking_lot::Mutex;

use super::Run;
use super::hash::modified;
use crate::checksum::Digest;
use crate::publish::error::PublishError;
use crate::publish::standing::Standing;
use crate::publish::watch::{NodeState, Watch};
use crate::transfer::{
    BatchError, Phase, Progress, TransferErrorKind, UploadItem, Uploaded, upload,
};

/// Files to be sent, what is expected of each, and the node that it belongs to.
#[derive(Default)]
struct Shipment {
    items: Vec<UploadItem>,
    digests: Vec<Digest>,
    sizes: Vec<u64>,
    nodes: Vec<String>,
}

impl Run {
    /// Hashes what is not hashed yet, and sends everything that goes to the ftrack server and is not published already.
    pub async fn send(&mut self) -> Result<(), PublishError> {
        self.check()?;
        let groups = self.groups();
        let Some(first) = groups.first() else {
            return Ok(());
        };
        let sealed = self.seal(first).await?;
        self.keep(sealed);
        for (number, group) in groups.iter().enumerate() {
            // The next group is hashed while this one is sent.
            let next = groups.get(number + 1).map_or(&[][..], Vec::as_slice);
            let ((), sealed) = tokio::try_join!(self.send_group(group), self.seal(next))?;
            self.keep(sealed);
        }
        Ok(())
    }

    async fn send_group(&self, group: &[usize]) -> Result<(), PublishError> {
        let shipment = self.shipment(group)?;
        if shipment.items.is_empty() {
            return Ok(());
        }
        let progress = shipment.progress(&self.progress, &self.watch);
        let (items, options) = (shipment.items, &self.options.transfer);
        let sending = upload(&*self.api, items.clone(), options, &progress, &self.control);
        // On the heap: it is large, and would make every future around it so.
        let sent = Box::pin(sending)
            .await
            .map_err(|error| match error.cause.kind() {
                TransferErrorKind::Cancelled => PublishError::Cancelled,
                _ => self.blame(&items, &shipment.nodes, error),
            })?;
        for ((sent, expected), item) in sent.iter().zip(&shipment.digests).zip(&items) {
            if !self.is_hashed(sent, *expected, item) {
                return Err(PublishError::Changed {
                    path: item.path.clone(),
                });
            }
        }
        Ok(())
    }

    /// Returns whether what was sent is what was hashed. A file that was sent in parts has no MD5 then; it is the one that was hashed if nobody wrote to it since.
    fn is_hashed(&self, sent: &Uploaded, expected: Digest, item: &UploadItem) -> bool {
        match sent.md5 {
            Some(md5) => md5 == expected,
            None => modified(&item.path).is_some_and(|now| {
                let hashed = self.modified.lock().get(&item.path).copied();
                hashed == Some(Some(now))
            }),
        }
    }

    /// Collects the files of a group, each component once: versions may share a thumbnail.
    fn shipment(&self, group: &[usize]) -> Result<Shipment, PublishError> {
        let mut shipment = Shipment::default();
        let mut known = HashSet::new();
        for version in group {
            let Some(sealed) = &self.sealed[*version] else {
                continue;
            };
            let planned = &self.plan.versions[*version];
            if let Standing::Published(_) = self.standings[*version] {
                continue;
            }
            self.check_free(*version)?;
            for (of, digest) in planned.files().into_iter().zip(&sealed.digests) {
                let component_id = sealed.holder(&of);
                if !of.is_sent || !known.insert(component_id.clone()) {
                    continue;
                }
                shipment.items.push(UploadItem {
                    component_id,
                    path: of.file.path.clone(),
                    file_name: of.file.name(),
                });
                shipment.digests.push(*digest);
                shipment.sizes.push(of.file.size);
                shipment
                    .nodes
                    .push(format!("{}/{}", planned.label, of.part));
            }
        }
        Ok(shipment)
    }

    /// Fails if components of an existing version have names that are taken by others than an earlier run of this publish.
    fn check_free(&self, version: usize) -> Result<(), PublishError> {
        let label = &self.plan.versions[version].label;
        let mine = |node: &str| {
            node.strip_prefix(label.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        };
        let conflicts: Vec<_> = self
            .plan
            .conflicts
            .iter()
            .filter(|conflict| mine(&conflict.node))
            .cloned()
            .collect();
        if conflicts.is_empty() {
            Ok(())
        } else {
            Err(PublishError::Conflicts { conflicts })
        }
    }

    /// Marks the nodes whose files could not be sent.
    fn blame(&self, items: &[UploadItem], nodes: &[String], error: BatchError) -> PublishError {
        for (failed, cause) in &error.failed {
            let at = items.iter().position(|item| item.path == failed.path);
            if let Some(node) = at.and_then(|at| nodes.get(at)) {
                self.watch.end(node, NodeState::Failed, cause.to_string());
            }
        }
        error.into()
    }
}

impl Shipment {
    /// Counts for the whole publish, and tells who watches how far each node is.
    fn progress(&self, whole: &Progress, watch: &Watch) -> Progress {
        let journey = Mutex::new(Journey::of(self));
        let (nodes, watch) = (self.nodes.clone(), watch.clone());
        whole.observed(move |event| {
            if event.phase != Phase::Transfer {
                return;
            }
            let node = &nodes[event.index];
            watch.advance(node, NodeState::Transferring);
            if journey.lock().advance(event.index, event.bytes) {
                watch.advance(node, NodeState::Verifying);
            }
        })
    }
}

/// The bytes that are left of each file, and the files that are left of each node.
struct Journey {
    bytes: Vec<i64>,
    node_of: Vec<usize>,
    files: Vec<usize>,
}

impl Journey {
    fn of(shipment: &Shipment) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let mut files = Vec::new();
        // The files of a node follow each other.
        let node_of = shipment.nodes.iter().map(|node| {
            if names.last() != Some(&node.as_str()) {
                names.push(node);
                files.push(0);
            }
            files[names.len() - 1] += 1;
            names.len() - 1
        });
        Self {
            node_of: node_of.collect(),
            files,
            bytes: shipment
                .sizes
                .iter()
                .map(|size| size.cast_signed())
                .collect(),
        }
    }

    /// Takes moved bytes off a file; returns whether nothing is left of its node.
    fn advance(&mut self, file: usize, bytes: i64) -> bool {
        let left = &mut self.bytes[file];
        let was_open = *left > 0;
        *left -= bytes;
        let files = &mut self.files[self.node_of[file]];
        // A file that is sent anew opens again.
        match (was_open, *left > 0) {
            (true, false) => *files -= 1,
            (false, true) => *files += 1,
            _ => return false,
        }
        *files == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_through_with_its_last_file() {
        let mut journey = Journey::of(&Shipment {
            sizes: vec![2, 3, 1],
            nodes: ["a", "a", "b"].map(str::to_owned).into(),
            ..Shipment::default()
        });
        assert!(!journey.advance(0, 2));
        assert!(!journey.advance(0, -2), "a retry takes bytes back");
        assert!(!journey.advance(1, 3));
        assert!(journey.advance(2, 1));
        assert!(!journey.advance(0, 1));
        assert!(journey.advance(0, 1));
    }
}
