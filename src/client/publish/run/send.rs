//! Sends the files of versions that are not published yet.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::Run;
use crate::publish::error::PublishError;
use crate::publish::plan::{FileOf, Plan, THUMBNAIL};
use crate::publish::sending::{Counters, Outgoing, send};
use crate::publish::watch::{NodeState, Watch};
use crate::transfer::{BatchError, Phase, Progress, TransferErrorKind};

/// Files to be sent, and the node that each belongs to.
#[derive(Default)]
struct Shipment {
    files: Vec<Outgoing>,
    nodes: Vec<String>,
}

impl Run {
    /// Hashes and sends everything that goes to the ftrack server and is not published already.
    ///
    /// Versions that may be there are hashed first, to find out. All others are sent while they are hashed.
    pub async fn send(&mut self) -> Result<(), PublishError> {
        self.check()?;
        self.take_noted().await?;
        let new = self.new_versions();
        let mut uncertain = self.unsealed();
        uncertain.retain(|version| !new.contains(version));
        if !uncertain.is_empty() {
            self.seal(&uncertain).await?;
        }
        self.send_open().await?;
        let sealed = self.sealed_now(&self.unsealed())?;
        self.keep(sealed);
        Ok(())
    }

    /// Returns the versions whose ids are not known, each after what it needs.
    fn unsealed(&self) -> Vec<usize> {
        let is_unsealed = |version: &usize| self.sealed[*version].is_none();
        self.plan
            .order
            .iter()
            .copied()
            .filter(is_unsealed)
            .collect()
    }

    /// Returns the versions that cannot be there, each after what it needs: who uses one of them cannot be there either.
    fn new_versions(&self) -> Vec<usize> {
        let mut new: Vec<usize> = Vec::new();
        for version in &self.plan.order {
            let planned = &self.plan.versions[*version];
            let is_new = self.salt.is_some() || !planned.may_be_published;
            // What goes elsewhere is not read by being sent.
            let is_sent = !planned.goes_elsewhere();
            if is_sent && (is_new || planned.uses.iter().any(|used| new.contains(used))) {
                new.push(*version);
            }
        }
        new
    }

    /// Sends the files of all versions that are not published.
    async fn send_open(&mut self) -> Result<(), PublishError> {
        let plan = Arc::clone(&self.plan);
        let open = self.open();
        for version in &open {
            self.check_free(*version)?;
            self.advance(*version, NodeState::Hashing);
        }
        let of_all = open.iter().flat_map(|v| plan.versions[*v].sent_files());
        let files: Vec<_> = of_all.collect();
        self.look_at(&files).await?;
        self.hash(&hashed_first(&files)).await?;
        self.share_pictures(&open);
        let shipment = self.shipment(&plan, &open);
        if shipment.files.is_empty() {
            return Ok(());
        }
        self.ship(&shipment).await
    }

    /// Sends files, and takes note of their digests.
    async fn ship(&mut self, shipment: &Shipment) -> Result<(), PublishError> {
        let counters = Counters {
            sent: &shipment.progress(&self.progress, &self.watch),
            hashed: &self.progress,
        };
        let (files, options) = (&shipment.files, &self.options.transfer);
        self.sent = files.iter().map(|file| file.component_id.clone()).collect();
        let sending = send(&*self.api, files, options, counters, &self.control);
        let digests = sending.await.map_err(|error| match error.cause.kind() {
            TransferErrorKind::Cancelled => PublishError::Cancelled,
            _ => self.blame(shipment, error),
        })?;
        for (file, digest) in files.iter().zip(digests) {
            let seen = file.seen.clone().hashed(digest.md5);
            self.seen.insert(seen.path().to_owned(), seen);
        }
        Ok(())
    }

    /// Gives versions with the same picture the same component for it.
    fn share_pictures(&mut self, versions: &[usize]) {
        let mut known = HashMap::new();
        for version in versions {
            let picture = self.plan.versions[*version].thumbnail.as_ref();
            let md5 = picture.and_then(|file| self.seen.get(&file.path)?.md5());
            if let Some(md5) = md5 {
                let parts = &mut self.parts[*version];
                let id: &String = known.entry(md5).or_insert_with(|| parts.id(THUMBNAIL));
                parts.choose(THUMBNAIL, id.clone());
            }
        }
    }

    /// Collects the files of versions, each component once.
    fn shipment(&self, plan: &Plan, versions: &[usize]) -> Shipment {
        let mut shipment = Shipment::default();
        let mut known = HashSet::new();
        for version in versions {
            let planned = &plan.versions[*version];
            for of in planned.sent_files() {
                let component_id = self.parts[*version].id(&of.key);
                let Some(seen) = self.seen.get(&of.file.path) else {
                    // Cannot be: all were looked at.
                    continue;
                };
                if !known.insert(component_id.clone()) {
                    continue;
                }
                shipment.files.push(Outgoing {
                    component_id,
                    file_name: of.file.name(),
                    seen: seen.clone(),
                });
                let node = format!("{}/{}", planned.label, of.part);
                shipment.nodes.push(node);
            }
        }
        shipment
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
    fn blame(&self, shipment: &Shipment, error: BatchError) -> PublishError {
        for (failed, cause) in &error.failed {
            let node = &shipment.nodes[failed.index];
            self.watch.end(node, NodeState::Failed, cause.to_string());
        }
        error.into()
    }
}

/// Returns the files whose MD5 is needed before they are sent: pictures, which versions share that have the same, and files that are sent more than once but read for that
/// only once.
fn hashed_first<'a>(files: &[FileOf<'a>]) -> Vec<FileOf<'a>> {
    let mut counts: HashMap<_, usize> = HashMap::new();
    for of in files {
        *counts.entry(&of.file.path).or_default() += 1;
    }
    let is_first = |of: &&FileOf<'a>| of.part == THUMBNAIL || counts[&of.file.path] > 1;
    files.iter().filter(is_first).cloned().collect()
}

impl Shipment {
    /// Counts for the whole publish, and tells who watches how far each node is.
    fn progress(&self, whole: &Progress, watch: &Watch) -> Progress {
        let sizes = self.files.iter().map(|file| file.seen.size());
        let journey = Mutex::new(Journey::of(sizes, &self.nodes));
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
    fn of(sizes: impl Iterator<Item = u64>, nodes: &[String]) -> Self {
        let mut names: Vec<&str> = Vec::new();
        let mut files = Vec::new();
        // The files of a node follow each other.
        let node_of = nodes.iter().map(|node| {
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
            bytes: sizes.map(u64::cast_signed).collect(),
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
        let nodes = ["a", "a", "b"].map(str::to_owned);
        let mut journey = Journey::of([2, 3, 1].into_iter(), &nodes);
        assert!(!journey.advance(0, 2));
        assert!(!journey.advance(0, -2), "a retry takes bytes back");
        assert!(!journey.advance(1, 3));
        assert!(journey.advance(2, 1));
        assert!(!journey.advance(0, 1));
        assert!(journey.advance(0, 1));
    }
}
