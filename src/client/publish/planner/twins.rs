//! Tells whether an earlier run of the same publish may have made a version.

use serde_json::Value;

use super::Planner;
use crate::publish::plan::PlannedVersion;

impl Planner<'_> {
    /// Returns whether something is there that may be what is to be published. Only the content of the files proves that it is, or is not.
    pub(super) fn may_be_published(&self, version: &PlannedVersion) -> bool {
        let mut components = version.components.iter();
        if version.existing.is_some() {
            return version.components.is_empty() || components.any(|c| c.taken_by.is_some());
        }
        if version.components.is_empty() {
            return version.asset.exists;
        }
        self.findings
            .twins
            .iter()
            .any(|twin| self.is_twin(twin, version))
    }

    /// Returns whether a version of the same asset has components of these sizes, maybe besides others: the server adds some when it encodes.
    fn is_twin(&self, twin: &str, version: &PlannedVersion) -> bool {
        let rows = &self.findings.rows;
        let components = rows.references(twin, "components");
        let has = |size: u64| {
            let mut sizes = components.iter().filter_map(|id| rows.value(id, "size"));
            sizes.any(|found| is_size(found, size))
        };
        rows.text(twin, "asset_id") == Some(&version.asset.id)
            && version.components.iter().all(|c| has(c.size()))
    }
}

/// Compares with a number that servers write with a decimal point or without.
fn is_size(found: &Value, size: u64) -> bool {
    found
        .as_f64()
        .is_some_and(|found| found.to_string() == size.to_string())
}
