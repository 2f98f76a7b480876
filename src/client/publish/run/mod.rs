//! Carries a plan out.
//!
//! Until the last call nothing of a publish is in the database of the server: upload URLs are given for components that do not exist yet. That call is one transaction and
//! makes everything, published. So whatever fails before leaves nothing behind that anyone could see, version numbers have no holes, and there is nothing to be taken back.
//! The one exception are versions with components that go to other locations: where data lies there depends on the number of the version, so these versions are made before,
//! unpublished, and become published in the last call.
//!
//! Files are sent while they are hashed, unless it may turn out that an earlier run has published them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use super::error::{Failed, PublishError};
use super::lookup::call;
use super::operations::{Batch, Placement};
use super::plan::Plan;
use super::seal::{Parts, Sealed};
use super::standing::{Found, Standing, standings};
use super::watch::{NodeState, Watch};
use crate::transfer::{Api, Control, Progress, SeenFile, TransferOptions};

mod collect;
mod hash;
mod noted;
mod register;
mod send;
mod undo;

pub use noted::Noted;

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
    /// What the journal of the transfer options has kept of this publish.
    pub noted: Option<Noted>,
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

/// What is known of the call that publishes everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastCall {
    /// It was not sent, or the server has refused it.
    NotSent,
    /// It was sent, and may be carried out.
    Unanswered,
    /// Everything is published.
    CarriedOut,
}

/// A publish under way.
pub struct Run {
    api: Arc<dyn Api>,
    plan: Arc<Plan>,
    options: RunOptions,
    watch: Watch,
    progress: Progress,
    control: Control,
    /// Makes versions others than those of an earlier run of the same publish.
    salt: Option<String>,
    parts: Vec<Parts>,
    sealed: Vec<Option<Sealed>>,
    standings: Vec<Standing>,
    /// The files, as they were when they were looked at first.
    seen: HashMap<PathBuf, SeenFile>,
    /// Versions that this run has reserved, by position.
    reserved: Vec<usize>,
    /// Data that others have put into other locations.
    placements: Vec<Placement>,
    /// The components whose files were sent, or begun to be, and of which nothing else is there.
    sent: Vec<String>,
    last_call: LastCall,
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
            salt: options.force.then(|| Uuid::new_v4().to_string()),
            parts: parts(Uuid::new_v4(), count),
            sealed: vec![None; count],
            standings: vec![Standing::Absent; count],
            seen: HashMap::new(),
            reserved: Vec::new(),
            placements: Vec::new(),
            sent: Vec::new(),
            last_call: LastCall::NotSent,
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

    /// Takes back what was made, unless it is published, and tells how far each node came.
    pub async fn fail(&mut self, error: PublishError) -> Failed {
        self.watch.fail_rest(&error.to_string());
        let undone = self.undo().await.unwrap_or_else(|left| {
            tracing::warn!(error = %left, "reserved versions could not be removed; they are unpublished, and the next run uses them");
            None
        });
        self.remove_sent().await;
        Failed {
            error,
            nodes: self.watch.nodes(),
            is_published: match self.last_call {
                LastCall::NotSent => Some(false),
                LastCall::Unanswered => undone,
                LastCall::CarriedOut => Some(true),
            },
        }
    }

    /// Hashes everything and makes the versions whose numbers must be known before the last call.
    ///
    /// Returns position, id and number of each version that goes to other locations and is not published yet.
    pub async fn reserve(&mut self) -> Result<Vec<(usize, String, i64)>, PublishError> {
        self.check()?;
        self.take_noted().await?;
        let all = self.plan.order.clone();
        self.seal(&all).await?;
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
        let found = self.ask(absent).await?;
        self.take(absent, found);
        let is_absent = |version: &usize| self.standings[*version] == Standing::Absent;
        match made {
            Err(error) if absent.iter().any(is_absent) => Err(error),
            _ => Ok(()),
        }
    }

    /// Tells whoever watches that the data of versions is put into other locations.
    pub fn placing(&self, versions: &[usize]) {
        for version in versions {
            let planned = &self.plan.versions[*version];
            for component in planned.components.iter().filter(|c| c.goes_elsewhere()) {
                let node = format!("{}/{}", planned.label, component.name);
                self.watch.advance(&node, NodeState::Transferring);
            }
        }
    }

    /// Takes note of data that others have put into other locations; it is registered in the last call.
    pub fn place(&mut self, placements: Vec<Placement>) {
        self.placements.extend(placements);
    }

    /// Returns the ids of the components of a version, by their names within it, members included.
    pub fn component_ids(&self, version: usize) -> HashMap<String, String> {
        let parts = &self.parts[version];
        let mut ids = HashMap::new();
        for of in self.plan.versions[version].files() {
            let mut key = of.key.as_str();
            ids.insert(key.to_owned(), parts.id(key));
            while let Some((container, _)) = key.rsplit_once('/') {
                key = container;
                ids.insert(key.to_owned(), parts.id(key));
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
    async fn ask(&self, versions: &[usize]) -> Result<Vec<Found>, PublishError> {
        let sealed = versions.iter().filter_map(|version| {
            let sealed = self.sealed[*version].as_ref()?;
            Some((&self.plan.versions[*version], sealed))
        });
        standings(&*self.api, &sealed.collect::<Vec<_>>()).await
    }

    /// Takes note of what became of versions; of those that are published, of the ids of their components, which an earlier run has made.
    fn take(&mut self, versions: &[usize], found: Vec<Found>) {
        for (version, found) in versions.iter().zip(found) {
            self.standings[*version] = found.standing;
            if matches!(found.standing, Standing::Published(_)) {
                for (key, id) in found.components {
                    self.parts[*version].choose(&key, id);
                }
            }
        }
    }

    /// Returns the versions that are not published yet, each after what it needs.
    fn open(&self) -> Vec<usize> {
        let is_open = |version: &usize| !is_published(self.standings[*version]);
        self.plan.order.iter().copied().filter(is_open).collect()
    }

    /// Returns the id of a version whose files are hashed.
    fn id_of(&self, version: usize) -> Option<String> {
        let sealed = self.sealed[version].as_ref()?;
        let existing = self.plan.versions[version].existing.clone();
        Some(existing.unwrap_or_else(|| sealed.id.to_string()))
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

fn is_published(standing: Standing) -> bool {
    matches!(standing, Standing::Published(_))
}

/// Makes the ids of the components of each version.
fn parts(salt: Uuid, count: usize) -> Vec<Parts> {
    (0..count)
        .map(|position| Parts::new(salt, position))
        .collect()
}
