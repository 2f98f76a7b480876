//! Finds the asset that a version joins, or plans a new one.

use super::Planner;
use crate::publish::description::{Reference, Target, VersionSpec};
use crate::publish::identity;
use crate::publish::lookup::Role;
use crate::publish::plan::{ConflictKind, PlannedAsset};

/// The type of assets for which nobody named one; every server has it.
const UPLOAD_TYPE: &str = "8f4144e0-a8e6-11e2-9e96-0800200c9a66";

impl Planner<'_> {
    pub(super) fn asset(
        &mut self,
        spec: &VersionSpec,
        version: Option<&str>,
        label: &str,
    ) -> PlannedAsset {
        let id = match &spec.target {
            Target::Asset {
                name,
                asset_type,
                parent,
            } => {
                let parent = self
                    .context(parent.as_ref(), label, "parent")
                    .or_else(|| self.parent_of_task(spec, parent.as_ref(), label));
                let Some(parent) = parent else {
                    return PlannedAsset::default();
                };
                return self.named_asset(name, asset_type.as_deref(), &parent, label);
            }
            Target::ExistingAsset(reference) => self.one(Role::Asset, reference, label),
            Target::ExistingVersion(_) => {
                version.and_then(|v| Some(self.findings.rows.reference(v, "asset")?.to_owned()))
            }
        };
        id.map_or_else(PlannedAsset::default, |id| self.existing_asset(&id))
    }

    fn parent_of_task(
        &mut self,
        spec: &VersionSpec,
        parent: Option<&Reference>,
        label: &str,
    ) -> Option<String> {
        if parent.is_some() {
            return None;
        }
        let found = self.findings.parent(None, spec.task.as_ref());
        if found.is_none() && spec.task.is_none() {
            self.conflict(
                ConflictKind::NotFound,
                label,
                "neither a task nor a parent says what the asset belongs to",
            );
        }
        found.map(str::to_owned)
    }

    fn existing_asset(&self, id: &str) -> PlannedAsset {
        let rows = &self.findings.rows;
        let text = |name| rows.text(id, name).unwrap_or_default().to_owned();
        let parent_id = text("context_id");
        PlannedAsset {
            id: id.to_owned(),
            exists: true,
            name: text("name"),
            type_id: rows.text(id, "type_id").map(str::to_owned),
            parent: rows.path(&parent_id),
            parent_id,
        }
    }

    /// Finds the asset of a name, or plans a new one.
    fn named_asset(
        &mut self,
        name: &str,
        asset_type: Option<&str>,
        parent: &str,
        label: &str,
    ) -> PlannedAsset {
        let rows = &self.findings.rows;
        let wanted = asset_type.map(|wanted| self.type_named(wanted));
        let same_name: Vec<_> = self
            .findings
            .assets
            .iter()
            .filter(|id| rows.text(id, "context_id") == Some(parent))
            .filter(|id| rows.text(id, "name").is_some_and(|n| same(n, name)))
            .collect();
        let is_wanted = |id: &&&String| match &wanted {
            Some(wanted) => rows.text(id, "type_id") == wanted.as_deref(),
            None => true,
        };
        if let Some(id) = same_name.iter().find(is_wanted) {
            return self.existing_asset(id);
        }
        let type_id = wanted.unwrap_or_else(|| Some(UPLOAD_TYPE.to_owned()));
        if let (None, Some(name)) = (&type_id, asset_type) {
            self.unknown_type(name, label);
        } else if !same_name.is_empty() {
            self.conflict(
                ConflictKind::NameTaken,
                label,
                format!("an asset '{name}' of another type is there already"),
            );
        }
        PlannedAsset {
            id: identity::asset(parent, name, type_id.as_deref()),
            exists: false,
            name: name.to_owned(),
            type_id,
            parent_id: parent.to_owned(),
            parent: self.findings.rows.path(parent),
        }
    }

    fn type_named(&self, wanted: &str) -> Option<String> {
        let is = |id: &&String| {
            ["name", "short"].iter().any(|attribute| {
                let text = self.findings.rows.text(id, attribute);
                text.is_some_and(|text| same(text, wanted))
            })
        };
        self.findings.types.iter().find(is).cloned()
    }

    fn unknown_type(&mut self, name: &str, label: &str) {
        let rows = &self.findings.rows;
        let mut known: Vec<_> = self
            .findings
            .types
            .iter()
            .filter_map(|id| rows.text(id, "name"))
            .collect();
        known.sort_unstable();
        let known = known.join(", ");
        self.conflict(
            ConflictKind::UnknownType,
            label,
            format!("there is no asset type '{name}'; there are {known}"),
        );
    }
}

/// ftrack compares names without regard to case.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}
