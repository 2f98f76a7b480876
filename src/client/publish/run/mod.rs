//! Carries a plan out.
//!
//! Until the last call nothing of a publish is in the database of the server: upload URLs are given for components that do not exist yet. That call is one transaction and
//! makes everything, published. So whatever fails before leaves nothing behind that anyone could see, version numbers have no holes, and there is nothing to be taken back.
//! The one exception are versions with components that go to other locations: where data lies there depends on the number of the version, so these versions are made before,
//! unpublished, and become published in the last call.
//!
//! Versions are hashed in groups, of which one is hashed while the one before is sent.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use serde::Serialize;
use uuid::Uuid;

use super::error::{Failed, PublishError};
use super::lookup::call;
use super::operations::{Batch, Placement};
use super::plan::Plan;
use super::seal::{Salt, Sealed};
use super::standing::{Standing, standings};
use super::watch::{NodeState, Watch};
use crate::transfer::{Api, Control, Progress, TransferOptions};

mod finish;
mod hash;
mod register;
mod send;

/// How a publish is carried out.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// How files are hashed and sent.
    pub transfer: TransferOptions,
    /// Makes new versions even if the same publish was finished before.
    pub force: bool,
    /// Keeps the numbers of versions that were reserved when the publish fails, for the next run of it.
    pub keep_reserved: bool,
    /// Waits until the server has made media playable.
    pub wait_for_encodes: bool,
}

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Published {
    /// The versions, in the order of the description.
    pub versions: Vec<PublishedVersion>,
}

/// A version that was published, now or by an earlier run of the same publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublishedVersion {
    /// Its name in this publish.
    pub label: String,
    /// Its id.
    pub id: String,
    /// Its number.
    pub number: i64,
    /// Whether an earlier run has published it, so that nothing was done now.
    pub was_there: bool,
    /// Names and ids of its components.
    pub components: Vec<(String, String)>,
    /// The thumbnail, by id.
    pub thumbnail_id: Option<String>,
    /// The job that makes its media playable, by id.
    pub job_id: Option<String>,
}

/// A publish under way.
pub struct Run {
    api: Arc<dyn Api>,
    plan: Arc<Plan>,
    options: RunOptions,
    watch: Watch,
    progress: Progress,
    control: Control,
    salt: Salt,
    sealed: Vec<Option<Sealed>>,
    standings: Vec<Standing>,
    /// When the files were last written to before they were hashed.
    modified: Mutex<HashMap<PathBuf, Option<SystemTime>>>,
    /// Versions that this run has reserved, by position.
    reserved: Vec<usize>,
    /// Data that others have put into other locations.
    placements: Vec<Placement>,
}

impl Run {
    /// Prepares to carry out a plan; nothing is done yet.
    pub fn new(
        api: Arc<dyn Api>,
        plan: Arc<Plan>,
        options: RunOptions,
        watch: Watch,
        progress: Progress,
        control: Control,
    ) -> Self {
        let count = plan.versions.len();
        Self {
            salt: Salt {
                version: options.force.then(|| Uuid::new_v4().to_string()),
                parts: None,
            },
            sealed: vec![None; count],
            standings: vec![Standing::Absent; count],
            modified: Mutex::default(),
            reserved: Vec::new(),
            placements: Vec::new(),
            api,
            plan,
            options,
            watch,
            progress,
            control,
        }
    }

    /// Does everything, for plans all of whose components go to the ftrack server. What a failed run has made is removed.
    pub async fn run(&mut self) -> Result<Published, Failed> {
        let done = match self.send().await {
            Ok(()) => self.register().await,
            Err(error) => Err(error),
        };
        match done {
            Ok(published) => Ok(published),
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Takes back what was made, and tells how far each node came.
    pub async fn fail(&mut self, error: PublishError) -> Failed {
        self.watch.fail_rest(&error.to_string());
        let is_clean = match self.undo().await {
            Ok(is_clean) => is_clean,
            Err(left) => {
                tracing::warn!(error = %left, "reserved versions could not be removed; they are unpublished, and the next run uses them");
                false
            }
        };
        Failed {
            error,
            nodes: self.watch.nodes(),
            is_clean,
        }
    }

    /// Hashes everything and makes the versions whose numbers must be known before the last call.
    ///
    /// Returns position, id and number of each version that goes to other locations and is not published yet.
    pub async fn reserve(&mut self) -> Result<Vec<(usize, String, i64)>, PublishError> {
        self.check()?;
        for group in self.groups() {
            let sealed = self.seal(&group).await?;
            self.keep(sealed);
        }
        let elsewhere: Vec<_> = (0..self.plan.versions.len())
            .filter(|version| self.plan.versions[*version].goes_elsewhere())
            .collect();
        let absent = elsewhere.iter().copied().filter(|version| {
            self.standings[*version] == Standing::Absent
                && self.plan.versions[*version].existing.is_none()
        });
        self.reserve_absent(&absent.collect::<Vec<_>>()).await?;
        Ok(elsewhere
            .into_iter()
            .filter_map(|version| {
                let number = match self.standings[version] {
                    Standing::Reserved(number) => number,
                    Standing::Absent => self.plan.versions[version].number,
                    Standing::Published(_) => return None,
                };
                Some((version, self.id_of(version)?, number))
            })
            .collect())
    }

    async fn reserve_absent(&mut self, absent: &[usize]) -> Result<(), PublishError> {
        if absent.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for version in absent {
            if let Some(sealed) = &self.sealed[*version] {
                batch.reserve(&self.plan.versions[*version], sealed);
            }
        }
        let made = call(&*self.api, "reserve versions", batch.into_operations()).await;
        // The versions may be there although the answer was lost, so they count as reserved whatever comes.
        absent.clone_into(&mut self.reserved);
        let standings = self.ask(absent).await?;
        for (version, standing) in absent.iter().zip(&standings) {
            self.standings[*version] = *standing;
        }
        match made {
            Err(error) if standings.contains(&Standing::Absent) => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes note of data that others have put into other locations; it is registered in the last call.
    pub fn place(&mut self, placements: Vec<Placement>) {
        self.placements.extend(placements);
    }

    /// Returns the ids of the components of a version, by their names within it, members included.
    pub fn component_ids(&self, version: usize) -> HashMap<String, String> {
        let Some(sealed) = &self.sealed[version] else {
            return HashMap::new();
        };
        let mut ids = HashMap::new();
        for of in self.plan.versions[version].files() {
            let mut key = of.key.as_str();
            ids.insert(key.to_owned(), sealed.holder(&of));
            while let Some((container, _)) = key.rsplit_once('/') {
                key = container;
                ids.insert(key.to_owned(), sealed.component(key));
            }
        }
        ids
    }

    /// Fails if the plan cannot be carried out.
    fn check(&self) -> Result<(), PublishError> {
        let conflicts = self.plan.obstacles();
        if conflicts.is_empty() {
            Ok(())
        } else {
            Err(PublishError::Conflicts { conflicts })
        }
    }

    /// Asks what became of versions.
    async fn ask(&self, versions: &[usize]) -> Result<Vec<Standing>, PublishError> {
        let sealed = versions.iter().filter_map(|version| {
            let sealed = self.sealed[*version].as_ref()?;
            Some((&self.plan.versions[*version], sealed))
        });
        standings(&*self.api, &sealed.collect::<Vec<_>>()).await
    }

    /// Returns the id of a version whose files are hashed.
    fn id_of(&self, version: usize) -> Option<String> {
        let sealed = self.sealed[version].as_ref()?;
        let existing = self.plan.versions[version].existing.clone();
        Some(existing.unwrap_or_else(|| sealed.id.to_string()))
    }

    /// Removes the versions that this run has reserved, and the assets that only they have. Returns whether nothing of the run is left.
    async fn undo(&mut self) -> Result<bool, PublishError> {
        let reserved = std::mem::take(&mut self.reserved);
        if reserved.is_empty() || self.options.keep_reserved {
            return Ok(reserved.is_empty());
        }
        let standings = self.ask(&reserved).await?;
        let is_clean = !standings
            .iter()
            .any(|standing| matches!(standing, Standing::Published(_)));
        let left: Vec<_> = reserved
            .into_iter()
            .zip(standings)
            .filter(|(_, standing)| matches!(standing, Standing::Reserved(_)))
            .map(|(version, _)| version)
            .collect();
        let operations = self.removals(&left).await?;
        if !operations.is_empty() {
            call(&*self.api, "remove reserved versions", operations).await?;
        }
        Ok(is_clean)
    }

    fn nodes_of(&self, version: usize) -> impl Iterator<Item = &str> {
        let nodes = self.plan.nodes.iter();
        nodes
            .filter(move |node| node.version == version)
            .map(|node| node.label.as_str())
    }

    fn advance(&self, version: usize, state: NodeState) {
        self.nodes_of(version)
            .for_each(|node| self.watch.advance(node, state));
    }
}
