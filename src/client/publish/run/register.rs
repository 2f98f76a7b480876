//! The last call, which publishes everything, and the encodes after it.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;

use super::{LastCall, Published, PublishedVersion, Run, is_published};
use crate::error::{Error, ErrorKind, chain};
use crate::publish::encode::{self, Stage};
use crate::publish::error::PublishError;
use crate::publish::lookup::call;
use crate::publish::operations::{Batch, Made};
use crate::publish::plan::{REVIEWABLE, THUMBNAIL};
use crate::publish::rows::Rows;
use crate::publish::standing::{Found, Standing};
use crate::publish::watch::NodeState;

/// How often the last call is sent. Its answer may be lost each time, but it is carried out once: the ids can be created only once.
const ATTEMPTS: u32 = 3;

/// The wait before it is sent again.
const PAUSE: Duration = Duration::from_millis(300);

impl Run {
    /// Publishes everything in one transaction, then has media encoded.
    pub async fn register(&mut self) -> Result<Published, PublishError> {
        let open = self.open();
        for version in &open {
            self.advance(*version, NodeState::Registering);
        }
        let was_there: HashSet<_> = (0..self.plan.versions.len())
            .filter(|version| !open.contains(version))
            .collect();
        if !open.is_empty() {
            self.commit(&open).await?;
        }
        self.last_call = LastCall::CarriedOut;
        self.reserved.clear();
        self.mark_published(&was_there);
        let jobs = self.encode(&was_there).await?;
        Ok(self.published(&was_there, &jobs))
    }

    /// Sends the last call until it is known to have been carried out, or refused.
    async fn commit(&mut self, open: &[usize]) -> Result<(), PublishError> {
        let operations = self.operations(open);
        // From here on only a refusal proves that the files are not needed.
        let sent = std::mem::take(&mut self.sent);
        self.last_call = LastCall::Unanswered;
        let mut attempt = 1;
        let found = loop {
            let error = match call(&*self.api, "publish", operations.clone()).await {
                Ok(answers) => break self.numbered(open, &answers),
                Err(error) => error,
            };
            let is_refused = error.is_refusal();
            match self.ask(open).await {
                Ok(found) if found.iter().all(|found| is_published(found.standing)) => break found,
                Ok(_) if !is_refused && attempt < ATTEMPTS => {}
                Err(PublishError::Api { source, .. }) if !is_refused => {
                    return Err(PublishError::Unknown { source });
                }
                _ => {
                    if is_refused {
                        self.sent = sent;
                        self.last_call = LastCall::NotSent;
                    }
                    return Err(error);
                }
            }
            attempt += 1;
            tokio::time::sleep(PAUSE).await;
        };
        self.take(open, found);
        Ok(())
    }

    /// Reads the numbers that the server has given to versions.
    fn numbered(&self, open: &[usize], answers: &[Value]) -> Vec<Found> {
        let mut rows = Rows::default();
        for answer in answers {
            rows.add(answer);
        }
        let number = |version: &usize| {
            let id = self.id_of(*version)?;
            rows.value(&id, "version")?.as_i64()
        };
        let found = |version: &usize| {
            let planned = self.plan.versions[*version].number;
            let known = match self.standings[*version] {
                Standing::Reserved(number) => Some(number),
                Standing::Absent | Standing::Published(_) => number(version),
            };
            Found {
                standing: Standing::Published(known.unwrap_or(planned)),
                components: Vec::new(),
            }
        };
        open.iter().map(found).collect()
    }

    fn operations(&self, open: &[usize]) -> Vec<Value> {
        let mut batch = Batch::default();
        for version in open {
            let Some(sealed) = &self.sealed[*version] else {
                continue;
            };
            let planned = &self.plan.versions[*version];
            let made = Made {
                planned,
                sealed,
                parts: &self.parts[*version],
                is_reserved: matches!(self.standings[*version], Standing::Reserved(_)),
            };
            let uses = planned.uses.iter().filter_map(|used| self.id_of(*used));
            let uses: Vec<_> = uses.chain(planned.uses_existing.iter().cloned()).collect();
            batch.publish(made, &uses);
            let ids = self.component_ids(*version).into_iter();
            let keys = ids.map(|(key, id)| (id, key)).collect();
            batch.place(sealed, &keys, &self.placements);
        }
        batch.into_operations()
    }

    /// Marks everything as done but what the server has yet to encode.
    fn mark_published(&self, was_there: &HashSet<usize>) {
        for version in 0..self.plan.versions.len() {
            for node in self.nodes_of(version) {
                if node.ends_with(&format!("/{REVIEWABLE}")) {
                    continue;
                }
                if was_there.contains(&version) {
                    let message = "was published before".to_owned();
                    self.watch.end(node, NodeState::Done, message);
                } else {
                    self.watch.advance(node, NodeState::Done);
                }
            }
        }
    }

    /// Has media encoded and returns the job of each version that has any.
    async fn encode(
        &self,
        was_there: &HashSet<usize>,
    ) -> Result<HashMap<usize, String>, PublishError> {
        let wanted: Vec<_> = self
            .sealed
            .iter()
            .enumerate()
            .filter_map(|(version, sealed)| {
                let (planned, parts) = (&self.plan.versions[version], &self.parts[version]);
                encode::Wanted::of(version, planned, sealed.as_ref()?, parts)
            })
            .collect();
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let node = |n: usize| {
            format!(
                "{}/{REVIEWABLE}",
                self.plan.versions[wanted[n].version].label
            )
        };
        (0..wanted.len()).for_each(|n| self.watch.advance(&node(n), NodeState::Encoding));
        let may_exist = wanted
            .iter()
            .any(|encode| was_there.contains(&encode.version));
        let jobs = encode::request(&*self.api, &wanted, may_exist).await;
        let jobs = jobs.map_err(|error| PublishError::not_encoded(&error))?;
        if self.options.wait_for_encodes {
            self.wait(&jobs, node).await?;
        } else {
            for n in 0..wanted.len() {
                let message = "the server encodes it".to_owned();
                self.watch.end(&node(n), NodeState::Done, message);
            }
        }
        let versions = wanted.iter().map(|encode| encode.version);
        Ok(versions.zip(jobs).collect())
    }

    async fn wait(
        &self,
        jobs: &[String],
        node: impl Fn(usize) -> String,
    ) -> Result<(), PublishError> {
        let mut failed = Vec::new();
        let tell = |n: usize, stage: Stage| match stage {
            Stage::Open { status, since } => {
                let message = format!("{status} for {} s", since.as_secs());
                self.watch.remark(&node(n), message);
            }
            Stage::Done => self.watch.advance(&node(n), NodeState::Done),
            Stage::Failed => {
                let message = "the server could not encode it".to_owned();
                self.watch.end(&node(n), NodeState::Failed, message);
                failed.push(node(n));
            }
        };
        let waiting = self.control.run(encode::wait(&*self.api, jobs, tell)).await;
        match waiting {
            None => Err(PublishError::NotEncoded {
                reason: "the wait for it was cancelled".to_owned(),
            }),
            Some(Err(error)) => Err(PublishError::not_encoded(&error)),
            Some(Ok(())) if failed.is_empty() => Ok(()),
            Some(Ok(())) => Err(PublishError::NotEncoded {
                reason: format!("the server could not encode {}", failed.join(", ")),
            }),
        }
    }

    fn published(&self, was_there: &HashSet<usize>, jobs: &HashMap<usize, String>) -> Published {
        let versions = self.plan.versions.iter().enumerate();
        let described = versions.filter_map(|(position, planned)| {
            let parts = &self.parts[position];
            let number = match self.standings[position] {
                Standing::Published(number) | Standing::Reserved(number) => number,
                Standing::Absent => planned.number,
            };
            let components = planned.components.iter();
            Some(PublishedVersion {
                label: planned.label.clone(),
                id: self.id_of(position)?,
                number,
                was_there: was_there.contains(&position),
                components: components
                    .map(|component| {
                        let id = parts.id(&component.name);
                        (component.name.clone(), id)
                    })
                    .collect(),
                thumbnail_id: planned.thumbnail.as_ref().map(|_| parts.id(THUMBNAIL)),
                job_id: jobs.get(&position).cloned(),
            })
        });
        Published {
            versions: described.collect(),
        }
    }
}

impl PublishError {
    /// Returns whether the server has answered that it did not do it.
    fn is_refusal(&self) -> bool {
        let Self::Api { source, .. } = self else {
            return false;
        };
        let kind = source.downcast_ref::<Error>().map(Error::kind);
        matches!(kind, Some(ErrorKind::Server | ErrorKind::Auth))
    }

    fn not_encoded(error: &Self) -> Self {
        Self::NotEncoded {
            reason: chain(error),
        }
    }
}
