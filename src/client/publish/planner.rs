//! Makes the plan of a publish: a pure function of what is to be published and what was found.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::description::{Description, Reference, Target, Used, VersionSpec};
use super::estimate;
use super::graph::Graph;
use super::lookup::{Findings, Role};
use super::plan::{Conflict, ConflictKind, Plan, PlannedVersion, Warning};
use nodes::nodes_of;

mod assets;
mod components;
mod defects;
mod nodes;
mod twins;

/// Decides what a publish will do, and finds what speaks against it.
pub fn plan(description: &Description, findings: &Findings) -> Plan {
    let mut planner = Planner {
        findings,
        conflicts: Vec::new(),
        warnings: Vec::new(),
    };
    let labels = description.labels();
    let graph = Graph::new(labels.len(), description.edges());
    let order = planner.order(&graph, &labels);
    planner.check_permission(&labels);
    let mut versions: Vec<_> = description
        .versions
        .iter()
        .zip(&labels)
        .map(|(spec, label)| planner.version(spec, label))
        .collect();
    number(&mut versions, &order, findings);
    let (nodes, edges) = nodes_of(&versions, &graph, findings);
    Plan {
        steps: estimate::steps(&versions),
        versions,
        order,
        nodes,
        edges,
        conflicts: planner.conflicts,
        warnings: planner.warnings,
    }
}

struct Planner<'a> {
    findings: &'a Findings,
    conflicts: Vec<Conflict>,
    warnings: Vec<Warning>,
}

impl Planner<'_> {
    fn conflict(&mut self, kind: ConflictKind, node: &str, message: impl Into<String>) {
        self.conflicts.push(Conflict {
            kind,
            node: node.to_owned(),
            message: message.into(),
            files: Vec::new(),
        });
    }

    fn order(&mut self, graph: &Graph, labels: &[String]) -> Vec<usize> {
        graph.order().unwrap_or_else(|cycle| {
            let node = &labels[cycle.0[0]];
            let way = cycle.named(labels).to_string();
            self.conflict(
                ConflictKind::Cycle,
                node,
                format!("versions need each other: {way}"),
            );
            Vec::new()
        })
    }

    fn check_permission(&mut self, labels: &[String]) {
        if let (Some([]), Some(first)) = (self.findings.roles.as_deref(), labels.first()) {
            self.conflict(
                ConflictKind::NoPermission,
                first,
                "the user has no security role on this server, so nothing can be created",
            );
        }
    }

    fn version(&mut self, spec: &VersionSpec, label: &str) -> PlannedVersion {
        let task = self.context(spec.task.as_ref(), label, "task");
        let existing = match &spec.target {
            Target::ExistingVersion(reference) => self.one(Role::Version, reference, label),
            _ => None,
        };
        let asset = self.asset(spec, existing.as_deref(), label);
        let mut version = PlannedVersion {
            label: label.to_owned(),
            asset,
            number: 0,
            may_be_published: false,
            task_id: task,
            comment: spec.comment.clone(),
            data: spec.data.clone(),
            metadata: spec.metadata.clone(),
            custom_attributes: BTreeMap::new(),
            components: Vec::new(),
            encode: None,
            thumbnail: None,
            uses: Vec::new(),
            uses_existing: Vec::new(),
            existing,
        };
        self.uses(spec, &mut version);
        self.custom_attributes(spec, &mut version);
        version.components = self.components(&spec.components, label, None);
        self.thumbnail(spec, &mut version);
        self.reviewable(spec, &mut version);
        self.check_names(&mut version);
        version.may_be_published = self.may_be_published(&version);
        version
    }

    fn uses(&mut self, spec: &VersionSpec, version: &mut PlannedVersion) {
        for used in &spec.uses {
            match used {
                Used::Version(position) => version.uses.push(*position),
                Used::Existing(reference) => {
                    let found = self.one(Role::Version, reference, &version.label);
                    version.uses_existing.extend(found);
                }
            }
        }
    }

    fn custom_attributes(&mut self, spec: &VersionSpec, version: &mut PlannedVersion) {
        let project = self.findings.rows.project(&version.asset.parent_id);
        for (key, value) in &spec.custom_attributes {
            match self.findings.configuration(key, project) {
                Some(configuration) => {
                    let values = &mut version.custom_attributes;
                    values.insert(configuration.to_owned(), value.clone());
                }
                None => self.conflict(
                    ConflictKind::NotFound,
                    &version.label,
                    format!("versions have no custom attribute '{key}'"),
                ),
            }
        }
    }

    fn context(
        &mut self,
        reference: Option<&Reference>,
        label: &str,
        what: &str,
    ) -> Option<String> {
        let reference = reference?;
        let found = self.one(Role::Context, reference, label)?;
        let is_task = self.findings.rows.text(&found, "__entity_type__") == Some("Task");
        match (what, is_task) {
            ("task", false) => {
                let path = self.findings.rows.path(&found);
                self.conflict(
                    ConflictKind::WrongParent,
                    label,
                    format!("'{path}' is no task"),
                );
                None
            }
            ("parent", true) => {
                let path = self.findings.rows.path(&found);
                let message = format!(
                    "'{path}' is a task, which cannot be the parent of an asset; give it as the task, and its parent becomes the parent"
                );
                self.conflict(ConflictKind::WrongParent, label, message);
                None
            }
            _ => Some(found),
        }
    }

    fn one(&mut self, role: Role, reference: &Reference, label: &str) -> Option<String> {
        if let Some(id) = self.findings.only(role, reference) {
            return Some(id.to_owned());
        }
        let count = self
            .findings
            .resolved
            .get(&(role, reference.clone()))
            .map_or(0, Vec::len);
        let found = if count == 0 {
            "nothing was"
        } else {
            "several were"
        };
        let message = match reference {
            Reference::Id(id) => format!("{found} found for the id {id}"),
            Reference::Query(text) => format!("{found} found for {text:?}"),
        };
        self.conflict(ConflictKind::NotFound, label, message);
        None
    }
}

/// Expects the numbers that the server will give, in the order in which versions are made.
fn number(versions: &mut [PlannedVersion], order: &[usize], findings: &Findings) {
    let rows = &findings.rows;
    let mut latest: HashMap<String, i64> = HashMap::new();
    for position in order {
        let version = &mut versions[*position];
        if let Some(existing) = &version.existing {
            version.number = rows
                .value(existing, "version")
                .and_then(Value::as_i64)
                .unwrap_or(0);
            continue;
        }
        let asset = &version.asset.id;
        let last = latest.entry(asset.clone()).or_insert_with(|| {
            let latest = rows.reference(asset, "latest_version");
            latest
                .and_then(|id| rows.value(id, "version")?.as_i64())
                .unwrap_or(0)
        });
        *last += 1;
        version.number = *last;
    }
}

#[cfg(test)]
mod tests;
