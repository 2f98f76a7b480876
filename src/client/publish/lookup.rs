//! What the server knows already: two calls, whatever the size of the publish.
//!
//! The first asks for every entity that the description refers to, the asset types and what the user may do. The second asks for the assets of the names that are to be
//! published, below the parents that the first has found, and for those of their versions that an earlier run of the same publish may have made.

use std::collections::{BTreeMap, BTreeSet};

use ftrack_protocol::query::{self, Projection, Query, Segment, quoted};
use serde_json::{Value, json};

use super::description::{Description, Reference, Target, Used};
use super::error::PublishError;
use super::files::Files;
use super::plan::SERVER_LOCATION;
use super::rows::{Rows, found};
use crate::transfer::Api;

/// What is asked of an entity depends on what it is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Context,
    Asset,
    Version,
}

impl Role {
    /// The type to ask for by id.
    fn entity_type(self) -> &'static str {
        match self {
            Self::Context => "Context",
            Self::Asset => "Asset",
            Self::Version => "AssetVersion",
        }
    }

    fn attributes(self) -> &'static str {
        match self {
            Self::Context => "id, name, link, parent_id, parent.link",
            Self::Asset => "id, name, type_id, context_id, latest_version.version, parent.link",
            Self::Version => {
                "id, version, link, asset.name, asset.type_id, asset.context_id, asset.parent.link, components.name, \
                 components.component_locations.location_id"
            }
        }
    }
}

/// What queries and a look at the files have found.
#[derive(Debug, Default)]
pub struct Findings {
    pub(super) rows: Rows,
    pub(super) resolved: BTreeMap<(Role, Reference), Vec<String>>,
    pub(super) types: Vec<String>,
    pub(super) locations: Vec<String>,
    /// Configurations of the custom attributes of versions that are to be set.
    pub(super) configurations: Vec<String>,
    pub(super) assets: Vec<String>,
    /// Versions of the assets that have a component of a size that is to be published.
    pub(super) twins: Vec<String>,
    /// The roles of the user, if the server tells them.
    pub(super) roles: Option<Vec<String>>,
    pub(super) files: Files,
}

/// Asks the server, and looks at the files meanwhile.
pub(super) async fn look_up(
    api: &dyn Api,
    description: &Description,
) -> Result<Findings, PublishError> {
    let wanted = wanted(description);
    let operations = first_call(&wanted, description)?;
    let paths = description.clone();
    let inspection = tokio::task::spawn_blocking(move || Files::inspect(&paths));
    let answers = call(api, "look up what there is", operations).await?;
    let mut findings = Findings::default();
    findings.read_first(&wanted, &answers);
    findings.files = inspection.await.map_err(|_| PublishError::WorkerLost)?;
    let expressions = [
        findings.assets_expression(description),
        findings.twins_expression(description),
    ];
    let asked = expressions.iter().flatten().map(|e| query_operation(e));
    let asked: Vec<_> = asked.collect();
    if !asked.is_empty() {
        let answers = call(api, "look up assets", asked).await?;
        let mut answers = answers.iter();
        let [assets, twins] = expressions.map(|e| e.and_then(|_| answers.next()));
        findings.read_assets(assets, twins);
    }
    Ok(findings)
}

pub(super) async fn call(
    api: &dyn Api,
    action: &'static str,
    operations: Vec<Value>,
) -> Result<Vec<Value>, PublishError> {
    let count = operations.len();
    let answers = api
        .call(operations)
        .await
        .map_err(|source| PublishError::Api { action, source })?;
    if answers.len() == count {
        return Ok(answers);
    }
    let source = format!("{} answers to {count} operations", answers.len()).into();
    Err(PublishError::Api { action, source })
}

pub(super) fn query_operation(expression: &str) -> Value {
    json!({"action": "query", "expression": expression})
}

/// Writes ids, or other texts, as the list that a query compares with.
pub(super) fn id_list<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = ids.into_iter().map(quoted).collect();
    quoted.join(", ")
}

/// Returns every entity that is needed, and what for.
fn wanted(description: &Description) -> BTreeSet<(Role, Reference)> {
    let mut wanted = BTreeSet::new();
    for version in &description.versions {
        let target = match &version.target {
            Target::Asset { parent, .. } => parent.as_ref().map(|p| (Role::Context, p)),
            Target::ExistingAsset(asset) => Some((Role::Asset, asset)),
            Target::ExistingVersion(version) => Some((Role::Version, version)),
        };
        let task = version.task.as_ref().map(|task| (Role::Context, task));
        let uses = version.uses.iter().filter_map(|used| match used {
            Used::Existing(version) => Some((Role::Version, version)),
            Used::Version(_) => None,
        });
        let all = target.into_iter().chain(task).chain(uses);
        wanted.extend(all.map(|(role, reference)| (role, reference.clone())));
    }
    wanted
}

fn first_call(
    wanted: &BTreeSet<(Role, Reference)>,
    description: &Description,
) -> Result<Vec<Value>, PublishError> {
    let locations: BTreeSet<_> = description
        .versions
        .iter()
        .flat_map(|version| &version.components)
        .flat_map(|component| component.locations.iter().map(String::as_str))
        .chain([SERVER_LOCATION])
        .collect();
    let locations = id_list(locations);
    let mut operations = vec![
        json!({"action": "permissions"}),
        query_operation("select id, name, short from AssetType"),
        query_operation(&format!(
            "select id, name from Location where id in ({locations})"
        )),
    ];
    for (role, reference) in wanted {
        operations.push(query_operation(&expression(*role, reference)?));
    }
    let versions = description.versions.iter();
    let keys: BTreeSet<_> = versions.flat_map(|v| v.custom_attributes.keys()).collect();
    if !keys.is_empty() {
        let keys = id_list(keys.into_iter().map(String::as_str));
        operations.push(query_operation(&format!(
            "select id, key, project_id from CustomAttributeConfiguration where entity_type is \"assetversion\" and key in ({keys})"
        )));
    }
    Ok(operations)
}

/// Asks for what a role needs, whatever the query of the user selects.
fn expression(role: Role, reference: &Reference) -> Result<String, PublishError> {
    let (entity_type, attributes) = (role.entity_type(), role.attributes());
    match reference {
        Reference::Id(id) => Ok(format!(
            "select {attributes} from {entity_type} where id is {}",
            quoted(id)
        )),
        Reference::Query(text) => {
            let parsed = query::parse(text).map_err(|error| PublishError::InvalidQuery {
                expression: text.clone(),
                reason: error.to_string(),
            })?;
            Ok(selecting(parsed, attributes).to_string())
        }
    }
}

/// A project has no parent, so that cannot be asked for.
fn selecting(query: Query, attributes: &str) -> Query {
    let is_project = query.entity_type == "Project";
    let names = attributes.split(',').map(str::trim);
    let projections = names
        .filter(|name| !(is_project && name.starts_with("parent")))
        .map(|name| Projection::Attribute(path(name)));
    Query {
        projections: projections.collect(),
        // Two are enough to see that the query does not find one.
        limit: Some(query.limit.unwrap_or(2).min(2)),
        ..query
    }
}

fn path(dotted: &str) -> query::Path {
    let segments = dotted.split('.').map(|name| Segment {
        name: name.to_owned(),
        cast: None,
    });
    query::Path {
        segments: segments.collect(),
    }
}

impl Findings {
    fn read_first(&mut self, wanted: &BTreeSet<(Role, Reference)>, answers: &[Value]) {
        let mut answers = answers.iter();
        let mut next = || answers.next().unwrap_or(&Value::Null);
        self.roles = roles(next());
        let (types, locations) = (next(), next());
        self.rows.add(types);
        self.rows.add(locations);
        self.types = found(types);
        self.locations = found(locations);
        for key in wanted {
            let answer = next();
            self.rows.add(answer);
            self.resolved.insert(key.clone(), found(answer));
        }
        let configurations = next();
        self.rows.add(configurations);
        self.configurations = found(configurations);
    }

    fn read_assets(&mut self, assets: Option<&Value>, twins: Option<&Value>) {
        for answer in [assets, twins].into_iter().flatten() {
            self.rows.add(answer);
        }
        self.assets = assets.map(found).unwrap_or_default();
        self.twins = twins.map(found).unwrap_or_default();
    }

    /// Asks for the assets that have the name of a version to be published, below its parent.
    fn assets_expression(&self, description: &Description) -> Option<String> {
        let (parents, names) = self.named(description)?;
        let attributes = Role::Asset.attributes();
        Some(format!(
            "select {attributes} from Asset where context_id in ({parents}) and name in ({names})"
        ))
    }

    /// Asks for the versions of these assets that have a component as large as one that is to be published; an asset may have hundreds of others.
    fn twins_expression(&self, description: &Description) -> Option<String> {
        let named = self.named(description).map(|(parents, names)| {
            format!("(asset.context_id in ({parents}) and asset.name in ({names}))")
        });
        let existing: BTreeSet<_> = description
            .versions
            .iter()
            .filter_map(|version| match &version.target {
                Target::ExistingAsset(asset) => self.only(Role::Asset, asset),
                _ => None,
            })
            .collect();
        let by_id = (!existing.is_empty()).then(|| format!("asset_id in ({})", id_list(existing)));
        let assets: Vec<_> = named.into_iter().chain(by_id).collect();
        let sizes: BTreeSet<_> = description
            .versions
            .iter()
            .flat_map(|version| self.files.component_sizes(version))
            .collect();
        if assets.is_empty() || sizes.is_empty() {
            return None;
        }
        let sizes: Vec<_> = sizes.iter().map(u64::to_string).collect();
        Some(format!(
            "select id, asset_id, components.size from AssetVersion where ({}) and components any (size in ({}))",
            assets.join(" or "),
            sizes.join(", ")
        ))
    }

    /// Returns the parents and the names of assets that are given by name, as lists of a query.
    fn named(&self, description: &Description) -> Option<(String, String)> {
        let (mut parents, mut names) = (BTreeSet::new(), BTreeSet::new());
        for version in &description.versions {
            if let Target::Asset { name, parent, .. } = &version.target {
                names.insert(name.as_str());
                parents.extend(self.parent(parent.as_ref(), version.task.as_ref()));
            }
        }
        (!parents.is_empty()).then(|| (id_list(parents), id_list(names)))
    }

    /// Returns the entity that a reference leads to, if it is just one.
    pub(super) fn only(&self, role: Role, reference: &Reference) -> Option<&str> {
        match self.resolved.get(&(role, reference.clone()))?.as_slice() {
            [id] => Some(id),
            _ => None,
        }
    }

    /// Returns the configuration of a custom attribute of versions: that of the project, or else that of all projects.
    pub(super) fn configuration(&self, key: &str, project: Option<&str>) -> Option<&str> {
        let of = |wanted: Option<&str>| {
            self.configurations.iter().find(|id| {
                self.rows.text(id, "key") == Some(key) && self.rows.text(id, "project_id") == wanted
            })
        };
        let found = project.and_then(|project| of(Some(project)));
        found.or_else(|| of(None)).map(String::as_str)
    }

    /// Returns what an asset belongs to: what was said, or else the parent of the task.
    pub(super) fn parent(
        &self,
        parent: Option<&Reference>,
        task: Option<&Reference>,
    ) -> Option<&str> {
        if let Some(parent) = parent {
            return self.only(Role::Context, parent);
        }
        let task = self.only(Role::Context, task?)?;
        self.rows.text(task, "parent_id")
    }
}

/// Reads the roles of the user, where the server tells them.
fn roles(answer: &Value) -> Option<Vec<String>> {
    let roles = answer.get("data")?.get("roles")?.as_array()?;
    Some(
        roles
            .iter()
            .filter_map(|role| Some(role.as_str()?.to_owned()))
            .collect(),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Reads canned answers in place of a server's.
    pub(in crate::publish) fn findings(
        description: &Description,
        first: &[Value],
        assets: &Value,
        twins: &Value,
        files: Files,
    ) -> Findings {
        let mut findings = Findings::default();
        findings.read_first(&wanted(description), first);
        let (assets, twins) = (json!({"data": assets}), json!({"data": twins}));
        findings.read_assets(Some(&assets), Some(&twins));
        findings.files = files;
        findings
    }

    fn check(role: Role, query: &str, expected: &str) {
        let reference = Reference::Query(query.to_owned());
        assert_eq!(expression(role, &reference).unwrap(), expected);
    }

    #[test]
    fn a_query_of_the_user_selects_what_is_needed() {
        check(
            Role::Context,
            "Shot where name is \"sh010\"",
            "select id, name, link, parent_id, parent.link from Shot where name is \"sh010\" limit 2",
        );
        check(
            Role::Context,
            "select full_name from Project where name is \"film\" limit 1",
            "select id, name, link from Project where name is \"film\" limit 1",
        );
        let invalid = Reference::Query("Shot where".to_owned());
        assert!(expression(Role::Context, &invalid).is_err());
    }
}
